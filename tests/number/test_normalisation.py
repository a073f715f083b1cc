"""Numbers as real files have them, and that tables never give another number than the library and its exceptions."""

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.intake.cells import Cells
from service.number.normalisation import Normalised, e164, normalise_column, normalise_number
from service.number.rejection import REJECT_EXPLANATIONS, NumberRejected, RejectReason
from tests.examples import examples
from tests.number.specification import FRENCH_REGIONS, code_in_france, has_another, is_in_use, specified_number

FICTION = 33639980000

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
    "\u0660\u0666\u0663\u0669\u0669\u0668\u0660\u0660\u0660\u0660",
    "06\u2009 39\u200798\t00\u061c00",
    "06\u201939\u00b798\u200c00\u200d00",
    "\u202a+33639980000\u202c",
    "p:+33639980000",
    "P:0639980000",
    "tel:+33-6-39-98-00-00",
    "whatsapp:+33639980000",
    '="0639980000"',
    '="+33 6 39 98 00 00"',
    "\u20190639980000",
    "33639980000.0",
    "33639980000,0",
    "33639980000.00",
]


def test_normalise_every_french_spelling_gives_the_same_number() -> None:
    assert {spelling: found for spelling in SPELLINGS if (found := read_in_all_ways(spelling, "FR")) != FICTION} == {}


def read_in_all_ways(text: str, region: str) -> int | RejectReason:
    """The number or reason, which may not depend on how many cells of a column are alike."""
    ways = [in_column(normalise_column(Cells.of([text] * times), region)) for times in (1, 20)]
    try:
        alone: int | RejectReason = normalise_number(text, region)
    except NumberRejected as refused:
        alone = refused.reason
    assert ways == [alone, alone], text
    return alone


def in_column(found: Normalised) -> int | RejectReason:
    return found.reason(0) if found.reasons[0] else int(found.numbers[0])


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
    ("33639980000.5", RejectReason.SPREADSHEET_DECIMAL),
    ("0639980000.0", RejectReason.SPREADSHEET_DECIMAL),
    ("32470123456.0", RejectReason.SPREADSHEET_DECIMAL),
    ("639980000,00", RejectReason.SPREADSHEET_DECIMAL),
    ("639 980 000,00", RejectReason.SPREADSHEET_DECIMAL),
    ("639,980,000.00", RejectReason.SPREADSHEET_DECIMAL),
    ("0639980000 / 0639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000;0639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000,0639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000 ou 0639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000\n0639980001", RejectReason.SEVERAL_NUMBERS),
    ("06 39 98 00 00 / 01", RejectReason.SEVERAL_NUMBERS),
    ("06 39 98 00 00 (2)", RejectReason.SEVERAL_NUMBERS),
    ("+33639980000+33639980001", RejectReason.SEVERAL_NUMBERS),
    ("0639980000 0639980001", RejectReason.SEVERAL_NUMBERS),
    ("06 39 98 00 00 06 39 98 00 01", RejectReason.SEVERAL_NUMBERS),
    ("++33639980000", RejectReason.NOT_A_NUMBER),
    ("06+39980000", RejectReason.NOT_A_NUMBER),
    ("06 39 98 00 00,12", RejectReason.EXTENSION),
    ("06 39 98 00 00 poste 12", RejectReason.EXTENSION),
    ("0639980000 x12", RejectReason.EXTENSION),
    ("0639980000;ext=12", RejectReason.EXTENSION),
    ("0639980000#12", RejectReason.EXTENSION),
    ("#31#0639980001", RejectReason.NOT_A_NUMBER),
    ("0x639980001", RejectReason.NOT_A_NUMBER),
    ("0800 CALL ME", RejectReason.NOT_A_NUMBER),
    ("inconnu", RejectReason.NOT_A_NUMBER),
    ("#REF!", RejectReason.NOT_A_NUMBER),
    ("0639980000 (Jean)", RejectReason.NOT_A_NUMBER),
    ("06 39 98", RejectReason.TOO_SHORT),
    ("+33 6", RejectReason.TOO_SHORT),
    ("06399800001", RejectReason.TOO_LONG),
    ("0" * 100, RejectReason.TOO_LONG),
    ("+999639980000", RejectReason.UNKNOWN_COUNTRY_CODE),
    *(
        (f"{code}{rest}", RejectReason.PLUS_MISSING)
        for code, rest in ((32, 470123456), (262, 692123456), (1, 2025550123))
    ),
    *((zeros, RejectReason.ONLY_ZEROS) for zeros in ("0", "0000000000", "+00000", "00 00 00 00 00")),
    *(
        (f"{prefix}6 39 98 00 0", RejectReason.TOO_SHORT)
        for prefix in ("0", "+33 ", "+33 0", "0033 0", "+33 (0)", "33 0")
    ),
    ("01 99 00 00 0", RejectReason.TOO_SHORT),
]


def test_normalise_anything_else_rejects_each_cell_with_its_reason() -> None:
    found = [(cell, read_in_all_ways(cell, "FR")) for cell, _ in REJECTED]
    assert [pair for pair, expected in zip(found, REJECTED, strict=True) if pair != expected] == []


FOREIGN = [
    ("+32 470 12 34 56", "FR", 32470123456),
    ("0470 12 34 56", "BE", 32470123456),
    ("0171/1234567", "DE", 491711234567),
    ("+39 06 698 12345", "FR", 390669812345),
    ("612 34 56 78", "ES", 34612345678),
    ("07911 123456", "GB", 447911123456),
    ("0690 12 34 56", "GP", 590690123456),
    ("(202) 555-0123", "US", 12025550123),
    ("1 202 555 0123", "US", 12025550123),
    ("011 33 6 39 98 00 00", "US", 33639980000),
    ("07 08 09 10 11", "CI", 2250708091011),
    ("0549 882345", "SM", 3780549882345),
    ("882345", "SM", 3780549882345),
]
# A trunk zero that the plan does not have, or a range whose numbers all have more digits.
ONE_DIGIT_MISSING = [
    ("0470 12 34 5", "BE"),
    ("078 123 45 6", "CH"),
    ("07700 90012", "GB"),
    ("0692 12 34 5", "RE"),
    ("06 39 98 00 0", "FR"),
    ("(202) 555-012", "US"),
    # Landlines that lost the zero which their plan keeps.
    *((spelling, region) for spelling in ("612345678", "+39 612345678", "212345678") for region in ("IT", "VA")),
    ("+39 669812345", "FR"),
    ("+225 708091011", "CI"),
]
# As they are written in mainland and overseas France alike. The range for fiction is not Mayotte's.
OF_FRANCE = [
    ("0692 12 34 56", 262692123456),
    ("0693 12 34 56", 262693123456),
    ("0639 12 34 56", 262639123456),
    ("0639 98 12 34", 33639981234),
    ("0639 97 12 34", 262639971234),
    ("0690 12 34 56", 590690123456),
    ("0691 12 34 56", 590691123456),
    ("0694 12 34 56", 594694123456),
    ("0696 12 34 56", 596696123456),
    ("0697 12 34 56", 596697123456),
    ("0262 12 34 56", 262262123456),
    ("0263 12 34 56", 262263123456),
    ("0269 12 34 56", 262269123456),
    ("0508 41 12 34", 508411234),
    ("0590 12 34 56", 590590123456),
    ("0594 12 34 56", 594594123456),
    ("0596 12 34 56", 596596123456),
    ("0976 01 23 45", 590976012345),
    ("0976 21 23 45", 262976212345),
    ("0976 41 23 45", 594976412345),
    ("0976 61 23 45", 596976612345),
    ("0976 91 23 45", 262976912345),
    ("0708 41 23 45", 508708412345),
    ("01 99 00 00 01", 33199000001),
    ("02 61 91 00 01", 33261910001),
    ("07 12 34 56 78", 33712345678),
]


def test_normalise_column_of_foreign_numbers_reads_each_in_its_region() -> None:
    found = [
        (spelling, region, normalise_column(Cells.of([spelling]), region).numbers.tolist())
        for spelling, region, _ in FOREIGN
    ]
    assert found == [(spelling, region, [number]) for spelling, region, number in FOREIGN]


def test_normalise_number_that_lost_a_digit_is_too_short() -> None:
    found = {spelling: read_in_all_ways(spelling, region) for spelling, region in ONE_DIGIT_MISSING}
    assert found == dict.fromkeys(found, RejectReason.TOO_SHORT)


def test_normalise_french_number_gives_the_code_of_its_range_in_each_french_region() -> None:
    wrong = [
        (spelling, region, found)
        for spelling, expected in OF_FRANCE
        for region in FRENCH_REGIONS
        if (found := read_in_all_ways(spelling, region)) != expected
    ]
    assert wrong == []


def test_normalise_column_french_numbers_of_the_whole_plan_have_the_codes_of_their_ranges() -> None:
    numbers = range(100_000_000, 1_000_000_000, 49_999)
    cells = Cells.of(f"0{number}" for number in numbers)
    for region in FRENCH_REGIONS:
        found = normalise_column(cells, region).numbers.tolist()
        codes = [(national, code_in_france(str(national))) for national in numbers]
        wrong = [
            (national, code, number)
            for (national, code), number in zip(codes, found, strict=True)
            if code is not None
            and number != int(f"{code}{str(national).removeprefix('508') if code == 508 else national}")
        ]
        assert wrong == [], region


def test_normalise_column_counts_numbers_that_no_plan_uses() -> None:
    cells = Cells.of(["0639980000", "+33692123456", "07 00 12 34 56", "inconnu", "+12015550123", "+11235550123"])
    assert normalise_column(cells, "FR").unallocated.tolist() == [False, True, True, False, False, True]


# Where numbers vary in length, all their digits together are a number too.
SECOND_ENDINGS = [
    ("0301234/0301235", "DE"),
    ("030 1234567/68", "DE"),
    ("030 1234567 / 68", "DE"),
    ("030 1234567/68/69", "DE"),
    ("0301234/68/69", "DE"),
    ("06151 1234 / 1235", "DE"),
    ("0171 1234567 (2)", "DE"),
    ("0171 1234567 [2]", "DE"),
    ("(0171 1234567) 2", "DE"),
    ("0171 1234567\n8", "DE"),
    ("0171 1234567~8", "DE"),
    ("01 5123456/57", "AT"),
    ("06 1234567/8", "IT"),
    ("26 12 34 / 35", "LU"),
    ("26123/26124", "LU"),
    ("30512345/67", "DE"),
    ("+49 30 1234567/68", "FR"),
    ("0049 (0)30 1234567/68", "FR"),
]
# So are a code, an area code and pairs, which are no number by themselves.
GROUPED = [
    ("0171/1234567", "DE", 491711234567),
    ("(0171) 1234567", "DE", 491711234567),
    ("06151\n123456", "DE", 496151123456),
    ("035973/12345", "DE", 493597312345),
    ("+49 35973/12345", "FR", 493597312345),
    ("+49 (0)6151/123456", "FR", 496151123456),
    ("0049 (0) 6151/123456", "FR", 496151123456),
    ("05574/12345", "AT", 43557412345),
    ("06/69812345", "IT", 390669812345),
    ("0549/882345", "SM", 3780549882345),
    ("04/123.45.67", "BE", 3241234567),
    ("26/12/34/56", "LU", 35226123456),
    ("+352 26/12/34/56", "FR", 35226123456),
    ("+33 (0)6/39/98/00/00", "BE", FICTION),
]


def test_normalise_second_ending_behind_a_number_is_refused_and_an_area_code_is_not() -> None:
    found = [(spelling, region, read_in_all_ways(spelling, region)) for spelling, region in SECOND_ENDINGS]
    assert [row for row in found if row[2] is not RejectReason.SEVERAL_NUMBERS] == []
    read = [(spelling, region, read_in_all_ways(spelling, region)) for spelling, region, _ in GROUPED]
    assert read == GROUPED


WITHOUT_AREA_CODE = [
    ("555-0123", "US"),
    ("1234567", "DE"),
    # With other digits before them they would be whole, and the plan has such numbers too.
    ("5123456", "DE"),
    ("30 123456", "DE"),
    ("5123456", "AT"),
    ("234 5678", "GB"),
    ("123 4567", "NZ"),
    ("123 456", "SE"),
    ("8123 4567", "CN"),
    ("3123-4567", "BR"),
]
# Programs that take a number for an integer drop its trunk zero.
WITHOUT_TRUNK_ZERO = [
    ("639980000", "FR", FICTION),
    ("171 1234567", "DE", 491711234567),
    ("30 5123456", "DE", 49305123456),
    ("664 1234567", "AT", 436641234567),
    ("7700 900123", "GB", 447700900123),
    ("9 123 4567", "NZ", 6491234567),
    ("470 12 34 56", "BE", 32470123456),
    ("2 123 45 67", "BE", 3221234567),
    ("138 1234 5678", "CN", 8613812345678),
    ("11 91234-5678", "BR", 5511912345678),
    ("41 23 45", "PM", 508412345),
    ("26 12 34", "LU", 352261234),
    ("06 123456", "IT", 3906123456),
]


def test_normalise_number_that_may_lack_its_area_code_is_too_short_and_without_trunk_zero_it_is_read() -> None:
    refused = [(spelling, region, read_in_all_ways(spelling, region)) for spelling, region in WITHOUT_AREA_CODE]
    assert [row for row in refused if row[2] is not RejectReason.TOO_SHORT] == []
    read = [(spelling, region, read_in_all_ways(spelling, region)) for spelling, region, _ in WITHOUT_TRUNK_ZERO]
    assert read == WITHOUT_TRUNK_ZERO


def test_normalise_column_with_rejects_keeps_the_positions_of_all_lines() -> None:
    cells = Cells.of(["0639980000", "inconnu", "06 39 98 00 01", "", "+33639980002"])
    result = normalise_column(cells, "FR")
    assert result.numbers.tolist() == [FICTION, 0, FICTION + 1, 0, FICTION + 2]
    assert {row: result.reason(row) for row in result.rejected().tolist()} == {
        1: RejectReason.NOT_A_NUMBER,
        3: RejectReason.EMPTY,
    }


def test_normalise_column_empty_gives_no_numbers() -> None:
    assert normalise_column(Cells.of([]), "FR").numbers.tolist() == []


def test_normalise_column_unknown_region_is_refused() -> None:
    with pytest.raises(ValueError, match="default region"):
        normalise_column(Cells.of(["0639980000"]), "ZZ")


def test_normalise_column_of_many_numbers_asks_the_library_about_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """All spellings of the numbers of a block have one meaning, also those that are refused."""
    parsed: list[str] = []
    parse = phonenumbers.parse

    def counting(text: str, region: str, *, keep_raw_input: bool) -> phonenumbers.PhoneNumber:
        parsed.append(text)
        return parse(text, region, keep_raw_input)

    monkeypatch.setattr(phonenumbers, "parse", counting)
    for form in ("{}", "\u202a+32 {}\u202c", "262{}", "06{} (bureau)", "p:+44{}"):
        normalise_column(Cells.of(form.format(10**8 + number * 997) for number in range(200_000)), "BE")
    assert len(parsed) < 3000


def test_normalise_number_rejected_says_what_to_do_without_the_number() -> None:
    with pytest.raises(NumberRejected) as refused:
        normalise_number("06 39 98 00 00 00", "FR")
    assert refused.value.reason is RejectReason.TOO_LONG
    assert not any(map(str.isdigit, str(refused.value)))


def test_reject_explanations_cover_every_reason() -> None:
    assert set(REJECT_EXPLANATIONS) == set(RejectReason)


def test_e164_has_a_plus() -> None:
    assert e164(FICTION) == "+33639980000"


REGIONS = st.sampled_from(FRENCH_REGIONS) | st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS))
KINDS = st.sampled_from(["fixed_line", "mobile", "toll_free", "premium_rate", "voip"])
# Those of the library, spaces, dashes, and what nobody sees.
BETWEEN = (
    " .-/()\u00a0\u2003\u2007\u2009\u2028\u202f\u2010\u2011\u2012\u2013\u2014\u2212"
    "\u00ad\u200b\u200c\u200e\u200f\u2060\u2066\u061c\ufe00\ufe0f\u180e"
)


@st.composite
def numbers_of(draw: st.DrawFn, region: str) -> str:
    """Digits after the trunk prefix: of an example with other last digits, or any; perhaps a digit more or less."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    kind = getattr(metadata, draw(KINDS))
    digits = (kind and kind.example_number) or draw(st.text("0123456789", min_size=3, max_size=12))
    kept = draw(st.integers(0, len(digits)))
    digits = digits[:kept] + draw(st.text("0123456789", min_size=len(digits) - kept, max_size=len(digits) - kept))
    at, change = draw(st.integers(0, len(digits) - 1)), draw(st.sampled_from(["none", "none", "missing", "added"]))
    added = draw(st.sampled_from("0123456789"))
    return {"none": digits, "missing": digits[:at] + digits[at + 1 :], "added": digits[:at] + added + digits[at:]}[
        change
    ]


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str]:
    """A spelling as people mix them, mostly of a number and sometimes nearly, and the region in which it is read."""
    region = draw(REGIONS)
    of_region = draw(st.just(region) | REGIONS)
    code = phonenumbers.country_code_for_region(of_region)
    trunk = phonenumbers.ndd_prefix_for_region(of_region, strip_non_digits=True) or "0"
    country = draw(st.sampled_from(["", "", "+", "00", "+0", "000", "011", f"+{code}", f"00{code}", f"{code}"]))
    written = country + draw(st.sampled_from(["", trunk, "0", f"({trunk})"])) + draw(numbers_of(of_region))
    gaps = draw(st.lists(st.sampled_from(["", "", "", *BETWEEN]), min_size=len(written), max_size=len(written)))
    text = "".join(sign + gap for sign, gap in zip(written, gaps, strict=True))
    ending = draw(st.sampled_from(["", "", "", "/", " / ", " (", "\n", "~", ") "]))
    return text + ending + (draw(st.text("0123456789", min_size=1, max_size=6)) if ending else ""), region


# Their signs say that a text is something else than one number.
SPECIFIED_BY_SIGNS = {
    *(RejectReason.EMPTY, RejectReason.SPREADSHEET_DECIMAL, RejectReason.SEVERAL_NUMBERS, RejectReason.EXTENSION),
    *(RejectReason.NOT_A_NUMBER, RejectReason.ONLY_ZEROS),
}


@settings(max_examples=examples(500, 30_000))
@given(spelled())
@example(("06 39 98 00 00", "FR"))
@example(("331234567", "FR"))
@example(("+330639980000", "BE"))
@example(("4917112345", "DE"))
@example(("+36 06 1 234 567", "HU"))
@example(("+0639980000", "FR"))
@example(("030 1234567/68", "DE"))
@example(("5123456", "AT"))
@example(("491711234567", "DE"))
@example(("00551112345678", "BR"))
@example(("007", "RU"))
@example(("00000000/1", "JP"))
@example(("000000000/1", "JP"))
def test_normalise_in_each_region_is_the_library_with_its_exceptions(spelled_in: tuple[str, str]) -> None:
    spelling, region = spelled_in
    found = read_in_all_ways(spelling, region)
    if has_another(spelling, region):
        assert found in {*SPECIFIED_BY_SIGNS, RejectReason.TOO_LONG}, (spelling, region, found)
    elif found not in SPECIFIED_BY_SIGNS:
        number = specified_number(spelling, region)
        assert (found if isinstance(found, int) else None) == number, (spelling, region, found)
        if number is not None:
            column = normalise_column(Cells.of([spelling] * 20), region)
            assert column.unallocated.tolist() == [not is_in_use(number)] * 20


@settings(max_examples=examples(200, 1000))
@given(st.lists(spelled(), min_size=1, max_size=4), st.lists(st.text(max_size=20), max_size=3), st.integers(1, 20))
def test_normalise_column_reads_each_cell_as_if_it_were_alone(
    spelled_in: list[tuple[str, str]], texts: list[str], times: int
) -> None:
    region = spelled_in[0][1]
    column = [*texts, *(spelling for spelling, _ in spelled_in)] * times
    together = normalise_column(Cells.of(column), region)
    found = [
        together.reason(row) if together.reasons[row] else int(together.numbers[row]) for row in range(len(column))
    ]
    alone = {text: read_in_all_ways(text, region) for text in set(column)}
    assert found == [alone[text] for text in column]


def test_normalise_column_international_numbers_agree_with_the_library() -> None:
    spellings = [
        f"+{code}{first}{filler * 2}"[: 1 + length]
        for filler in ("0123456789", "8" * 10)
        for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
        for first in range(10)
        for length in (6, 8, 9, 10, 11, 12, 13)
    ]
    found = normalise_column(Cells.of(spellings), "FR").numbers.tolist()
    expected = [specified_number(spelling, "FR") or 0 for spelling in spellings]
    wrong = [row for row in zip(spellings, found, expected, strict=True) if row[1] != row[2]]
    assert wrong == []
    assert sum(map(bool, found)) > len(spellings) // 10
