"""The rows of a sheet as text."""

from functools import lru_cache
from typing import Final, NamedTuple

from service.intake.columns.choice import MOST_COLUMNS

MOST_ROWS: Final = 1_048_576
"""The rows that a sheet can have."""
_LETTERS: Final = {chr(ord("A") + place): place + 1 for place in range(26)}
_MOST_LETTERS: Final = 3


class Row(NamedTuple):
    """A row of a sheet: its number, from 1, its cells up to the last one that is filled, and whether it is hidden."""

    number: int
    cells: list[str]
    is_hidden: bool = False


@lru_cache(MOST_COLUMNS)
def column_of(letters: str) -> int:
    """The number of a column, from 1. Raises KeyError if no column has these letters."""
    column = 0
    for letter in letters[:_MOST_LETTERS]:
        column = column * 26 + _LETTERS[letter]
    return column
