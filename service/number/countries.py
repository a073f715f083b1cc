"""Reads the cells of a country column: ISO 3166-1 codes, names in English and French, and calling codes.

The names and codes of three letters are those of the Unicode CLDR, as Babel brings them along.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final

import phonenumbers
from babel import Locale
from babel.core import get_global
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS

from service.core.missing import is_missing

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
_CALLING_CODE = re.compile(r"(\+|00)?\s*([1-9][0-9]{0,2})(?:\.0)?")
_BARE_CODE = re.compile(r"([0-9]{1,3})(?:\.0)?")
_SHORTEST_ISO_CODE_OF_DIGITS: Final = 3
_LONGEST_ISO_CODE: Final = 3
# Other short texts with signs, such as `N/A` and `s.o.`, stand for a country that is missing.
_CODES_WITH_FULL_STOPS: Final = frozenset({"us", "usa", "uk", "gb", "rdc"})
# R, pandas and people write this for a value that is missing, so it is not Namibia for certain.
_ALSO_MISSING: Final = "na"
_NAME_AND_CODE = re.compile(r"(.*\S)\s*[(\[:,-]?\s*(\+[0-9]{1,3})[)\]]?")
_BETWEEN_PARTS = re.compile(r"\s*(?:[()\[\],;:|]|\s-\s|\s(?=\+))\s*")
_LONGEST_CELL = 64


def country_of_line(cell: str, default_region: str, *, calling_codes: bool) -> str | None:
    """The region that the cell of a country column means: `default_region` if it is empty, None if it is unreadable.

    `calling_codes` is whether digits without a plus are calling codes for certain (`are_calling_codes`).
    """
    if is_missing(cell) or cell.strip().upper() == default_region:
        return default_region
    return region_of_country(cell, calling_codes=calling_codes)


def country_of_two(cell: str, other: str, default_region: str, *, calling_codes: bool, decides: bool) -> str | None:
    """The region that the cells of two country columns mean together; None if they contradict each other.

    The other counts where the first is empty. If the first `decides`, because it is about the number and the other
    about the person, the other counts only there.
    """
    if is_missing(cell):
        return country_of_line(other, default_region, calling_codes=False)
    first = country_of_line(cell, default_region, calling_codes=calling_codes)
    if first is None or decides or is_missing(other):
        return first
    second = country_of_line(other, default_region, calling_codes=False)
    return first if second is None or _main_region(first) == _main_region(second) else None


@cache
def region_of_country(cell: str, *, calling_codes: bool = False) -> str | None:
    """The region (ISO 3166-1 alpha-2) that a cell names; None if it names none, or several.

    A calling code that several regions share stands for the largest of them. Digits without a plus that are also an ISO
    3166-1 code are read only as one of `calling_codes`: 250 is Rwanda's calling code, and the ISO code of France.
    """
    if len(cell) > _LONGEST_CELL:
        return None
    text = " ".join(cell.strip(" \t\u00a0'\"=").split())
    found = _region_of_part(text, calling_codes=calling_codes)
    if found is not None:
        return found
    # As in `France (+33)`: the name says more than the calling code, and both must agree.
    with_code = _NAME_AND_CODE.fullmatch(text)
    parts = list(with_code.groups()) if with_code else sorted(_BETWEEN_PARTS.split(text), key=_has_digits)
    regions = [_region_of_part(part.strip(), calling_codes=calling_codes) for part in parts if _plain(part)]
    codes = {region and _main_region(region) for region in regions}
    return regions[0] if len(codes) == 1 else None


def are_calling_codes(cells: Iterable[str], default_region: str) -> bool:
    """Whether the digits in these cells of a country column are calling codes, and not ISO 3166-1 codes.

    They are if a cell can only be a calling code (33, or that of the default region) and none only an ISO code (276, or
    that of the default region); else only if none has the three digits of an ISO code.
    """
    texts = {bare[1] for cell in cells if (bare := _BARE_CODE.fullmatch(cell.strip()))}
    codes, iso_codes, of_default = (
        set(map(int, texts)),
        _iso_codes(),
        phonenumbers.country_code_for_region(default_region),
    )
    if any(text.startswith("0") or int(text) not in COUNTRY_CODE_TO_REGION_CODE for text in texts):
        return False
    if of_default in codes or codes - iso_codes.keys():
        return True
    return bool(codes) and not any(
        len(text) >= _SHORTEST_ISO_CODE_OF_DIGITS or default_region in iso_codes[int(text)] for text in texts
    )


def prepare_countries() -> None:
    """Load the names, which are otherwise loaded when a cell is first read."""
    _regions_by_name()


def _region_of_part(text: str, *, calling_codes: bool) -> str | None:
    calling_code = _CALLING_CODE.fullmatch(text)
    if calling_code:
        code = int(calling_code[2])
        if not (calling_code[1] or calling_codes) and code in _iso_codes():
            return None
        regions = COUNTRY_CODE_TO_REGION_CODE.get(code, ())
        return next((region for region in regions if region in SUPPORTED_REGIONS), None)
    name = _plain(text)
    is_word = text.isascii() and text.isalpha()
    if name == _ALSO_MISSING or (len(name) <= _LONGEST_ISO_CODE and not is_word and name not in _CODES_WITH_FULL_STOPS):
        return None
    return _regions_by_name().get(name)


@cache
def _iso_codes() -> dict[int, list[str]]:
    """The regions of each ISO 3166-1 code of digits."""
    return {int(code): regions for code, regions in get_global("territory_aliases").items() if code.isdecimal()}


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
