"""Both languages say everything, with the same values, and are set as they should be."""

import re
import string

import pytest

from service.core.vocabulary import Channel, LawfulBasis, Mechanism, OrphanReason, Purpose, RelayState, Role
from service.disclosure import english, french
from service.disclosure.agreement import Standing
from service.disclosure.phrasebook import Phrasebook, typeset
from service.wording.language import Language

WORDS = {Language.FR: french, Language.EN: english}
each_language = pytest.mark.parametrize("language", Language)


def _fields(phrase: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name}


def test_both_languages_have_the_same_phrases() -> None:
    assert list(english.PHRASES) == list(french.PHRASES)


@pytest.mark.parametrize("name", french.PHRASES)
def test_a_phrase_has_the_same_values_in_both_languages(name: str) -> None:
    # What one of the two has to say twice, the other may say once.
    missing = {"hand_not_received": {"recipient"}}
    assert _fields(english.PHRASES[name]) - _fields(french.PHRASES[name]) <= missing.get(name, set())
    assert _fields(french.PHRASES[name]) == _fields(english.PHRASES[name])


@each_language
def test_every_value_of_the_closed_lists_has_words(language: Language) -> None:
    lists = (Channel, LawfulBasis, Mechanism, Purpose, Role, OrphanReason, RelayState)
    assert set(WORDS[language].TERMS) == {str(one) for closed in lists for one in closed}


@each_language
def test_every_standing_of_a_transfer_has_its_sentences(language: Language) -> None:
    for how in Standing:
        assert {f"hand_{how}", f"status_{how}", f"picture_{how}"} <= set(WORDS[language].PHRASES)


@each_language
def test_sentences_begin_with_a_capital_and_end_with_a_stop(language: Language) -> None:
    for name, phrase in WORDS[language].PHRASES.items():
        if name.startswith(("hand_", "status_", "gap_", "came_", "reach_", "late_", "sent_", "request_month")):
            assert re.match(r"[A-ZÀÉ{]", phrase), name
            assert phrase.endswith("."), name


@each_language
def test_no_phrase_is_set_by_hand(language: Language) -> None:
    for name, phrase in WORDS[language].PHRASES.items():
        assert not re.search("[’\u00a0\u202f]", phrase), name
        assert "  " not in phrase, name
    if language is Language.FR:
        for name, phrase in french.PHRASES.items():
            assert not re.search(r"\w[;?!»]|\w:(?!//)|«\w", phrase), name


def test_french_blanks_do_not_break() -> None:
    assert (
        typeset(Language.FR, "Voyez « ça » : l'un ; l'autre !")
        == "Voyez «\u00a0ça\u00a0»\u00a0: l’un\u202f; l’autre\u202f!"
    )
    assert typeset(Language.EN, "Look: it's “that”!") == "Look: it’s “that”!"


def test_values_are_left_as_they_are() -> None:
    said = Phrasebook(Language.FR).say("sent_one", party="L'Un : {jour} ; <b>", days="hier")
    assert said == "L'Un : {jour} ; <b> a envoyé un SMS à votre numéro hier."


@pytest.mark.parametrize(
    ("name", "said"),
    [("Enseigne", "d’Enseigne"), ("Écho SA", "d’Écho SA"), ("Contact", "de Contact"), ("", "de ")],
)
def test_from_whom_in_french(name: str, said: str) -> None:
    assert Phrasebook(Language.FR).from_(name) == said
    assert Phrasebook(Language.EN).from_(name) == f"from {name}"


def test_a_quotation_at_the_end_brings_its_own_stop_or_gets_one() -> None:
    voice = Phrasebook(Language.EN)
    assert voice.quoted_at_end("Yes!") == "“Yes!”"
    assert voice.quoted_at_end("Yes") == "“Yes”."
