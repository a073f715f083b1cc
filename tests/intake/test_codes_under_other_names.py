"""Calling codes and countries beside numbers, under names outside of the usual words."""

from itertools import product

import pytest

from service.intake.columns.choice import ColumnChoice
from service.intake.errors import UnreadablePart
from service.intake.names.roles import Role
from tests.intake.builders import read_part

ASKED = [
    *(
        "tel_code",
        "code_tel",
        "intl",
        "Ländervorwahl",
        "Laendervorwahl",
        "Landnummer",
        "codeMobile",
        "phone_x",
        "Präfix",
    ),
]
NAMED = ["origine", "x", "zone", "provenance"]
# Of the region itself, of another, and both.
CODES = {"FR": ("33", "32"), "DE": ("49", "43"), "NL": ("31", "32"), "CI": ("225", "226")}
NUMBERS = {"FR": "0639980001", "DE": "06641234567", "NL": "0612345678", "CI": "0712345678"}


def part(name: str, region: str, codes: tuple[str, ...], number: str | None = None) -> bytes:
    lines = "".join(f"a;{number or NUMBERS[region]};{code}\n" for code in codes)
    return f"nom;telephone;{name}\n{lines}".encode()


@pytest.mark.parametrize("region", CODES)
def test_calling_codes_under_a_name_of_codes_are_asked_about(region: str) -> None:
    own, other = CODES[region]
    for name, codes in product(ASKED, ((own, other), (other, other), (f" {other} ", other))):
        with pytest.raises(UnreadablePart) as refused:
            read_part(part(name, region, codes), region=region)
        assert (refused.value.slug, "country_column=" in refused.value.detail) == ("country_column_unclear", True)
        # Digits that are also ISO 3166-1 codes are not read, whatever is chosen.
        if region != "CI":
            reader, _ = read_part(part(name, region, codes), region=region, columns=ColumnChoice(country=name))
            assert Role.COUNTRY in [column.role for column in reader.read_columns]
        # They say nothing where each number states its own, or where all are of the region.
        read_part(part(name, region, codes, f"+{other}470123456"), region=region)
        read_part(part(name, region, (own, own)), region=region)


@pytest.mark.parametrize("region", CODES)
def test_calling_codes_under_any_other_name_are_named(region: str) -> None:
    own, other = CODES[region]
    for name in NAMED:
        reader, _ = read_part(part(name, region, (own, other)), region=region)
        assert [column.shown for column in reader.ignored_columns] == [name]
        for codes in ((own, own), ("1", "7"), ("999", "0"), ("x", other)):
            reader, _ = read_part(part(name, region, codes), region=region)
            assert reader.ignored_columns == [], codes
    for name in ("age", "dept", "Nombre d'appels"):
        assert read_part(part(name, region, (own, other)), region=region)[0].ignored_columns == []


COUNTRY_NAMES = ["phone_region", "ISO2", "iso_3", "CTRY", "Staat", "Nazione", "Pais", "País", "mobileRegion"]


@pytest.mark.parametrize("name", COUNTRY_NAMES)
def test_countries_under_names_of_other_languages_and_libraries_are_read(name: str) -> None:
    reader, _ = read_part(part(name, "ES", ("FR", "PT", ""), "612345679"), region="ES")
    assert [column.role for column in reader.read_columns] == [Role.PHONE, Role.COUNTRY]
    with pytest.raises(UnreadablePart) as refused:
        read_part(part(name, "ES", ("España", "Francia", "Portugal"), "612345679"), region="ES")
    assert refused.value.slug == "country_unreadable"
