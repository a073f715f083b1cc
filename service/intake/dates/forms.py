"""The forms of dates and times that are read: from the shape of cells to what their digits mean.

A shape is the text of cells with plain characters in which every digit is 0 (see `intake.cells`). So each shape is
looked at once, however many cells have it. `docs/consent-times.md` lists the forms for those who send files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from service.intake.dates.months import MONTHS, WEEKDAYS


class DateOrder(StrEnum):
    """In which order a date names its day and month, if both are numbers."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    YEAR_FIRST = "year_first"


class Calendar(StrEnum):
    """By what a form names the day."""

    MONTH_AND_DAY = "month and day"
    DAY_OF_YEAR = "day of year"
    DAY_OF_WEEK = "day of week"
    SECONDS_SINCE_1970 = "seconds since 1970"
    DAYS_SINCE_1970 = "days since 1970"
    UNKNOWN = "unknown"
    """The cell is empty."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the cells of a shape say. `places` are where the digits of each field are; the rest is in their letters.

    `order` is set if day and month are both numbers, which another order would exchange, and `between` is the sign
    between them in the forms in which it tells nothing of the order. `month` and `weekday` are
    those that are named, or 0. `half` is `a` or `p` for hours up to twelve. `offset` is 1 or -1 for times east or west
    of UTC, whose distance is in `places`, 0 for UTC, and None for local times. Days since 1970 begin at `epoch_day`.
    """

    calendar: Calendar
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    order: DateOrder | None = None
    month: int = 0
    weekday: int = 0
    half: str | None = None
    offset: int | None = None
    epoch_day: int = 0
    between: str = ""


def _any_of(names: Mapping[str, int]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


AROUND: Final = r"[ '\"]*"
"""What may stand around a time, and is ignored."""
MONTH_NAME: Final = rf"(?P<month_name>{_any_of(MONTHS)})\.?"
WEEKDAY_NAME: Final = rf"(?P<weekday_name>{_any_of(WEEKDAYS)})\.?"
HALF: Final = r"(?P<half>[ap])\.? ?m\.?"
OFFSET: Final = r"(?P<sign>[+-])(?P<offset_hour>00)(?::?(?P<offset_minute>00))?"

_DAY_NAME: Final = r"(?P<day>00?)(?:er|st|nd|rd|th)?"
_WEEKDAY: Final = rf"(?:{WEEKDAY_NAME},? +)?"
# A tool that took digits for a quantity writes 20230326.0.
_DECIMAL: Final = r"(?:\.(?P<nothing>00?))?"
_DATES: Final = {
    r"(?P<year>0000)(?P<between>[-/.])(?P<month>00?)(?P=between)(?P<day>00?)": Calendar.MONTH_AND_DAY,
    r"(?P<first_number>00?)(?P<between>[-/.])(?P<next_number>00?)(?P=between)(?P<year>0000)": Calendar.MONTH_AND_DAY,
    # In Central Europe, a full stop stands behind each ordinal number, and a space may follow it.
    r"(?P<year>0000)(?P<between>\.) ?(?P<month>00?)\. ?(?P<day>00?)\.?": Calendar.MONTH_AND_DAY,
    r"(?P<first_number>00?)(?P<between>\.) ?(?P<next_number>00?)\. ?(?P<year>0000)\.?": Calendar.MONTH_AND_DAY,
    rf"(?P<year>0000)(?P<month>00)(?P<day>00){_DECIMAL}": Calendar.MONTH_AND_DAY,
    r"(?P<year>0000)-(?P<day_of_year>000)": Calendar.DAY_OF_YEAR,
    rf"(?P<year>0000)(?P<compact_day_of_year>000){_DECIMAL}": Calendar.DAY_OF_YEAR,
    r"(?P<year>0000)-w(?P<week>00)-(?P<day_of_week>0)": Calendar.DAY_OF_WEEK,
    r"(?P<year>0000)w(?P<week>00)(?P<day_of_week>0)": Calendar.DAY_OF_WEEK,
    rf"{_WEEKDAY}{_DAY_NAME}(?: +|-|/){MONTH_NAME}(?:,? +|-|/)(?P<year>0000)": Calendar.MONTH_AND_DAY,
    rf"{_WEEKDAY}{MONTH_NAME} +{_DAY_NAME},? +(?P<year>0000)": Calendar.MONTH_AND_DAY,
    rf"(?P<year>0000)(?: +|-|/){MONTH_NAME}(?: +|-|/){_DAY_NAME}": Calendar.MONTH_AND_DAY,
}
_T: Final = "t"
_BETWEEN: Final = r"(?:t|,? +(?:(?:a|at) +)?|,)"
_CLOCKS: Final = (
    rf"{_BETWEEN}(?P<hour>00?):(?P<minute>00)(?::(?P<second>00)(?:[.,](?P<fraction>0+))?)?(?: ?{HALF})?",
    rf"{_BETWEEN}(?P<hour>00)(?P<minute>00)(?:(?P<second>00)(?:[.,](?P<fraction>0+))?)?",
    rf"{_BETWEEN}(?P<hour>00?) ?h(?: ?(?P<minute>00)(?: ?m(?:n|in)?)?(?: ?(?P<second>00) ?s?)?)?",
    rf"{_BETWEEN}(?P<hour>00?) ?{HALF}",
    rf"{_T}(?P<hour>00)(?:[.,](?P<fraction_of_hour>0+))?",
    rf"{_T}(?P<hour>00):?(?P<minute>00)[.,](?P<fraction_of_minute>0+)",
)
# Behind the name of UTC, one digit can only be hours.
_HOURS_FROM_UTC: Final = OFFSET.replace(
    "(?P<offset_hour>00)", "(?P<offset_hour>00|(?:(?<=utc[+-])|(?<=gmt[+-]))0(?!0))"
)
_ZONE: Final = rf"(?: ?(?:(?P<utc>z|utc|gmt)|(?:utc|gmt)?{_HOURS_FROM_UTC}))?"

_DATE_PATTERNS: Final = [(re.compile(AROUND + date), calendar) for date, calendar in _DATES.items()]
_CLOCK_PATTERNS: Final = [re.compile(rf"(?:{clock}{_ZONE})?{AROUND}") for clock in _CLOCKS]
_EMPTY: Final = re.compile(AROUND)


@lru_cache(maxsize=4096)
def find_form(shape: bytes, order: DateOrder) -> Form | None:
    """The form of cells of this shape, with day and month in this order where only the order tells them apart.

    None if the shape is in none of the forms that are read without a statement.
    """
    text = shape.decode("ascii").lower()
    if _EMPTY.fullmatch(text):
        return Form(Calendar.UNKNOWN)
    # Every form has a year of four digits. Most texts that are not times have none.
    if "0000" not in text:
        return None
    for pattern, calendar in _DATE_PATTERNS:
        date = pattern.match(text)
        clocks = (clock.fullmatch(text, date.end()) for clock in _CLOCK_PATTERNS) if date else ()
        for clock in filter(None, clocks):
            assert date is not None
            return form_of(calendar, order, date, clock)
    return None


def form_of(calendar: Calendar, order: DateOrder, *matches: re.Match[str]) -> Form:
    """The form that patterns with the groups of this module found, with `first_number` and `next_number` in `order`."""
    groups = {name: text for match in matches for name, text in match.groupdict().items() if text}
    places = {
        name: match.span(name)
        for match in matches
        for name, text in match.groupdict().items()
        if text and set(text) == {"0"}
    }
    numeric_order = None
    if "first_number" in places:
        numbers = places.pop("first_number"), places.pop("next_number")
        places["day"], places["month"] = numbers if order is DateOrder.DAY_FIRST else reversed(numbers)
        numeric_order = order
    elif "month" in places and "day" in places:
        numeric_order = _order_of(places)
    return Form(
        calendar,
        places,
        numeric_order,
        month=MONTHS.get(groups.get("month_name", ""), 0),
        weekday=WEEKDAYS.get(groups.get("weekday_name", ""), 0),
        half=groups.get("half"),
        between=groups.get("between", "") if numeric_order is order else "",
        offset=_offset(groups),
    )


def _order_of(places: Mapping[str, tuple[int, int]]) -> DateOrder:
    """The order of numbers whose meaning is known, as in `00000000` or by a stated format."""
    year = places.get("year") or places["short_year"]
    if year < places["month"] and year < places["day"]:
        return DateOrder.YEAR_FIRST
    return DateOrder.DAY_FIRST if places["day"] < places["month"] else DateOrder.MONTH_FIRST


def _offset(groups: Mapping[str, str]) -> int | None:
    if "sign" in groups:
        return -1 if groups["sign"] == "-" else 1
    return 0 if "utc" in groups else None
