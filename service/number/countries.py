"""Reads the cells of a country column: ISO 3166-1 codes, names in English and French, and calling codes.

The names and codes of three letters are those of the Unicode CLDR, as Babel brings them along.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from babel import Locale
from babel.core import get_global
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS

_LANGUAGES: Final = ("en", "fr")
# Names in use that CLDR does not have in its main form.
_OTHER_NAMES: Final = {
    "BA": ("Bosnie",),
    "CD": ("République démocratique du Congo", "Democratic Republic of the Congo", "RDC"),
    "CI": ("Ivory Coast",),
    "CZ": ("Czech Republic", "République tchèque"),
    "FR": ("France métropolitaine", "Metropolitan France"),
    "GB": (
        "Great Britain",
        "Grande-Bretagne",
        "England",
        "Angleterre",
        "Scotland",
        "Écosse",
        "Wales",
        "Pays de Galles",
    ),
    "HK": ("Hong Kong",),
    "KR": ("South Korea", "Corée"),
    "MF": ("Saint-Martin",),
    "NL": ("Holland", "Hollande", "The Netherlands"),
    "RE": ("Réunion",),
    "RU": ("Russian Federation", "Fédération de Russie"),
    "TR": ("Turkey",),
    "US": ("United States of America", "États-Unis d'Amérique", "Etats Unis", "USA"),
    "VN": ("Viet Nam", "Viêt Nam"),
}
_CALLING_CODE = re.compile(r"(?:\+|00)?\s*([1-9][0-9]{0,2})(?:\.0)?")
_NAME_AND_CODE = re.compile(r"(.*\S)\s*[(\[:,-]?\s*(\+[0-9]{1,3})[)\]]?")
_BETWEEN_PARTS = re.compile(r"\s*(?:[()\[\],;:|]|\s-\s|\s(?=\+))\s*")
_LONGEST_CELL = 64


@cache
def region_of_country(cell: str) -> str | None:
    """The region (ISO 3166-1 alpha-2) that a cell names; None if it names none, or several.

    A calling code that several regions share stands for the largest of them.
    """
    if len(cell) > _LONGEST_CELL:
        return None
    text = cell.strip(" \t\u00a0'\"=")
    found = _region_of_part(text)
    if found is not None:
        return found
    # As in `France (+33)`: the name says more than the calling code, and both must agree.
    with_code = _NAME_AND_CODE.fullmatch(text)
    parts = list(with_code.groups()) if with_code else sorted(filter(None, _BETWEEN_PARTS.split(text)), key=_has_digits)
    regions = [_region_of_part(part.strip()) for part in parts]
    codes = {region and _main_region(region) for region in regions}
    return regions[0] if len(codes) == 1 else None


def prepare_countries() -> None:
    """Load the names, which are otherwise loaded when a cell is first read."""
    _regions_by_name()


def _region_of_part(text: str) -> str | None:
    calling_code = _CALLING_CODE.fullmatch(text)
    if calling_code:
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(calling_code[1]), ())
        return next((region for region in regions if region in SUPPORTED_REGIONS), None)
    return _regions_by_name().get(_plain(text))


def _has_digits(text: str) -> bool:
    return any(map(str.isdigit, text))


def _main_region(region: str) -> str:
    """The largest region with the calling code of a region."""
    return next(regions[0] for regions in COUNTRY_CODE_TO_REGION_CODE.values() if region in regions)


@cache
def _regions_by_name() -> dict[str, str]:
    """The regions with a numbering plan, by all codes and plain names."""
    names = {code: regions[0] for code, regions in get_global("territory_aliases").items() if code.isalpha()}
    for language in _LANGUAGES:
        names |= {name: code for code, name in Locale.parse(language).territories.items()}
    names |= {name: region for region, others in _OTHER_NAMES.items() for name in others}
    names |= {region: region for region in SUPPORTED_REGIONS}
    return {_plain(name): region for name, region in names.items() if region in SUPPORTED_REGIONS and _plain(name)}


def _plain(name: str) -> str:
    """A name without case, accents, spaces and signs."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in letters if sign.isalnum())
