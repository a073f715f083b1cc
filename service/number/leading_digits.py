"""Decisions about many numbers at once, each made for all numbers that share the leading digits that decide it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_TABLE_DIGITS = 5
_UNKNOWN, _LONGER, _FIRST = 0, 1, 2
# Any digit, but not 0: a text of zeros is not a number.
_FILLER = "5"

Decide = Callable[[str, int], int | None]
"""Given a text of digits and how many of its leading digits are known, decides for all texts of this length that begin
with these: a small number, or None if it takes more digits. The digits that are not known have no meaning."""


class LeadingDigits:
    """Decides about texts of `digits` digits. It asks `decide` about as few leading digits as possible, and only once.

    Texts are given as numbers, because their length is known. The decisions for five leading digits are in a table, so
    that most texts take a division and an access to memory. Numbers that need more digits are decided level by level.
    """

    def __init__(self, digits: int, decide: Decide) -> None:
        self._digits = digits
        self._decide = decide
        self._table_digits = min(digits, _TABLE_DIGITS)
        self._table = np.zeros(10**self._table_digits, dtype=np.uint16)
        self._known: dict[str, int] = {}

    def look_up(self, values: NDArray[np.int64]) -> NDArray[np.uint16]:
        """The decision about each text."""
        places = values // 10 ** (self._digits - self._table_digits)
        found: NDArray[np.uint16] = self._table[places]
        if not found.all():
            for place in np.unique(places[found == _UNKNOWN]).tolist():
                self._fill(place)
            found = self._table[places]
        longer = np.flatnonzero(found == _LONGER)
        if longer.size:
            found[longer] = self._look_longer(values[longer])
        return found - np.uint16(_FIRST)

    def _fill(self, place: int) -> None:
        leading = f"{place:0{self._table_digits}}"
        for known in range(1, self._table_digits + 1):
            decision = self._decision(leading[:known])
            if decision != _LONGER:
                same = 10 ** (self._table_digits - known)
                first = int(leading[:known]) * same
                self._table[first : first + same] = decision
                return
        self._table[place] = _LONGER

    def _look_longer(self, values: NDArray[np.int64]) -> NDArray[np.uint16]:
        found = np.full(len(values), _LONGER, dtype=np.uint16)
        rows = np.arange(len(values))
        for known in range(self._table_digits + 1, self._digits + 1):
            places, inverse = np.unique(values[rows] // 10 ** (self._digits - known), return_inverse=True)
            decisions = [self._decision(f"{place:0{known}}") for place in places.tolist()]
            found[rows] = np.array(decisions, dtype=np.uint16)[inverse]
            rows = rows[found[rows] == _LONGER]
            if not rows.size:
                break
        return found

    def _decision(self, leading: str) -> int:
        decision = self._known.get(leading)
        if decision is None:
            made = self._decide(leading.ljust(self._digits, _FILLER), len(leading))
            decision = self._known[leading] = _LONGER if made is None else made + _FIRST
        return decision


def look_up_by_length(values: NDArray[np.int64], by_digits: Callable[[int], LeadingDigits]) -> NDArray[np.uint16]:
    """The decision about each number, by those for its count of digits."""
    fewest, most = len(str(values.min())), len(str(values.max()))
    if fewest == most:
        return by_digits(most).look_up(values)
    found = np.zeros(len(values), dtype=np.uint16)
    for digits in range(fewest, most + 1):
        rows = np.flatnonzero((values >= 10 ** (digits - 1)) & (values < 10**digits))
        found[rows] = by_digits(digits).look_up(values[rows])
    return found
