"""The order of day and month over all parts of a dataset: whether a part fits the others, and whether it may be sealed.

The lines of one part may leave the order open, as the first days of a sorted file do. Then other parts decide, or a
statement: for the part, or for the dataset. Pure; `intake.dates.order` judges the column of a single part.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from service.core.errors import Conflict
from service.intake.dates.forms import DateOrder
from service.intake.dates.order import OrderCounts, Separators
from service.intake.dates.stated import date_format
from service.intake.errors import UnreadablePart

_MOST_RANGES: Final = 5
_DAY_FIRST_EVERYWHERE: Final = "."


class PartDates(NamedTuple):
    """What is known of the dates of a part: the format that it was read with, None if nothing was stated.

    `is_own` is whether that was stated for the part itself. Otherwise it was the dataset's. `separators` are the signs
    between day and month.
    """

    number: int
    date_format: str | None
    is_own: bool
    counts: OrderCounts
    separators: Separators = Separators()

    @property
    def order(self) -> DateOrder | None:
        """The order in which the part was read; None if its format has no such order."""
        return date_format(self.date_format).order

    def is_stated(self, of_dataset: str | None) -> bool:
        """Whether its reading is what was stated, for it or for the dataset. Without a statement the day is first."""
        if self.is_own:
            return True
        return of_dataset is not None and (self.date_format or DateOrder.DAY_FIRST) == of_dataset

    def is_outdated(self, of_dataset: str | None) -> bool:
        """Whether another format has been stated for the dataset since, which would read it differently."""
        if of_dataset is None or self.is_stated(of_dataset):
            return False
        both_are_orders = date_format(of_dataset).reads_every_form and date_format(self.date_format).reads_every_form
        return any(self.counts) or not both_are_orders


def check_part(part: PartDates, others: Iterable[PartDates], of_dataset: str | None) -> None:
    """Refuse a part whose dates are in the other order than those of parts that were sent before.

    Where both are stated, both are right. Raises UnreadablePart.
    """
    opposed = [other.number for other in others if _are_opposed(part, other, of_dataset)]
    if not opposed:
        return
    if part.order is DateOrder.DAY_FIRST:
        raise UnreadablePart(
            "dates_in_other_order",
            f"This part has the day first, and the month is first in {_parts(opposed)}. Nothing of this part was kept. "
            "Send it again with its own date_format=, or correct the other.",
        )
    raise UnreadablePart(
        "dates_in_other_order",
        f"This part has the month first, and the day is first in {_parts(opposed)}, for which nothing was stated. "
        "Nothing of this part was kept. Correct it; or, if both orders are right, state date_format=day_first for the "
        "dataset, and send this part again.",
    )


def _are_opposed(part: PartDates, other: PartDates, of_dataset: str | None) -> bool:
    """Whether one has the month first by a statement, and the other the day by its lines alone."""
    pair = (part, other)
    if any(each.is_outdated(of_dataset) for each in pair):
        return False
    return any(_has_month_first(each, of_dataset) for each in pair) and any(
        not each.is_stated(of_dataset) and each.counts.day_first for each in pair
    )


def _has_month_first(part: PartDates, of_dataset: str | None) -> bool:
    return part.is_stated(of_dataset) and part.order is DateOrder.MONTH_FIRST and any(part.counts)


def _has_day_first(part: PartDates, of_dataset: str | None) -> bool:
    if part.is_stated(of_dataset):
        return part.order is DateOrder.DAY_FIRST and any(part.counts)
    return part.counts.day_first > 0


def shows_month_first(slug: str, stated: str | None) -> bool:
    """Whether a part that was refused with this problem has dates with the month first."""
    if slug == "date_format_contradicted":
        return date_format(stated).order is not DateOrder.MONTH_FIRST
    return slug in ("dates_month_first", "dates_in_both_orders") or (
        slug == "dates_in_other_order" and date_format(stated).order is DateOrder.MONTH_FIRST
    )


def earlier_parts(others: Sequence[PartDates], of_dataset: str | None) -> str:
    """What the refusal of a part with the month first says about the parts sent before."""
    others = [other for other in others if not other.is_outdated(of_dataset)]
    decided = [other.number for other in others if _has_day_first(other, of_dataset)]
    in_doubt = [other.number for other in others if _is_open(other, of_dataset) and other.number not in decided]
    sentences = ""
    if decided:
        sentences += f" The day is first in {_parts(decided)}."
    if in_doubt:
        sentences += (
            f" The dates of {_parts(in_doubt)} could be in either order, and were read with the day first: send them "
            "again with date_format=, or state it for the dataset, before you seal it."
        )
    return sentences


def _is_open(part: PartDates, of_dataset: str | None) -> bool:
    return not part.is_stated(of_dataset) and part.counts.either > 0


def check_before_sealing(parts: Sequence[PartDates], month_first_refused: Collection[int], stated: str | None) -> None:
    """Refuse to seal a dataset with dates that may have been read in the wrong order.

    `month_first_refused` are parts that were refused because they had the month first, and were not sent again.
    Raises Conflict.
    """
    outdated = [part.number for part in parts if part.is_outdated(stated)]
    them = "it" if len(outdated) == 1 else "them"
    if outdated:
        raise Conflict(
            "parts_read_otherwise",
            f"The date format of the dataset was stated after {_parts(outdated)} had been read. Send {them} again.",
        )
    open_parts = [part for part in parts if _is_open(part, stated)]
    month_first = {part.number for part in parts if _has_month_first(part, stated)}.union(month_first_refused)
    if open_parts and month_first:
        raise Conflict(
            "date_order_in_doubt",
            f"The month is first in the dates of {_parts(month_first)}, so the dates of "
            f"{_parts(part.number for part in open_parts)} are in doubt: they were read with the day first. State "
            "date_format= for the dataset, or send these parts again with their own.",
        )
    if signs := _undecided(parts, stated):
        raise Conflict(
            "date_order_unstated",
            f"Every date of this dataset with {' or '.join(signs)} between its numbers could have the day or the month "
            f"first, as in {signs[0].join(('04', '11', '2022'))}. They were read with the day first. State "
            "date_format=day_first for the dataset if that is right; if not, state date_format=month_first and send "
            "the parts again.",
        )


def _undecided(parts: Sequence[PartDates], of_dataset: str | None) -> list[str]:
    """The signs between day and month of which no line of any part shows the order.

    Where full stops are written, the day comes first.
    """
    open_signs = {sign for part in parts if _is_open(part, of_dataset) for sign in part.separators.open}
    decided = {_DAY_FIRST_EVERYWHERE}
    for part in parts:
        if _has_day_first(part, of_dataset):
            decided.update(part.separators.decided)
            if part.is_stated(of_dataset):
                decided.update(part.separators.open)
    return sorted(open_signs - decided)


def _parts(numbers: Iterable[int]) -> str:
    """Part numbers in words: `part 3`, or `parts 1 to 4, 7`."""
    found = sorted(numbers)
    ranges = [*_ranges(found)]
    listed = ", ".join(ranges[:_MOST_RANGES]) + (" and others" if len(ranges) > _MOST_RANGES else "")
    return f"part {listed}" if len(found) == 1 else f"parts {listed}"


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    for _, places in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        numbers_in_row = [number for _, number in places]
        first, last = numbers_in_row[0], numbers_in_row[-1]
        yield f"{first}" if first == last else f"{first} to {last}"
