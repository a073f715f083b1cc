"""What a column shows about the order of day and month, and when it is refused for it.

`04/11/2022` is a day in April or in November, and only other lines tell which. So dates are judged by column. A line
*decides* if the number in the place of the month is above 12, or the number in the place of the day.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.intake.dates.forms import DateOrder
from service.intake.errors import UnreadablePart

# Typing errors put a number above 12 in the place of the month on fewer lines than one in twenty that decide.
_DECIDING_LINES_PER_ERROR: Final = 20
# So many lines overrule a statement, or the order of years that come first.
_OVERRULING_LINES: Final = 20
# Before the end of a part, only so many lines decide.
_EARLY_LINES: Final = 200


class OrderCounts(NamedTuple):
    """How many lines have a date that is only valid with the day first, only with the month first, or either way.

    A date that is the same day in either order, such as 05/05/2023, is in no count.
    """

    day_first: int = 0
    month_first: int = 0
    either: int = 0


@dataclass
class _Tally:
    """How many lines are valid only in the order that they are read in, only in the other, or in both."""

    as_read: int = 0
    swapped: int = 0
    either: int = 0


class Orders:
    """Counts the lines of a column by order, and refuses the column if it was read in the wrong one."""

    def __init__(self, read_in: DateOrder, *, stated: bool) -> None:
        self._read_in = read_in
        self._stated = stated
        self._numeric = _Tally()
        self._year_first = _Tally()
        self._readable = 0
        self._leftovers = OrderCounts()

    @property
    def counts(self) -> OrderCounts:
        """The lines so far whose date has the year last."""
        tally = self._numeric
        if self._read_in is DateOrder.MONTH_FIRST:
            return OrderCounts(tally.swapped, tally.as_read, tally.either)
        return OrderCounts(tally.as_read, tally.swapped, tally.either)

    @property
    def has_dates(self) -> bool:
        """Whether a date whose year is first was counted."""
        return any((self._year_first.as_read, self._year_first.swapped, self._year_first.either))

    def add_readable(self, lines: int) -> None:
        """Count lines with a time that could be read."""
        self._readable += lines

    def add_leftovers(self, counts: OrderCounts) -> None:
        """Count lines whose text cannot be read and names a day all the same (see `leftovers`)."""
        self._leftovers = OrderCounts(*map(sum, zip(self._leftovers, counts, strict=True)))

    def add(
        self, order: DateOrder, as_read: NDArray[np.bool_], swapped: NDArray[np.bool_], differ: NDArray[np.bool_]
    ) -> None:
        """Count lines of one form: which are valid as read, or with day and month exchanged, and where these differ."""
        tally = self._year_first if order is DateOrder.YEAR_FIRST else self._numeric
        both = int(np.count_nonzero(as_read & swapped))
        tally.as_read += int(np.count_nonzero(as_read)) - both
        tally.swapped += int(np.count_nonzero(swapped)) - both
        tally.either += int(np.count_nonzero(as_read & swapped & differ))

    def check_converted(self, typed: "Orders") -> None:
        """Refuse the column if a program exchanged day and month of what it took for dates, which are `typed`.

        A list opened with other regional settings than it was written with becomes two kinds of cells. What is a day in
        both orders becomes a date, of the wrong one, with a day up to 12. What is a day in the order of the list alone
        stays text, in a form that is read here or not. So few columns have such cells side by side for another reason
        that a single line of each is enough. Raises UnreadablePart.
        """
        dates, texts = typed._year_first, self._texts_of_days()
        decided, errors = max(texts.day_first, texts.month_first), min(texts.day_first, texts.month_first)
        if not (dates.either and decided):
            return
        if dates.as_read * _DECIDING_LINES_PER_ERROR <= dates.either and (
            (errors + texts.either) * _DECIDING_LINES_PER_ERROR <= decided
        ):
            raise _exchanged(dates.either, decided)

    def _texts_of_days(self) -> OrderCounts:
        """The lines of text by their order, whether they can be read or not. The day may stand in the middle."""
        counts, leftovers = self.counts, self._leftovers
        return OrderCounts(
            counts.day_first + leftovers.day_first + self._year_first.swapped,
            counts.month_first + leftovers.month_first,
            counts.either + leftovers.either,
        )

    def check(self, *, final: bool) -> None:
        """Refuse the column if its dates are in another order. Before the end, only if there is no doubt left.

        Raises UnreadablePart.
        """
        numeric, year_first = self._numeric, self._year_first
        if not final and max(numeric.swapped, year_first.swapped) < _EARLY_LINES:
            return
        if _overruled(year_first):
            raise _year_day_month(year_first)
        if self._stated:
            if _overruled(numeric):
                raise _contradicted(self._read_in, self.counts)
        elif final:
            if not _are_errors(numeric, self._readable):
                raise _both_orders(self.counts) if numeric.as_read else _month_first(self.counts)
        elif not numeric.as_read:
            raise _month_first(self.counts)


def _overruled(tally: _Tally) -> bool:
    """Whether the lines contradict an order that was not guessed: many decide against it, and hardly any for it."""
    return tally.swapped >= _OVERRULING_LINES and tally.swapped > _DECIDING_LINES_PER_ERROR * tally.as_read


def _are_errors(tally: _Tally, readable: int) -> bool:
    """Whether the lines in the other order are typing errors in a column that is in the order in which it was read.

    They are if twenty times as many lines decide for that order. In a short column one error is enough to exceed that,
    so one is allowed if at least two lines decide, and as many as those that do not. Where no date could be read in
    either order none can be read wrong, and the lines are errors beside twenty times as many of any readable form.
    """
    for_it = tally.as_read if tally.either else readable
    if tally.swapped * _DECIDING_LINES_PER_ERROR <= for_it:
        return True
    return tally.swapped == 1 and for_it >= max(2, tally.either)


_NOTHING_KEPT: Final = "Nothing of this part was kept."


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _month_first(counts: OrderCounts) -> UnreadablePart:
    # So few may be typing errors in a short part, as the last one of a list is.
    may_be_errors = counts.month_first < _OVERRULING_LINES
    errors = " with date_format=day_first if these lines are errors, which are then rejected," if may_be_errors else ""
    return UnreadablePart(
        "dates_month_first",
        f"The consent times have the month first: {_lines(counts.month_first)} can only be read as mm/dd/yyyy, none "
        f"only as dd/mm/yyyy, and {counts.either} either way. {_NOTHING_KEPT} Send it again with "
        f"date_format=month_first,{errors} or with the dates in ISO 8601 (yyyy-mm-dd).",
    )


def _both_orders(counts: OrderCounts) -> UnreadablePart:
    return UnreadablePart(
        "dates_in_both_orders",
        f"The consent times mix two orders: {_lines(counts.day_first)} can only be read as dd/mm/yyyy, "
        f"{counts.month_first} only as mm/dd/yyyy, and {counts.either} either way. {_NOTHING_KEPT} Write all dates in "
        "ISO 8601 (yyyy-mm-dd). If the lines in one order are errors, state the other by date_format=day_first or "
        "date_format=month_first.",
    )


def _contradicted(read_in: DateOrder, counts: OrderCounts) -> UnreadablePart:
    day_first = read_in is DateOrder.DAY_FIRST
    against, right = (counts.month_first, "month") if day_first else (counts.day_first, "day")
    supporting = counts.day_first if day_first else counts.month_first
    return UnreadablePart(
        "date_format_contradicted",
        f"The stated date format does not fit the consent times: {_lines(against)} can only be read with the {right} "
        f"first, and {supporting} only as stated. {_NOTHING_KEPT} State the format in which they are written, or "
        "correct the file.",
    )


def _exchanged(dates: int, texts: int) -> UnreadablePart:
    return UnreadablePart(
        "dates_partly_exchanged",
        "The program that saved the workbook seems to have exchanged day and month. It took "
        f"{_lines(dates)} for dates, all with a day up to 12, and left {_lines(texts)} with a higher one as text. "
        f"{_NOTHING_KEPT} Send the original list, or import it again with this column as text. If the dates are right, "
        "turn the text into dates too.",
    )


def _year_day_month(tally: _Tally) -> UnreadablePart:
    return UnreadablePart(
        "dates_year_day_month",
        f"The consent times have the day before the month: {_lines(tally.swapped)} can only be read as yyyy-dd-mm, and "
        f"{tally.as_read} only as yyyy-mm-dd. {_NOTHING_KEPT} Write them in ISO 8601 (yyyy-mm-dd), or state their "
        "format, such as date_format=%Y-%d-%m.",
    )
