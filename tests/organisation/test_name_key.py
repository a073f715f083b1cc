"""The names of organisations: which spellings are one."""

from hypothesis import given
from hypothesis import strategies as st

from service.organisation.name_key import name_key, name_keys

ALIKE = [
    ("Contact Direct SAS", "CONTACT-DIRECT", "Contact Direct, S.A.S.", "contact\u00a0direct", "Contact Direct (SA)"),
    ("Parti de l'Aube", "PARTI DE L’AUBE", "Parti de l’Aubé", "parti de l aube"),
    ("Müller & Söhne GmbH & Co. KG", "Muller Söhne", "MÜLLER + SÖHNE KG"),
    ("Œuvres d'Été", "OEUVRES D ETE", "SARL Oeuvres d'été"),
    ("Spółka Akcyjna sp. z o.o.", "SPOLKA AKCYJNA"),
    ("Σάς Α.Ε.", "ΣΆΣ α.ε."),
    ("שלום", "שָׁלוֹם"),
]
APART = [
    "Jeux 1 2",
    "Jeux 12",
    "Jeux",
    "Jeux et Lots",
    "SA",
    "SAS",
    "Ag Conseil",
    "हिंदी",
    "हदी",
    "☐",
    "☐☐",
    "漢字",
    "漢",
]
SEPARATORS = st.sampled_from([" ", "  ", "-", " - ", ", ", "\u00a0", "\u202f", " & ", "/", "_", "’"])
FORMS = st.sampled_from(["", " SA", ", S.A.", " SAS", " S.A.R.L.", " GmbH", " GmbH & Co. KG", " Ltd.", " sp. z o.o."])
WORDS = st.lists(st.text("abcdéèœßñçžאבגجحد漢ж", min_size=2, max_size=8), min_size=1, max_size=5)


def test_name_key_of_spellings_of_one_name_is_one() -> None:
    assert {spellings[0]: {name_key(name) for name in spellings} for spellings in ALIKE} == {
        spellings[0]: {name_key(spellings[0])} for spellings in ALIKE
    }


def test_name_key_of_different_names_differs() -> None:
    names = [*APART, *(spellings[0] for spellings in ALIKE)]
    assert len({name_key(name) for name in names}) == len(names)


@given(WORDS, st.data())
def test_name_key_ignores_case_punctuation_and_legal_form(words: list[str], data: st.DataObject) -> None:
    name = words[0] + "".join(data.draw(SEPARATORS) + word for word in words[1:])
    assert name_key(name.upper() + data.draw(FORMS)) == name_key(" ".join(words))


@given(st.text(min_size=1, max_size=40))
def test_name_key_of_any_name_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@given(st.text(min_size=1, max_size=40).filter(str.strip))
def test_name_key_of_a_visible_name_is_not_empty(name: str) -> None:
    assert name_key(name)
    assert name_keys([name, name.strip(), name]) == [name_key(name)]
