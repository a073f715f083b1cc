"""Country codes without a plus, behind 00, and before a trunk zero, in every region."""

from collections.abc import Iterator

import phonenumbers
import pytest
from phonenumbers import PhoneMetadata

from service.intake.cells import Cells
from service.number.normalisation import normalise_column, normalise_number
from service.number.rejection import NumberRejected, RejectReason
from tests.number.test_normalisation import read_in_all_ways

# They are also numbers of an area code that begins with the country code.
OF_TWO_MEANINGS = {
    *("62812345678", "62218350123", "468123456", "38328012345"),
    *("49030123456", "383028012345"),
}


def _example_numbers() -> Iterator[tuple[str, PhoneMetadata, str]]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        metadata = PhoneMetadata.metadata_for_region(region)
        assert metadata is not None
        for kind in (metadata.mobile, metadata.fixed_line):
            if kind is not None and kind.example_number:
                yield region, metadata, kind.example_number


def _is_example(parsed: phonenumbers.PhoneNumber, national: str) -> bool:
    return phonenumbers.national_significant_number(parsed) == national


def _spellings(metadata: PhoneMetadata, national: str) -> list[str]:
    code = metadata.country_code
    spelled = [f"{code}{national}", f"00{code}{national}"]
    with_zero = phonenumbers.parse(f"+{code}0{national}")
    if metadata.national_prefix == "0" and _is_example(with_zero, national):
        spelled += [f"{code}0{national}", f"00{code}0{national}"]
    return spelled


def test_normalise_examples_of_every_region_with_its_code_but_no_plus_are_its_own_or_refused() -> None:
    found: dict[tuple[str, str], int | RejectReason] = {}
    expected: dict[tuple[str, str], int] = {}
    for region, metadata, national in _example_numbers():
        for text in _spellings(metadata, national):
            expected[region, text] = int(f"{metadata.country_code}{national}")
            try:
                found[region, text] = normalise_number(text, region)
            except NumberRejected as refused:
                found[region, text] = refused.reason
    wrong = {spelled: read for spelled, read in found.items() if read != expected[spelled]}
    assert len(expected) > 1000
    assert set(wrong.values()) == {RejectReason.PLUS_MISSING}
    assert {text for _, text in wrong} == OF_TWO_MEANINGS


READ = [
    ("491711234567", "DE", 491711234567),
    ("4915123456789", "DE", 4915123456789),
    ("49 30 12345678", "DE", 493012345678),
    ("(49) 171 1234567", "DE", 491711234567),
    ("49 (0)171 1234567", "DE", 491711234567),
    ("49 (0)30 12345678", "DE", 493012345678),
    ("43 (0)664 1234567", "AT", 436641234567),
    ("43 0664 1234567", "AT", 436641234567),
    ("6281234567890", "ID", 6281234567890),
    # No number begins so behind the country code.
    ("391 123 4567", "IT", 393911234567),
    ("55 91234-5678", "BR", 5555912345678),
    # 00 is the beginning of another international prefix, or of none.
    ("0055 11 96123-4567", "BR", 5511961234567),
    ("+0055 11 96123-4567", "BR", 5511961234567),
    ("0057 321 1234567", "CO", 573211234567),
    ("0066 2 123 4567", "TH", 6621234567),
    ("0062 812 345 678", "ID", 62812345678),
    ("0081 90 1234 5678", "JP", 819012345678),
    *(("0033 6 39 98 00 00", region, 33639980000) for region in ("AU", "BR", "CO", "HK", "ID", "JP", "KE", "TH", "US")),
    ("0011 64 21 123 456", "AU", 6421123456),
    ("001 33 6 39 98 00 00", "TH", 33639980000),
    # A country code and an area code are as long as a number.
    ("0043664/1234567", "AT", 436641234567),
    ("0043 664/1234567", "FR", 436641234567),
    ("0043664 1234567", "FR", 436641234567),
    ("0049171 / 1234567", "DE", 491711234567),
    ("0049 (0)171/1234567", "FR", 491711234567),
    ("+49 (0)6151/1234567", "DE", 4961511234567),
    ("0033639/980000", "FR", 33639980000),
]
REFUSED = [
    ("49 221 1234567", "DE", RejectReason.PLUS_MISSING),
    # Mobile numbers that lack a digit, which 04917 would find.
    ("49171123456", "DE", RejectReason.PLUS_MISSING),
    ("62812345678", "ID", RejectReason.PLUS_MISSING),
    # A number of Jamaica (+1 658), or one of Singapore behind 001.
    ("0016583234567", "TH", RejectReason.PLUS_MISSING),
    ("0055 11 96123-456", "BR", RejectReason.TOO_SHORT),
    ("0055119612345678", "BR", RejectReason.TOO_LONG),
    ("0664123/0664567", "AT", RejectReason.SEVERAL_NUMBERS),
    ("0664123 0664567", "AT", RejectReason.SEVERAL_NUMBERS),
    ("0033639980000/0639", "FR", RejectReason.SEVERAL_NUMBERS),
    ("+4930123/4567890", "DE", RejectReason.SEVERAL_NUMBERS),
    ("+33639980 1234567", "FR", RejectReason.SEVERAL_NUMBERS),
]


@pytest.mark.parametrize("expected", [READ, REFUSED], ids=["read", "refused"])
def test_normalise_country_codes_as_people_write_them(expected: list[tuple[str, str, int | RejectReason]]) -> None:
    found = [(text, region, read_in_all_ways(text, region)) for text, region, _ in expected]
    assert found == expected


def test_normalise_column_of_numbers_without_plus_reads_each_as_alone() -> None:
    texts = [f"49{leading}{'1234567890'[: length - len(leading)]}" for leading in LEADING for length in range(7, 13)]
    found = normalise_column(Cells.of(texts * 16), "DE")
    alone = [read_in_all_ways(text, "DE") for text in texts]
    together = [found.reason(row) if found.reasons[row] else int(found.numbers[row]) for row in range(len(texts))]
    assert together == alone
    assert {RejectReason.PLUS_MISSING} < {type(read) if isinstance(read, int) else read for read in alone}


LEADING = ["030", "0171", "151", "171", "211", "30", "31", "40", "6151", "89", "9"]
