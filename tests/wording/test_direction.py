"""Texts of others in our sentences: a name from right to left turns nothing that stands after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.command.terminal import printable
from service.wording.direction import Phrase, is_balanced, isolated
from service.wording.language import Language, write_list, write_quoted
from service.wording.typography import typeset

HEBREW, ARABIC = "שלום (1) 22", "حملة، 2024"
WITHOUT = st.text(st.characters(categories=["Lu", "Ll", "Nd", "Po"], max_codepoint=0x24F))


def test_name_from_right_to_left_is_isolated_in_phrases_lists_and_quotations() -> None:
    for language in Language:
        for name in (HEBREW, ARABIC, "Lavi לביא SA", "\u200f7"):
            inside = f"\u2068{name}\u2069"
            assert typeset(language, "{name}: {count}").format(name=name, count=3) == f"{inside}: 3"
            assert f"{inside}, A" in write_list(language, [name, "A", "B"])
            assert inside in write_quoted(language, name)


@given(WITHOUT, WITHOUT)
def test_name_from_left_to_right_stays_as_it_is(name: str, other: str) -> None:
    assert isolated(name) == name
    assert Phrase("{}, {other}").format(name, other=other) == f"{name}, {other}"


@given(st.text(st.sampled_from("ab שח\u2068\u2069\u202e\x1b"), max_size=12))
def test_printable_text_has_no_isolate_that_reaches_out_of_it(text: str) -> None:
    assert is_balanced(printable(text))
    assert "\u202e" not in printable(text)
    assert "\x1b" not in printable(text)


@pytest.mark.parametrize("text", ["\u2068", "\u2069\u2068", "a\u2069b"])
def test_printable_marks_an_isolate_that_does_not_end(text: str) -> None:
    assert "\u2068" not in printable(text)
    assert "\u2069" not in printable(text)
