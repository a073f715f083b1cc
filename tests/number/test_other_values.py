"""Digits that are something else than a telephone number are none in any region, and numbers are still read."""

from datetime import datetime, timedelta
from ipaddress import IPv4Address
from random import Random

import phonenumbers
import pytest

from service.intake.cells import Cells
from service.number.normalisation import normalise_column, normalise_number
from service.number.rejection import NumberRejected, RejectReason
from tests.number.test_normalisation import read_in_all_ways

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
DAY_FORMS = (
    *("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%Y", "%m-%d-%Y", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d %m %Y"),
    *("%d/%m/%y", "%m/%d/%y", "%Y-%m", "%m/%Y", "%Y-%j", "%d.%m.%Y %H.%M", "%Y-%m-%d %H%M%S"),
)


def other_texts(random: Random) -> list[str]:
    """A text of each kind: dates, periods, addresses of machines, figures, coordinates, references, identifiers."""
    moment = datetime(1950, 1, 1) + timedelta(minutes=random.randrange(70_000_000))  # noqa: DTZ001
    latitude, longitude = random.uniform(-90, 90), random.uniform(-180, 180)
    address = str(IPv4Address("192.168.0.0") + random.randrange(2**16))
    figure = random.randrange(10**6, 10**12)
    year = random.randrange(1950, 2030)
    return [
        *(moment.strftime(form) for form in DAY_FORMS),
        *(f"{year}-{year + 3}", f"{year}/{year + 1}", f"{year}-{random.randrange(1000):06}"),
        *(address, f"{latitude:.7f}", f"{longitude:.6f}", f"{latitude:.4f} {abs(longitude):.4f}", f"-{figure}"),
        *(f"{figure:,}.50", f"{figure / 1000:.2f}", f"{figure:,}".replace(",", " ") + ",00"),
        *("2-07-036822-8", "978-2-07-036822-8", "732 829 320 00074", "1 85 05 78 006 084", "0.612345678"),
        *("1.2.3.4567", "1/2/3/4/5/6/7/8", "FR76 3000 6000 0112 3456 7890 189", "12:30:00", "12,5 %"),
    ]


@pytest.mark.parametrize("seed", range(2))
def test_what_is_no_telephone_number_is_none_in_any_region(seed: int) -> None:
    random = Random(seed)
    read: dict[tuple[str, str], int] = {}
    for region in REGIONS:
        texts = other_texts(random)
        found = normalise_column(Cells.of(texts), region)
        read |= {(region, text): int(number) for text, number in zip(texts, found.numbers, strict=True) if number}
    assert read == {}


OTHERS_IN_SOME_PLANS = [
    *((text, "LU") for text in ("26.03.23", "26-03-23", "12.30.00", "12/345", "25 - 34", "192.168.10.25")),
    *((text, "IT") for text in ("26/03/2023", "06-03-2023", "12.345.678", "48.8566140", "0-306-40615-2")),
    *((text, "FI") for text in ("03/2023", "192.168.10.25", "123.456.789")),
    *((text, "DE") for text in ("(2) 0171 1234567", "2. 0171 1234567", "2 0171 1234567", "2 - 0171 1234567")),
    *((text, "DE") for text in ("(2) 171 1234567", "[2] 0171 1234567", "(12) 02171 123456", "2) 171 1234567")),
    *((text, "AT") for text in ("(3) 0664 1234567", "3/0664 1234567", "1) 0664 1234567")),
    *((text, "IT") for text in ("(2) 06 12345678", "2) 338 1234567", "3. 06 1234567")),
    *((text, "FR") for text in ("123.456.789", "48.8566140", "-639980001", "639980.001")),
]


def test_what_only_open_plans_have_numbers_of_is_none() -> None:
    read = {
        (text, region): found
        for text, region in OTHERS_IN_SOME_PLANS
        if not isinstance(found := read_in_all_ways(text, region), RejectReason)
    }
    assert read == {}


def test_labels_before_and_behind_a_number_make_it_none() -> None:
    labels = (
        "1) {}",
        "(2) {}",
        "[3] {}",
        "#2 {}",
        "2x {}",
        "2 x {}",
        "n°1 {}",
        "1: {}",
        "{} (2)",
        "{} [2]",
        "{} #2",
        "{} x2",
    )
    numbers = {
        "FR": "06 39 98 00 01",
        "DE": "0171 1234567",
        "IT": "338 1234567",
        "GB": "07400 123456",
        "BE": "0470 12 34 56",
    }
    read = {
        text
        for region, number in numbers.items()
        for label in labels
        if not isinstance(read_in_all_ways(text := label.format(number), region), RejectReason)
    }
    assert read == set()


READ = [
    ("6 09 98 00 00", "FR", 33609980000),
    ("6.09.98.00.00", "FR", 33609980000),
    ("(33) 06 39 98 00 00", "FR", 33639980000),
    ("(2) 123 45 67", "BE", 3221234567),
    ("(91) 034 56 78", "ES", 34910345678),
    ("612.345.678", "ES", 34612345678),
    ("338.1234567", "IT", 393381234567),
    ("338/1234567", "IT", 393381234567),
    ("212.234.56.78", "TR", 902122345678),
    ("26.03.23", "NC", 687260323),
    ("12.34.56.78", "DK", 4512345678),
    ("6123.4567", "SG", 6561234567),
    ("2123-4567", "SV", 50321234567),
    ("20.12.34.56", "DK", 4520123456),
]


def test_numbers_that_plans_group_like_other_values_are_read() -> None:
    assert [(text, region, read_in_all_ways(text, region)) for text, region, _ in READ] == READ


DOTTED_LIKE_DEGREES = {"AM", "BO", "CK", "CY", "NF", "OM", "SB", "SO", "TO", "TV", "WS"}


def test_examples_of_every_region_as_the_library_writes_them_are_read_with_any_sign() -> None:
    refused = set()
    for region in REGIONS:
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            for form in phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL:
                text = phonenumbers.format_number(example, form)
                for sign in " .-":
                    spelled = text.replace(" ", sign).replace("-", sign)
                    try:
                        normalise_number(spelled, region)
                    except NumberRejected as found:
                        refused |= {(region, spelled)} if found.reason is RejectReason.NOT_A_NUMBER else set()
    # They are degrees, or grouped in a way in which they may be.
    assert {region for region, _ in refused} <= DOTTED_LIKE_DEGREES, refused
