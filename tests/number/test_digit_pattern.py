"""That what is left of an expression after some digits is what `re` finds, for all expressions of the plans."""

import re
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from service.number.digit_pattern import is_decided, may_end, parse_pattern, rest_after
from tests.examples import examples

KINDS = ("general_desc", "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "pager", "uan")


def expressions() -> Iterator[str]:
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
            assert plan is not None
            kinds = [getattr(plan, kind) for kind in KINDS]
            yield from (kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern)
            yield from filter(None, (plan.leading_digits, plan.national_prefix_for_parsing, plan.international_prefix))


EXPRESSIONS = sorted(set(expressions()))
DIGITS = st.text("0123456789", max_size=15)


def test_parse_pattern_reads_every_expression_of_every_plan() -> None:
    assert len(EXPRESSIONS) > 1000
    assert all(map(parse_pattern, EXPRESSIONS))


def test_parse_pattern_of_other_syntax_is_refused() -> None:
    for pattern in ("a", r"\w", "1*", "(?!1)2", "[^1]", "^1"):
        with pytest.raises(ValueError, match="not an expression over digits"):
            parse_pattern(pattern)


@st.composite
def expression_and_digits(draw: st.DrawFn) -> tuple[str, str]:
    """An expression, and digits that it matches or nearly matches."""
    pattern = draw(st.sampled_from(EXPRESSIONS))
    matching = draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)) if "$" not in pattern else ""
    return pattern, draw(st.just(matching) | DIGITS | DIGITS.map(lambda more: (matching[:-1] + more)[:15]))


@settings(max_examples=examples(400, 10_000))
@given(expression_and_digits())
def test_rest_after_digits_may_end_if_and_only_if_they_match(case: tuple[str, str]) -> None:
    pattern, digits = case
    assert may_end(rest_after(parse_pattern(pattern), digits)) == bool(re.fullmatch(pattern, digits))


@settings(max_examples=examples(400, 10_000))
@given(expression_and_digits(), st.integers(0, 15), DIGITS, DIGITS)
def test_is_decided_after_digits_makes_all_that_follow_alike(
    case: tuple[str, str], kept: int, follows: str, instead: str
) -> None:
    pattern, digits = case[0], case[1][:kept]
    if is_decided(rest_after(parse_pattern(pattern), digits)):
        length = min(len(follows), len(instead))
        matches = {bool(re.fullmatch(pattern, digits + more[:length])) for more in (follows, instead)}
        assert len(matches) == 1
