"""Numbers as real files have them, and that the fast path never gives another number than the library."""

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from service.intake.cells import Cells
from service.number import normalisation
from service.number.normalisation import (
    REJECT_EXPLANATIONS,
    NumberRejected,
    RejectReason,
    e164,
    normalise_column,
    normalise_number,
)
from tests.examples import examples

FICTION = 33639980000
SEPARATORS = " .-/()'\"\u00a0\u202f\ufffd"
LIBRARY_SEPARATORS = " .-/()\u00a0"


SPELLINGS = [
    "06 39 98 00 00",
    "06.39.98.00.00",
    "06-39-98-00-00",
    "06/39/98/00/00",
    "0639980000",
    "639980000",
    "+33639980000",
    "+33 6 39 98 00 00",
    "+33 (0)6 39 98 00 00",
    "+33(0)639980000",
    "(+33) 6 39 98 00 00",
    "0033639980000",
    "0033 6 39 98 00 00",
    "0033 (0)6 39 98 00 00",
    "33639980000",
    "33 6 39 98 00 00",
    "330639980000",
    " 0639980000\t",
    "'0639980000",
    '"0639980000"',
    "06\u00a039\u00a098\u00a000\u00a000",
    "06\u202f39\u202f98\u202f00\u202f00",
    "06\ufffd39\ufffd98\ufffd00\ufffd00",
    "06\u201139\u201198\u201100\u201100",
    "\uff10\uff16\uff13\uff19\uff19\uff18\uff10\uff10\uff10\uff10",
]


def test_normalise_every_french_spelling_gives_the_same_number() -> None:
    columns = {spelling: normalise_column(Cells.of([spelling]), "FR").numbers.tolist() for spelling in SPELLINGS}
    assert {spelling: numbers for spelling, numbers in columns.items() if numbers != [FICTION]} == {}
    single = {spelling: normalise_number(spelling, "FR") for spelling in SPELLINGS}
    assert {spelling: number for spelling, number in single.items() if number != FICTION} == {}


REJECTED = [
    ("", RejectReason.EMPTY),
    ("  ", RejectReason.EMPTY),
    ("-", RejectReason.EMPTY),
    ("3.36E+10", RejectReason.SCIENTIFIC_NOTATION),
    ("6,12E+08", RejectReason.SCIENTIFIC_NOTATION),
    ("3,3639980000E+10", RejectReason.SCIENTIFIC_NOTATION),
    ("6e8", RejectReason.SCIENTIFIC_NOTATION),
    ("12345678.0", RejectReason.SPREADSHEET_DECIMAL),
    ("63998000.0", RejectReason.SPREADSHEET_DECIMAL),
    ("33639980000.00", RejectReason.SPREADSHEET_DECIMAL),
    ("639980000,00", RejectReason.SPREADSHEET_DECIMAL),
    ("639 980 000,00", RejectReason.SPREADSHEET_DECIMAL),
    ("639,980,000.00", RejectReason.SPREADSHEET_DECIMAL),
    ("0639980000 / 0639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000;0639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000,0639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000 ou 0639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000\n0639980001", RejectReason.SEVERAL_NUMBERS),
    ("+33639980000+33639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000 0639980001", RejectReason.TOO_LONG),
    ("06 39 98 00 00 poste 12", RejectReason.EXTENSION),
    ("0639980000 x12", RejectReason.EXTENSION),
    ("0639980000;ext=12", RejectReason.EXTENSION),
    ("0639980000#12", RejectReason.EXTENSION),
    ("0800 CALL ME", RejectReason.NOT_A_NUMBER),
    ("inconnu", RejectReason.NOT_A_NUMBER),
    ("#REF!", RejectReason.NOT_A_NUMBER),
    ("0639980000 (Jean)", RejectReason.NOT_A_NUMBER),
    ("06 39 98", RejectReason.TOO_SHORT),
    ("+33 6", RejectReason.TOO_SHORT),
    ("06399800001", RejectReason.TOO_LONG),
    ("0" * 100, RejectReason.TOO_LONG),
    ("+999639980000", RejectReason.UNKNOWN_COUNTRY_CODE),
]


def test_normalise_column_of_anything_else_rejects_each_cell_with_its_reason() -> None:
    wrong = []
    for cell, expected in REJECTED:
        result = normalise_column(Cells.of([cell]), "FR")
        if result.numbers.tolist() != [0] or result.reason(0) is not expected:
            wrong.append((cell, result.numbers.tolist(), expected))
    assert wrong == []


FOREIGN = [
    ("+32 470 12 34 56", "FR", 32470123456),
    ("0470 12 34 56", "BE", 32470123456),
    ("0171/1234567", "DE", 491711234567),
    ("+39 06 698 12345", "FR", 390669812345),
    ("612 34 56 78", "ES", 34612345678),
    ("07911 123456", "GB", 447911123456),
    ("0690 12 34 56", "GP", 590690123456),
    ("(202) 555-0123", "US", 12025550123),
]


def test_normalise_column_of_foreign_numbers_reads_each_in_its_region() -> None:
    found = [
        (spelling, region, normalise_column(Cells.of([spelling]), region).numbers.tolist())
        for spelling, region, _ in FOREIGN
    ]
    assert found == [(spelling, region, [number]) for spelling, region, number in FOREIGN]


def test_normalise_column_two_local_german_numbers_in_a_cell_are_rejected() -> None:
    assert normalise_column(Cells.of(["0301234/0301235"]), "DE").reason(0) is RejectReason.SEVERAL_NUMBERS


def test_normalise_column_number_without_area_code_is_rejected_as_too_short() -> None:
    assert normalise_column(Cells.of(["555-0123"]), "US").reason(0) is RejectReason.TOO_SHORT


def test_normalise_column_with_rejects_keeps_the_positions_of_all_lines() -> None:
    cells = Cells.of(["0639980000", "inconnu", "06 39 98 00 01", "", "+33639980002"])
    result = normalise_column(cells, "FR")
    assert result.numbers.tolist() == [FICTION, 0, FICTION + 1, 0, FICTION + 2]
    assert {row: result.reason(row) for row in result.rejected().tolist()} == {
        1: RejectReason.NOT_A_NUMBER,
        3: RejectReason.EMPTY,
    }


def test_normalise_by_shape_number_too_short_for_its_country_code_is_left_to_the_library() -> None:
    cells = Cells.of(["00385", "03850", "00123"])
    assert normalisation._normalise_by_shape(cells, "HR").tolist() == [0, 0, 0]
    assert {normalise_column(cells, "HR").reason(row) for row in range(3)} <= {
        RejectReason.TOO_SHORT,
        RejectReason.UNKNOWN_COUNTRY_CODE,
    }


def test_normalise_column_empty_gives_no_numbers() -> None:
    assert normalise_column(Cells.of([]), "FR").numbers.tolist() == []


def test_normalise_column_unknown_region_is_refused() -> None:
    with pytest.raises(ValueError, match="default region"):
        normalise_column(Cells.of(["0639980000"]), "ZZ")


def test_normalise_column_calls_the_library_once_per_distinct_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[str] = []
    parse = phonenumbers.parse

    def counting(text: str, region: str) -> phonenumbers.PhoneNumber:
        parsed.append(text)
        return parse(text, region)

    monkeypatch.setattr(phonenumbers, "parse", counting)
    result = normalise_column(Cells.of(["0639980000", "0033 (0)6 39 98 00 00"] * 50), "FR")
    assert set(result.numbers.tolist()) == {FICTION}
    assert len(parsed) == 1


def test_normalise_number_rejected_says_what_to_do_without_the_number() -> None:
    with pytest.raises(NumberRejected) as refused:
        normalise_number("06 39 98 00 00 00", "FR")
    assert refused.value.reason is RejectReason.TOO_LONG
    assert not any(map(str.isdigit, str(refused.value)))


def test_reject_explanations_cover_every_reason() -> None:
    assert set(REJECT_EXPLANATIONS) == set(RejectReason)


def test_e164_has_a_plus() -> None:
    assert e164(FICTION) == "+33639980000"


REGIONS = st.just("FR") | st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS))


@st.composite
def spelled(draw: st.DrawFn, separators: str) -> tuple[str, str]:
    """A spelling as people mix them, mostly of a number and sometimes nearly, and its region."""
    region = draw(REGIONS)
    code = phonenumbers.country_code_for_region(draw(st.just(region) | REGIONS))
    trunk = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or "0"
    country = draw(st.sampled_from(["", "", "+", "00", "+0", "000", f"+{code}", f"00{code}", f"{code}", f"+{code}("]))
    digits = draw(st.text("0123456789", min_size=1, max_size=16) | st.integers(10**8, 10**9 - 1).map(str))
    gaps = draw(st.lists(st.sampled_from(["", "", "", *separators]), min_size=len(digits), max_size=len(digits)))
    spaced = "".join(digit + gap for digit, gap in zip(digits, gaps, strict=True))
    return country + draw(st.sampled_from(["", trunk, "0"])) + spaced, region


@settings(max_examples=examples(600, 3000))
@given(spelled(LIBRARY_SEPARATORS))
@example(("06 39 98 00 00", "FR"))
@example(("331234567", "FR"))
@example(("+330639980000", "BE"))
@example(("4917112345", "DE"))
@example(("+36 06 1 234 567", "HU"))
def test_normalise_by_shape_gives_no_other_number_than_the_library(spelled_in: tuple[str, str]) -> None:
    spelling, region = spelled_in
    fast = int(normalisation._normalise_by_shape(Cells.of([spelling]), region)[0])
    if fast:
        parsed = phonenumbers.parse(spelling, region)
        assert phonenumbers.is_possible_number(parsed)
        assert phonenumbers.format_number(parsed, PhoneNumberFormat.E164) == e164(fast)


def test_normalise_by_shape_international_numbers_agree_with_the_library() -> None:
    spellings = [
        f"+{code}{first}{filler * 2}"[: 1 + length]
        for filler in ("0123456789", "5" * 10, "1" * 10, "8" * 10)
        for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
        for first in range(10)
        for length in range(6, 16)
    ]
    fast = normalisation._normalise_by_shape(Cells.of(spellings), "FR").tolist()
    accepted = [(spelling, number) for spelling, number in zip(spellings, fast, strict=True) if number]
    assert len(accepted) > len(spellings) // 10
    wrong = []
    for spelling, number in accepted:
        parsed = phonenumbers.parse(spelling, "FR")
        written = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
        if not phonenumbers.is_possible_number(parsed) or written != e164(number):
            wrong.append((spelling, number))
    assert wrong == []


@settings(max_examples=examples(200, 1000))
@given(st.lists(spelled(SEPARATORS), min_size=1, max_size=4), st.lists(st.text(max_size=20), max_size=3))
def test_normalise_column_agrees_with_the_library_alone(spelled_in: list[tuple[str, str]], texts: list[str]) -> None:
    region = spelled_in[0][1]
    column = [*texts, *(spelling for spelling, _ in spelled_in)]
    together = normalise_column(Cells.of(column), region)
    numbers, reasons = normalisation._normalise_by_library(column, region)
    assert together.numbers.tolist() == numbers.tolist()
    assert together.reasons.tolist() == reasons.tolist()


def test_normalise_by_shape_serves_each_french_spelling_without_the_library() -> None:
    national = "639980000"
    forms = [
        f"0{national}",
        f"+33{national}",
        f"+330{national}",
        f"0033{national}",
        f"33{national}",
        national,
    ]
    assert normalisation._normalise_by_shape(Cells.of(forms), "FR").tolist() == [FICTION] * len(forms)
    dotted = Cells.of(["06.39.98.00.00", "+33 (0)6 39 98 00 00", "06\u00a039\u00a098\u00a000\u00a000"])
    assert normalisation._normalise_by_shape(dotted, "FR").tolist() == [FICTION] * 3
