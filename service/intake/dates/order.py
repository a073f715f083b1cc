"""What a column shows about the order of day and month, and when it is refused for it.

`04/11/2022` is a day in April or in November, and only other lines tell which. So dates are judged by column. A line
*decides* if the number in the place of the month is above 12, or the number in the place of the day.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.intake.dates.forms import DateOrder, Form
from service.intake.errors import UnreadablePart

# Typing errors put a number above 12 in the place of the month on fewer lines than one in twenty that decide.
_DECIDING_LINES_PER_ERROR: Final = 20
# More than a few of them are typing errors only in a long column. Otherwise, another list was joined to the first.
_FEW_ERRORS, _LINES_PER_FURTHER_ERROR = 3, 1000
# Typing errors do not stand one below the other as the lines of a list that was joined do.
_SHORTEST_RUN, _SHORTEST_RUN_OF_MANY = 2, 3
# The places of more lines than that need not be known: so many errors are allowed in no part.
_MOST_PLACES: Final = 100_000
# So many lines overrule a statement, or the order of years that come first.
_OVERRULING_LINES: Final = 20
# Before the end of a part, only so many lines decide.
_EARLY_LINES: Final = 200
# In text, fewer dates with days up to 12 alone may be so by chance, if no seconds show that a program wrote them.
_FEWEST_CONVERTED, _FEWEST_CONVERTED_WITH_SECONDS = 5, 2


class OrderCounts(NamedTuple):
    """How many lines have a date that is only valid with the day first, only with the month first, or either way.

    A date that is the same day in either order, such as 05/05/2023, is in no count.
    """

    day_first: int = 0
    month_first: int = 0
    either: int = 0


class Separators(NamedTuple):
    """The signs between day and month, as in `26/03/2023`: those of which a line shows the order, and the others.

    A line with slashes shows nothing of lines with hyphens, which may come from another list.
    """

    decided: str = ""
    open: str = ""


SEPARATORS: Final = "-./"
"""The signs that stand between two numbers that are a day and a month, in the forms that are read."""


@dataclass
class _Tally:
    """How many lines are valid only in the order that they are read in, only in the other, or in both.

    `places` are those of the second kind in their column, as far as they are needed.
    """

    as_read: int = 0
    swapped: int = 0
    either: int = 0
    places: list[NDArray[np.int64]] = field(default_factory=list)

    def longest_run(self) -> int:
        """Of how many lines in the other order the most stand directly below each other."""
        places = np.sort(np.concatenate(self.places))
        ends = np.flatnonzero(np.diff(places, append=-1) != 1)
        return int(np.diff(ends, prepend=-1).max())


class Orders:
    """Counts the lines of a column by order, and refuses the column if it was read in the wrong one."""

    def __init__(self, read_in: DateOrder, *, stated: bool) -> None:
        self._read_in = read_in
        self._stated = stated
        self._by_separator: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._year_first = _Tally()
        self._lines_with_seconds = 0
        self._readable = 0
        self._leftovers = OrderCounts()

    @property
    def counts(self) -> OrderCounts:
        """The lines so far whose date has the year last."""
        tallies = self._by_separator.values()
        as_read, swapped = sum(tally.as_read for tally in tallies), sum(tally.swapped for tally in tallies)
        either = sum(tally.either for tally in tallies)
        if self._read_in is DateOrder.MONTH_FIRST:
            return OrderCounts(swapped, as_read, either)
        return OrderCounts(as_read, swapped, either)

    @property
    def separators(self) -> Separators:
        """The signs between day and month in the lines so far whose date has the year last."""
        tallies = sorted(self._by_separator.items())
        decided = "".join(sign for sign, tally in tallies if tally.as_read)
        return Separators(decided, "".join(sign for sign, tally in tallies if tally.either and not tally.as_read))

    @property
    def has_dates(self) -> bool:
        """Whether a date whose year is first was counted."""
        return any((self._year_first.as_read, self._year_first.swapped, self._year_first.either))

    @property
    def may_be_converted(self) -> bool:
        """Whether the dates whose year is first so far have days up to 12, as those that a program exchanged."""
        dates = self._year_first
        return bool(dates.either) and dates.as_read * _DECIDING_LINES_PER_ERROR <= dates.either

    def add_readable(self, lines: int) -> None:
        """Count lines with a time that could be read."""
        self._readable += lines

    def add_leftovers(self, counts: OrderCounts) -> None:
        """Count lines whose text cannot be read and names a day all the same (see `leftovers`)."""
        self._leftovers = OrderCounts(*map(sum, zip(self._leftovers, counts, strict=True)))

    def add(
        self,
        form: Form,
        as_read: NDArray[np.bool_],
        swapped: NDArray[np.bool_],
        differ: NDArray[np.bool_],
        places: NDArray[np.int64],
    ) -> None:
        """Count lines of one form: which are valid as read, or with day and month exchanged, and where these differ.

        `places` are those of the lines in their column. One value may stand for all lines that are alike.
        """
        is_year_first = form.order is DateOrder.YEAR_FIRST
        tally = self._year_first if is_year_first else self._by_separator[form.between]
        both = int(np.count_nonzero(as_read & swapped))
        either = int(np.count_nonzero(as_read & swapped & differ))
        tally.as_read += int(np.count_nonzero(as_read)) - both
        tally.either += either
        in_other_order = int(np.count_nonzero(swapped)) - both
        if in_other_order and tally.swapped < _MOST_PLACES:
            tally.places.append(places[swapped & ~as_read])
        tally.swapped += in_other_order
        if is_year_first and "second" in form.places:
            self._lines_with_seconds += either

    def check_converted(self, typed: "Orders") -> None:
        """Refuse the column if a program exchanged day and month of what it took for dates, which are `typed`.

        A list opened with other regional settings than it was written with becomes two kinds of cells. What is a day in
        both orders becomes a date, of the wrong one, with a day up to 12. What is a day in the order of the list alone
        stays text, in a form that is read here or not. So few columns have such cells side by side for another reason
        that a single line of each is enough. Raises UnreadablePart.
        """
        texts = self._texts_of_days()
        swapped = self._year_first.swapped
        _refuse_exchanged(typed._year_first, texts._replace(day_first=texts.day_first + swapped), 1)

    def check_converted_texts(self) -> None:
        """Refuse the column for the same reason where what became dates was written as text again, in ISO 8601.

        So a workbook is written as CSV or JSON. Raises UnreadablePart.
        """
        dates = self._year_first
        all_have_seconds = self._lines_with_seconds == dates.either
        fewest = _FEWEST_CONVERTED_WITH_SECONDS if all_have_seconds else _FEWEST_CONVERTED
        _refuse_exchanged(dates, self._texts_of_days(), fewest)

    def _texts_of_days(self) -> OrderCounts:
        """The lines of text whose year does not come first by their order, whether they can be read or not."""
        counts, leftovers = self.counts, self._leftovers
        return OrderCounts(
            counts.day_first + leftovers.day_first,
            counts.month_first + leftovers.month_first,
            counts.either + leftovers.either,
        )

    def check(self, *, final: bool) -> None:
        """Refuse the column if its dates are in another order. Before the end, only if there is no doubt left.

        Raises UnreadablePart.
        """
        tallies, year_first = self._by_separator.values(), self._year_first
        if not final and max((tally.swapped for tally in (*tallies, year_first)), default=0) < _EARLY_LINES:
            return
        if _overruled(year_first):
            raise _year_day_month(year_first)
        if self._stated:
            if any(map(_overruled, tallies)):
                raise _contradicted(self._read_in, self.counts)
            return
        for tally in tallies:
            if not (_are_errors(tally, self._readable) if final else tally.as_read or tally.swapped < _EARLY_LINES):
                raise _both_orders(self.counts) if self.counts.day_first else _month_first(self.counts)


def _refuse_exchanged(dates: _Tally, texts: OrderCounts, fewest: int) -> None:
    """Raise UnreadablePart if at least so many dates and texts are those of one list, of which dates were exchanged."""
    decided, errors = max(texts.day_first, texts.month_first), min(texts.day_first, texts.month_first)
    if min(dates.either, decided) < fewest:
        return
    if dates.as_read * _DECIDING_LINES_PER_ERROR <= dates.either and (
        (errors + texts.either) * _DECIDING_LINES_PER_ERROR <= decided
    ):
        raise _exchanged(dates.either, decided)


def _overruled(tally: _Tally) -> bool:
    """Whether the lines contradict an order that was not guessed: many decide against it, and hardly any for it."""
    return tally.swapped >= _OVERRULING_LINES and tally.swapped > _DECIDING_LINES_PER_ERROR * tally.as_read


def _are_errors(tally: _Tally, readable: int) -> bool:
    """Whether the lines in the other order are typing errors in a column that is in the order in which it was read.

    They are if twenty times as many lines decide for that order, if they are few, and if they do not stand together. In
    a short column one error is enough to exceed that, so one is allowed if at least two lines decide, and as many as
    those that do not. Where no date could be read in either order none can be read wrong, and the lines are errors
    beside twenty times as many of any readable form.
    """
    for_it = tally.as_read if tally.either else readable
    if tally.swapped * _DECIDING_LINES_PER_ERROR > for_it:
        return tally.swapped == 1 and for_it >= max(2, tally.either)
    if not (tally.swapped and tally.either):
        return True
    if tally.swapped > max(_FEW_ERRORS, for_it // _LINES_PER_FURTHER_ERROR):
        return False
    return tally.longest_run() < (_SHORTEST_RUN if tally.swapped <= _FEW_ERRORS else _SHORTEST_RUN_OF_MANY)


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
        f"{counts.month_first} only as mm/dd/yyyy, and {counts.either} either way. They may come from two lists: typing"
        " errors are fewer, and neither stand together nor have signs of their own between day and month. "
        f"{_NOTHING_KEPT} Write all dates in ISO 8601 (yyyy-mm-dd). If the lines in one order are errors, state the "
        "other by date_format=day_first or date_format=month_first.",
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
        "A program that opened the list, as Excel does, seems to have exchanged day and month. It took "
        f"{_lines(dates)} for dates, all with a day up to 12, and left {_lines(texts)} with a higher one as text. "
        f"{_NOTHING_KEPT} Send the original list, or import it again with this column as text. If the dates are right, "
        "write the text in the form of the dates too.",
    )


def _year_day_month(tally: _Tally) -> UnreadablePart:
    return UnreadablePart(
        "dates_year_day_month",
        f"The consent times have the day before the month: {_lines(tally.swapped)} can only be read as yyyy-dd-mm, and "
        f"{tally.as_read} only as yyyy-mm-dd. {_NOTHING_KEPT} Write them in ISO 8601 (yyyy-mm-dd), or state their "
        "format, such as date_format=%Y-%d-%m.",
    )
