"""Judges whether a cell is plausibly a telephone number, where no column name says that it is one."""

import re
from collections.abc import Callable
from functools import cache

from service.number.countries import region_of_country
from service.number.normalisation import normalise_number
from service.number.rejection import NumberRejected

# A plus, a trunk zero, or the two zeros before a country code. Customer numbers and coordinates rarely begin so.
_PREFIXED = re.compile(r"[^0-9+]*[+0]")
_LONGEST_CELL = 40


def is_country(cell: str) -> bool:
    """Whether a cell names a country, or is its calling code."""
    return region_of_country(cell) is not None


@cache
def telephone_test(region: str) -> Callable[[str], bool]:
    """A test whether a cell is a possible number that begins with `+`, `00` or the trunk zero of `region`."""

    def is_telephone(cell: str) -> bool:
        if len(cell) > _LONGEST_CELL or not _PREFIXED.match(cell):
            return False
        try:
            normalise_number(cell, region)
        except NumberRejected:
            return False
        return True

    return is_telephone
