"""No-break spaces and apostrophes are put in once, and nothing else is changed."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from service.wording.language import Language
from service.wording.typography import capitalised, set_spaces, typeset, typeset_all

FR, EN = Language.FR, Language.EN
_texts = st.text(st.sampled_from("aé0 3h'’«»;:!?%€{}\u00a0\u202f\n<>\"/"), max_size=60)


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")


def test_typeset_french_sets_its_no_break_spaces() -> None:
    assert typeset(FR, "Voyez « ça » : l'un ; l'autre !") == (
        "Voyez «\u00a0ça\u00a0»\u00a0: l’un\u202f; l’autre\u202f!"
    )
    assert typeset(FR, "Oui ? 06 39, 30 minutes, 90 % à 5 €") == (
        "Oui\u202f? 06\u00a039, 30\u00a0minutes, 90\u00a0% à 5\u00a0€"
    )


def test_typeset_french_mends_a_no_break_space_of_the_wrong_kind() -> None:
    assert typeset(FR, "Oui\u00a0! Non\u202f:") == "Oui\u202f! Non\u00a0:"


def test_typeset_english_sets_apostrophes_and_numbers_alone() -> None:
    assert typeset(EN, "Look: it's “that”! In 30 days, 06 39") == "Look: it’s “that”! In 30\u00a0days, 06\u00a039"
    assert typeset(EN, "as is ; or : so") == "as is ; or : so"


def test_typeset_leaves_thousands_and_addresses_as_they_are() -> None:
    assert typeset(FR, "3\u202f000 numéros, https://filiation.example/fr") == (
        "3\u202f000 numéros, https://filiation.example/fr"
    )


def test_set_spaces_leaves_apostrophes_to_markup() -> None:
    assert set_spaces(FR, "<p class='x'>Oui !</p>") == "<p class='x'>Oui\u202f!</p>"


@given(st.sampled_from(Language), _texts)
def test_typeset_twice_is_typeset_once(language: Language, text: str) -> None:
    assert typeset(language, typeset(language, text)) == typeset(language, text)


@given(st.sampled_from(Language), _texts | st.text(max_size=60))
def test_typeset_changes_spaces_and_apostrophes_alone(language: Language, text: str) -> None:
    assert _plain(typeset(language, text)) == _plain(text)


@dataclass(frozen=True)
class _Inner:
    title: str


@dataclass(frozen=True)
class _Outer:
    inner: _Inner
    steps: tuple[tuple[str, str], ...]
    problems: dict[str, str]


def test_typeset_all_sets_each_text_of_a_catalogue() -> None:
    catalogue = _Outer(_Inner("Quoi ?"), (("l'un", "oui !"),), {"a": "b : c"})
    assert typeset_all(FR, catalogue) == _Outer(_Inner("Quoi\u202f?"), (("l’un", "oui\u202f!"),), {"a": "b\u00a0: c"})


def test_capitalised_changes_the_first_letter_alone() -> None:
    assert capitalised("événement de l'ONU") == "Événement de l'ONU"
    assert capitalised("") == ""
