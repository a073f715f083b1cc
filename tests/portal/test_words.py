"""French and English say the same things, and the pages say them rightly spaced."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.vocabulary import ObjectionKind, ObjectionSource, Purpose, RelayState
from service.portal.typography import space_french
from service.portal.words import WORDS
from service.wording.language import Language


def _phrases(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _phrases(below, f"{name}.{key}")
    elif isinstance(value, tuple):
        for at, below in enumerate(value):
            yield from _phrases(below, f"{name}.{at}")
    else:
        for one in dataclasses.fields(value):
            yield from _phrases(getattr(value, one.name), f"{name}.{one.name}")


FRENCH, ENGLISH = (dict(_phrases(WORDS[language])) for language in (Language.FR, Language.EN))


def test_both_languages_have_the_same_phrases_with_the_same_places_to_fill() -> None:
    assert FRENCH.keys() == ENGLISH.keys()
    for name, phrase in FRENCH.items():
        assert set(re.findall(r"{(\w+)}", phrase)) == set(re.findall(r"{(\w+)}", ENGLISH[name])), name


@pytest.mark.parametrize("phrases", [FRENCH, ENGLISH], ids=["fr", "en"])
def test_no_phrase_is_empty_and_none_is_that_of_the_other_language(phrases: dict[str, str]) -> None:
    assert all(phrase.strip() for phrase in phrases.values())
    same = {name for name in FRENCH if FRENCH[name] == ENGLISH[name]}
    assert same <= {".frame.site", ".requests.kinds.objection"}


@pytest.mark.parametrize("language", Language)
def test_every_value_of_the_closed_lists_has_a_word(language: Language) -> None:
    words = WORDS[language]
    assert set(words.requests.states) == set(words.requests.means) == set(RelayState)
    assert set(words.requests.kinds) == set(ObjectionKind)
    assert set(words.requests.sources) == set(ObjectionSource)
    assert set(words.purposes) == set(Purpose)


def test_high_marks_stand_behind_a_blank_that_does_not_break() -> None:
    assert space_french("Quoi ? « Rien » : 06 39, 30 minutes ; bien !") == (
        "Quoi\u202f? «\u00a0Rien\u00a0»\u00a0: 06\u00a039, 30\u00a0minutes\u202f; bien\u202f!"
    )
    loose = re.compile(r" [;:!?»]|« ")
    assert not [name for name, phrase in FRENCH.items() if loose.search(phrase)]


@given(st.text(alphabet=" ab1«»:;!?\n"))
def test_spacing_changes_blanks_only_and_once(text: str) -> None:
    spaced = space_french(text)
    assert spaced.replace("\u202f", " ").replace("\u00a0", " ") == text
    assert space_french(spaced) == spaced
