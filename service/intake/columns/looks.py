"""What the cells of a column look like, judged by a sample of them: telephone numbers, dates, or something else."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from service.core.signs import plain

IsTelephone = Callable[[str], bool]
"""Whether a cell is plausibly a telephone number of the dataset's region."""


class CountryTest(Protocol):
    """Judges the cells of a country column."""

    def is_country(self, cell: str, *, calling_codes: bool) -> bool:
        """Whether a cell names a country. Digits alone do, for certain, in a column of `calling_codes`."""

    def are_calling_codes(self, cells: Iterable[str]) -> bool:
        """Whether the digits in these cells are calling codes, and not ISO 3166-1 codes."""

    def is_foreign(self, cell: str) -> bool:
        """Whether a cell names another country than the dataset's region."""


# Most cells of a column of telephone numbers or dates are such, and nearly no cell of another column is.
MOST_CELLS = 0.8
FEW_CELLS = 0.2
_DIGITS_AND_SIGNS = re.compile(r"[\s'\"+]*[0-9][0-9\s.()/'\"\ufffd-]*")
_CODE = re.compile(r"\s*(\+|00)?\s*[1-9][0-9]{0,2}(?:\.0)?\s*")
_LONGEST_ISO_CODE = 3
_OWN_OFFSET = re.compile(r":[0-9]{2}.*(?:z|utc|gmt|[+-][0-9]{2}(?::?[0-9]{2})?)\s*$", re.IGNORECASE)
_FEWEST_DIGITS, _MOST_DIGITS = 9, 15
# A national number without its trunk zero has seven digits in some countries.
_SHORTEST_NUMBER = 7
# In a few plans, numbers and local numbers have four.
_FEWEST_DIGITS_AT_ALL = 4
_ARTICLE = re.compile(r"00[0-9]{11,12}")
# A year or a serial number has no fewer. Whatever form it is in, a time has more.
_FEWEST_DIGITS_OF_A_TIME = 4
_BARE_CODE = re.compile(r"[\s'\"=]*[0-9]{1,3}(?:\.0)?[\s'\"]*")


def share(cells: Sequence[str], test: Callable[[str], bool]) -> float:
    """The share of these cells that pass a test; 0 if there are none."""
    return sum(map(test, cells)) / len(cells) if cells else 0.0


def has_digits_of_a_number(cell: str) -> bool:
    """Whether a cell consists of 9 to 15 digits and the signs between them, as customer numbers also do."""
    return bool(_DIGITS_AND_SIGNS.fullmatch(cell)) and _FEWEST_DIGITS <= _count_digits(cell) <= _MOST_DIGITS


def may_be_number(cell: str) -> bool:
    """Whether a cell consists of enough digits, and the signs between them, for a telephone number of any country."""
    text = plain(cell)
    return bool(_DIGITS_AND_SIGNS.fullmatch(text)) and _SHORTEST_NUMBER <= _count_digits(text) <= _MOST_DIGITS


def is_short_number(cell: str) -> bool:
    """Whether a cell consists of few digits and the signs between them, as postcodes and short telephone numbers do."""
    text = plain(cell)
    return bool(_DIGITS_AND_SIGNS.fullmatch(text)) and _FEWEST_DIGITS_AT_ALL <= _count_digits(text) < _SHORTEST_NUMBER


def is_article_number(cell: str) -> bool:
    """Whether a cell is a GTIN of 13 or 14 digits that begins with zeros (GS1 General Specifications, check digit)."""
    digits = plain(cell).strip()
    if not _ARTICLE.fullmatch(digits):
        return False
    return sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits), 1)) % 10 == 0


def holds_number(cells: Iterable[str]) -> bool:
    """Whether a cell of a line may contain a telephone number, so that the line is not a header."""
    return any(_may_hold_number(cell) for cell in cells)


def _may_hold_number(cell: str) -> bool:
    digits = _count_digits(cell)
    return digits >= _FEWEST_DIGITS or (digits >= _SHORTEST_NUMBER and bool(_DIGITS_AND_SIGNS.fullmatch(cell)))


def states_its_country(cell: str) -> bool:
    """Whether a number is written with its country code."""
    return cell.lstrip(" \t\u00a0'\"=(").startswith(("+", "00"))


def states_its_offset(cell: str) -> bool:
    """Whether a time is written with its offset from UTC."""
    return _OWN_OFFSET.search(cell) is not None


def has_form_of_code(cell: str) -> bool:
    """Whether a cell has the form of a calling code, with a plus or without."""
    return bool(_CODE.fullmatch(cell))


def has_form_of_code_with_plus(cell: str) -> bool:
    """Whether a cell has the form of a calling code with a plus, or two zeros, as hardly anything else has."""
    code = _CODE.fullmatch(cell)
    return bool(code and code[1])


def has_form_of_country(cell: str) -> bool:
    """Whether a cell has the form of a country's name, or of its code in capital letters, as few other words have."""
    text = cell.strip()
    return not any(map(str.isdigit, text)) and (text.isupper() or len(text) > _LONGEST_ISO_CODE)


def may_be_a_time(cell: str) -> bool:
    """Whether a cell has as many digits as a time in any form that can be stated, or is a formula without a result."""
    return _count_digits(cell) >= _FEWEST_DIGITS_OF_A_TIME or cell == "="


def is_bare_code(cell: str) -> bool:
    """Whether a country is written by digits alone: by a calling code, or by its number in ISO 3166-1."""
    return bool(_BARE_CODE.fullmatch(cell))


def has_words(cell: str) -> bool:
    """Whether a cell has letters, and no fewer of them than digits."""
    return sum(map(str.isalpha, cell)) >= max(_count_digits(cell), 1)


def has_words_only(cells: Iterable[str]) -> bool:
    """Whether a line has letters and no digit."""
    text = "".join(cells)
    return any(map(str.isalpha, text)) and not any(map(str.isdigit, text))


def _count_digits(text: str) -> int:
    return sum(map(str.isdigit, text))
