"""Days among texts that cannot be read: what a program leaves of a column of which it took the rest for dates.

Such a text need not be in a form that is read. `13/04/22` and `13/04/2022 14:05 CET` are not, and still show in which
order the list has its days.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from service.intake.dates.order import OrderCounts
from service.intake.dates.plain_cells import plain_letters

# Two numbers and a year, anywhere in the text, but not a part of more such numbers, as in a telephone number.
_DAY: Final = re.compile(
    r"(?<![0-9])(?<![0-9][-/.])(?P<first>[0-9]{1,2}) ?(?P<between>[-/.]) ?(?P<next>[0-9]{1,2}) ?(?P=between) ?"
    r"(?:[0-9]{4}|[0-9]{2})(?![0-9]|[-/.][0-9])"
)
# What every program that knows dates knows too.
_CLOCK: Final = re.compile(r"(?:[ t]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[ap]m)?)?", re.IGNORECASE)
_DIGIT: Final = re.compile(r"[0-9]")
_MONTHS, _LONGEST_MONTH = 12, 31


def count_leftover_days(texts: Iterable[tuple[str, int]], is_form: Callable[[bytes], bool]) -> OrderCounts:
    """How many of these texts, each with its count, name a day by two numbers in a shape that is no form.

    A day that is possible in both orders counts only if a program would have taken the text for a date: nothing but a
    plain time of day stands beside it.
    """
    day_first = month_first = either = 0
    for raw, count in texts:
        text = plain_letters(raw).strip(" '\"")
        shape = _DIGIT.sub("0", text)
        day = _DAY.search(text)
        if day is None or (shape.isascii() and is_form(shape.encode())):
            continue
        first, following = int(day["first"]), int(day["next"])
        if not (first and following) or min(first, following) > _MONTHS or max(first, following) > _LONGEST_MONTH:
            continue
        if first > _MONTHS:
            day_first += count
        elif following > _MONTHS:
            month_first += count
        elif first != following and day.start() == 0 and _CLOCK.fullmatch(text, day.end()):
            either += count
    return OrderCounts(day_first, month_first, either)
