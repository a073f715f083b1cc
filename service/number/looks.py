"""Judges whether a cell is plausibly a telephone number, where no column name says that it is one."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from service.core.signs import plain
from service.number.allocation import allocation_of
from service.number.countries import are_calling_codes, country_of_line
from service.number.normalisation import normalise_number
from service.number.rejection import NumberRejected

# A plus, a trunk zero, or the two zeros before a country code. Customer numbers and coordinates rarely begin so.
_PREFIXED = re.compile(r"[^0-9+]*[+0]")
_SIGNS = re.compile(r"[^0-9]+")
_LONGEST_CELL = 40
# Postcodes and department numbers have fewer digits, and are numbers in plans of any length.
_FEWEST_DIGITS = 7
# A day, a month and a year in any order of the two, with or without signs between them, and perhaps a time of day.
_DATE = re.compile(r"\s*(?:[0-2]?[0-9]|3[01])([/. -]?)(?:[0-2]?[0-9]|3[01])\1(?:19|20)[0-9]{2}(?:\s.*)?")


@dataclass(frozen=True)
class CountryTest:
    """Judges the cells of a country column of a dataset, whose empty cells stand for its default region."""

    default_region: str

    def is_country(self, cell: str, *, calling_codes: bool) -> bool:
        """Whether a cell names a country. Digits alone do, for certain, in a column of `calling_codes`."""
        return country_of_line(cell, self.default_region, calling_codes=calling_codes) is not None

    def are_calling_codes(self, cells: Iterable[str]) -> bool:
        """Whether the digits in these cells are calling codes, and not ISO 3166-1 codes."""
        return are_calling_codes(cells, self.default_region)

    def is_foreign(self, cell: str) -> bool:
        """Whether a cell names another country than the default region."""
        return country_of_line(cell, self.default_region, calling_codes=False) not in (None, self.default_region)


@cache
def telephone_test(region: str) -> Callable[[str], bool]:
    """A test whether a cell is a possible number that begins with `+`, `00` or the trunk zero of `region`.

    Without a plus, its plan must be in use: numbers of companies begin with a zero too. Dates and short numbers never
    pass.
    """

    def is_telephone(cell: str) -> bool:
        if len(cell) > _LONGEST_CELL:
            return False
        text = plain(cell)
        digits = _SIGNS.sub("", text)
        if len(digits) < _FEWEST_DIGITS or _DATE.fullmatch(text):
            return False
        try:
            number = normalise_number(cell, region)
        except NumberRejected:
            return False
        prefix = _PREFIXED.match(text)
        if prefix is None and digits != str(number):
            return False
        return (prefix is not None and prefix[0].endswith("+")) or allocation_of(number).is_in_use

    return is_telephone
