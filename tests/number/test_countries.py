"""Cells that name a country, in the spellings of real lists, and numbers of several countries in one column."""

import numpy as np
import phonenumbers
import pytest
from babel import Locale
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS

from service.intake.cells import Cells
from service.number.by_country import normalise_by_country
from service.number.countries import are_calling_codes, country_of_line, region_of_country
from service.number.normalisation import normalise_number
from service.number.rejection import NumberRejected


def test_region_of_country_reads_every_region_by_code_name_and_calling_code() -> None:
    wrong = []
    for language in ("en", "fr"):
        names = Locale.parse(language).territories
        for region in sorted(SUPPORTED_REGIONS & names.keys()):
            spellings = [names[region], names[region].upper(), f" {names[region]}", region, region.lower()]
            code = phonenumbers.country_code_for_region(region)
            spellings.append(f"{names[region]} (+{code})")
            wrong += [(text, found) for text in spellings if (found := region_of_country(text)) != region]
    # It may also mean that the country is missing.
    assert wrong == [("NA", None), ("na", None)] * 2


def test_region_of_country_of_a_calling_code_has_that_code() -> None:
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        for text in (str(code), f"+{code}", f"00{code}", f"{code}.0"):
            region = region_of_country(text, calling_codes=True)
            assert region is None or phonenumbers.country_code_for_region(region) == code, text
        assert code > 799 or region_of_country(str(code), calling_codes=True) is not None, code


@pytest.mark.parametrize(
    "text", ["", " ", "?", "Bretagne", "Europe", "Belgium (+33)", "FR/BE", "XX", "999", "0", "x" * 500, "75001"]
)
def test_region_of_country_of_other_text_is_none(text: str) -> None:
    assert region_of_country(text) is None


def test_region_of_country_of_digits_that_are_an_iso_code_is_read_only_as_a_calling_code_for_certain() -> None:
    iso_codes = {code for code in get_global("territory_aliases") if code.isdecimal()}
    assert len(iso_codes) > 200
    for text in {*iso_codes, *(code.lstrip("0") for code in iso_codes)}:
        assert region_of_country(text) is None, text
    assert [region_of_country("250", calling_codes=True), region_of_country("+250")] == ["RW", "RW"]


@pytest.mark.parametrize(
    ("cells", "region", "expected"),
    [
        (["33", "262"], "BE", True),
        (["262", "FR", ""], "RE", True),
        (["32"], "FR", True),
        (["44.0", "32"], "FR", True),
        (["250", "56"], "FR", False),
        (["56"], "BE", False),
        (["056", "33"], "FR", False),
        (["276", "49"], "DE", False),
        (["380"], "FR", False),
        (["FR", "Italie", "+33"], "FR", False),
        ([], "FR", False),
    ],
)
def test_are_calling_codes_is_what_the_column_shows(cells: list[str], region: str, expected: bool) -> None:
    assert are_calling_codes(cells, region) is expected


MISSING = [
    *("N/A", "#N/A", "n.a.", "NA", "na", "S/O", "s.o.", "N/C", "n.c.", "N/R", "A.D.", "P/E", "I/T", "Ré"),
    *("-", "?", "NULL"),
]


def test_country_of_line_reads_no_country_in_what_stands_for_a_missing_one() -> None:
    found = {text: country_of_line(text, "FR", calling_codes=False) for text in MISSING}
    empty = {"#N/A", "-", "NULL"}
    assert found == {text: "FR" if text in empty else None for text in MISSING}
    assert country_of_line("NA", "NA", calling_codes=False) == "NA"
    read = {"U.S.A.": "US", "U.K.": "GB", "(+33)": "FR", "Namibia": "NA", "NAM": "NA", "SO": "SO"}
    assert {text: country_of_line(text, "FR", calling_codes=False) for text in read} == read


NUMBERS = st.sampled_from(["0639980001", "0470123456", "+41791234567", "639980002", "00352621123456", "x", "", "06"])
COUNTRIES = st.sampled_from(["FR", "Belgique", "32", "", "?", "Suisse", "+1", "RE"])


@given(st.lists(st.tuples(NUMBERS, COUNTRIES), max_size=40))
def test_normalise_by_country_gives_what_each_number_is_in_its_country(lines: list[tuple[str, str]]) -> None:
    cells, countries = Cells.of(number for number, _ in lines), Cells.of(country for _, country in lines)
    found = normalise_by_country(cells, *countries.distinct(), "FR")
    for (text, country), number, reason in zip(lines, found.numbers.tolist(), found.reasons.tolist(), strict=True):
        region = region_of_country(country) if country else "FR"
        if region is None:
            assert number == (normalise_number(text, "FR") if text.startswith(("+", "00")) else 0)
        else:
            assert number == _number(text, region)
        assert (number == 0) == (reason != 0)


def _number(text: str, region: str) -> int:
    try:
        return normalise_number(text, region)
    except NumberRejected:
        return 0


@given(st.lists(st.text(max_size=70), max_size=30))
def test_distinct_texts_and_places_give_the_column(texts: list[str]) -> None:
    cells = Cells.of(text.replace("\0", "") for text in texts)
    found, places = cells.distinct()
    assert len(set(found)) == len(found)
    short = [row for row in range(len(texts)) if cells.lengths[row] <= 64]
    assert [found[place] for place in places[short].tolist()] == [cells[row] for row in short]
    assert np.all(places < max(len(found), 1))
