"""Computes the Unix seconds of many cells of one form together."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import ShapeGroup
from service.intake.dates.forms import Calendar, Form
from service.intake.dates.zones import Zone

_Numbers = NDArray[np.int64]
_Flags = NDArray[np.bool_]

_DAY, _HOUR, _MINUTE = 86_400, 3600, 60
_NOON, _MIDNIGHT = 12, 24
# Seconds must fit in 32 bits without a sign, and 0 stands for "unknown".
_LATEST = 2**32 - 1
_FIRST_YEAR, _LAST_YEAR = 1969, 2107
# The tables are indexed by year and month as six digits, minus the first. The months 00 and 13 to 99 have no days.
_FIRST_MONTH, _LAST_MONTH = _FIRST_YEAR * 100, _LAST_YEAR * 100 + 99
_MONTHS = np.arange(f"{_FIRST_YEAR}-01", f"{_LAST_YEAR + 1}-01", dtype="datetime64[M]")
_CODES = (_MONTHS.astype(np.int64) // 12 + 1970) * 100 + _MONTHS.astype(np.int64) % 12 + 1 - _FIRST_MONTH
_MONTH_STARTS, _MONTH_DAYS = np.zeros((2, _LAST_MONTH - _FIRST_MONTH + 1), dtype=np.int64)
_MONTH_STARTS[_CODES] = _MONTHS.astype("datetime64[s]").astype(np.int64)
_MONTH_DAYS[_CODES] = (_MONTHS + 1).astype("datetime64[D]") - _MONTHS.astype("datetime64[D]")
# The first day of each year since 1970-01-01, and of the year after the last. 1970-01-01 was a Thursday.
_YEARS = np.arange(f"{_FIRST_YEAR}", f"{_LAST_YEAR + 2}", dtype="datetime64[Y]")
_YEAR_STARTS = _YEARS.astype("datetime64[D]").astype(np.int64)
_THURSDAY = 4
# Two digits of a year are those of 1969 to 2068, as in POSIX.
_PIVOT = 69
# More digits of a fraction change nothing about a second.
_FRACTION_DIGITS = 12
_MOST_DIGITS = 18
_MONTHS_OF_YEAR = 12


class Instants(NamedTuple):
    """The Unix seconds of the cells of a group, and which of them are valid times between 1970 and 2106.

    `exchanged` is set if day and month are numbers: which cells would be valid with the two exchanged, and where that
    would be another day.
    """

    seconds: _Numbers
    is_valid: _Flags
    exchanged: tuple[_Flags, _Flags] | None


def read_instants(group: ShapeGroup, form: Form, local: Zone) -> Instants:
    """What cells of one shape mean. Times without an offset are in the zone `local`."""
    digits = _Digits(group, form)
    if form.calendar is Calendar.SECONDS_SINCE_1970:
        seconds = digits.number("whole")
        return Instants(seconds, _in_range(seconds), None)
    if form.calendar is Calendar.DAYS_SINCE_1970:
        written = (digits.number("whole") + form.epoch_day) * _DAY + digits.fraction("fraction", _DAY)
        return _in_zone(digits, form, local, written, _in_range(written))
    time_of_day, is_time = _time_of_day(digits, form)
    if "nothing" in digits:
        is_time &= digits.number("nothing") == 0
    if form.calendar is Calendar.MONTH_AND_DAY:
        return _by_month(digits, form, local, time_of_day, is_time)
    day, is_day = _day_of_year(digits) if form.calendar is Calendar.DAY_OF_YEAR else _day_of_week(digits)
    return _in_zone(digits, form, local, day * _DAY + time_of_day, is_day & is_time)


class _Digits:
    """The numbers of the fields of a form, in every cell of a group."""

    def __init__(self, group: ShapeGroup, form: Form) -> None:
        self._group, self._places = group, form.places

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def number(self, name: str) -> _Numbers:
        """The number in a field; 0 if the form has no such field."""
        start, end = self._places.get(name, (0, 0))
        return self._group.number(start, min(end, start + _MOST_DIGITS))

    def fraction(self, name: str, unit: int) -> _Numbers:
        """The decimals in a field as a part of the unit, to the nearest whole number."""
        start, end = self._places.get(name, (0, 0))
        end = min(end, start + _FRACTION_DIGITS)
        parts = np.rint(self._group.number(start, end) * (unit / 10.0 ** (end - start)))
        return np.asarray(parts, dtype=np.int64)

    def year(self) -> _Numbers:
        if "year" in self:
            return self.number("year")
        short = self.number("short_year")
        return short + np.where(short < _PIVOT, 2000, 1900)


def _by_month(digits: _Digits, form: Form, local: Zone, time_of_day: _Numbers, is_time: _Flags) -> Instants:
    year, day = digits.year(), digits.number("day")
    month = np.full(len(day), form.month) if form.month else digits.number("month")
    months = _months(year, month)
    exists = is_time & (day > 0) & (day <= _MONTH_DAYS[months])
    days = _MONTH_STARTS[months] + (day - 1) * _DAY
    if form.weekday:
        # A weekday that is not that of the date shows that one of the two is wrong.
        exists &= _weekday(days) == form.weekday
    found = _in_zone(digits, form, local, days + time_of_day, exists.copy())
    if form.order is None:
        return found
    if found.is_valid.all() and not form.weekday:
        # Every month has twelve days.
        return found._replace(exchanged=(day <= _MONTHS_OF_YEAR, day != month))
    months = _months(year, day)
    is_other = is_time & (month > 0) & (month <= _MONTH_DAYS[months])
    # Where programs write 01/01/1970 for nothing, it is often too early to be read, and shows nothing of the order.
    is_other &= ~(exists & ~found.is_valid) & (year > _FIRST_YEAR) & (year < _LAST_YEAR)
    if form.weekday:
        is_other &= _weekday(_MONTH_STARTS[months] + (month - 1) * _DAY) == form.weekday
    return found._replace(exchanged=(is_other, day != month))


def _weekday(days: _Numbers) -> _Numbers:
    return (days // _DAY + _THURSDAY - 1) % 7 + 1


def _months(year: _Numbers, month: _Numbers) -> NDArray[np.uint64]:
    # Read without a sign, a month before the first one is after the last one.
    return np.minimum((year * 100 + month - _FIRST_MONTH).view(np.uint64), np.uint64(_LAST_MONTH - _FIRST_MONTH))


def _day_of_year(digits: _Digits) -> tuple[_Numbers, _Flags]:
    """The day since 1970-01-01 of a day of a year from 1, as in 2023-085, and whether there is that day."""
    year = digits.year()
    known, starts = _known_year(year)
    compact = "compact_day_of_year" in digits
    day = digits.number("compact_day_of_year" if compact else "day_of_year")
    is_valid = known & (day > 0) & (day <= _YEAR_STARTS[starts + 1] - _YEAR_STARTS[starts])
    if compact:
        # 2012023 could also be 2/01/2023, which lost the zero before its day as a number of a spreadsheet.
        is_valid &= ~_is_day_month_year(year * 1000 + day)
    return _YEAR_STARTS[starts] + day - 1, is_valid


def _is_day_month_year(number: _Numbers) -> _Flags:
    day, month, year = number // 1_000_000, number // 10_000 % 100, number % 10_000
    months = _months(year, month)
    return np.asarray((day > 0) & (day <= _MONTH_DAYS[months]))


def _day_of_week(digits: _Digits) -> tuple[_Numbers, _Flags]:
    """The day since 1970-01-01 of a weekday from 1 of a week of ISO 8601, and whether there is that day."""
    known, starts = _known_year(digits.year())
    week, weekday = digits.number("week"), digits.number("day_of_week")
    first, next_first = (_first_monday(_YEAR_STARTS[at]) for at in (starts, starts + 1))
    is_valid = known & (week > 0) & (first + week * 7 <= next_first) & (weekday > 0) & (weekday <= 7)
    return first + (week - 1) * 7 + weekday - 1, is_valid


def _first_monday(year_start: _Numbers) -> _Numbers:
    """The Monday of the week that has 4 January."""
    fourth = year_start + 3
    return fourth - (fourth + _THURSDAY - 1) % 7


def _known_year(year: _Numbers) -> tuple[_Flags, _Numbers]:
    known = (year >= _FIRST_YEAR) & (year <= _LAST_YEAR)
    return known, np.where(known, year - _FIRST_YEAR, 0)


def _time_of_day(digits: _Digits, form: Form) -> tuple[_Numbers, _Flags]:
    """The seconds since midnight, and whether there is that time. 24:00 is the midnight after the day."""
    hour, minute, second = digits.number("hour"), digits.number("minute"), digits.number("second")
    is_valid = (hour < _MIDNIGHT) & (minute < 60) & (second < 60)
    if form.half:
        is_valid &= (hour > 0) & (hour <= _NOON)
        hour = hour % _NOON + (_NOON if form.half == "p" else 0)
    seconds = hour * _HOUR + minute * _MINUTE + second
    for name, unit in (("fraction_of_hour", _HOUR), ("fraction_of_minute", _MINUTE)):
        if name in digits:
            seconds += digits.fraction(name, unit)
    if not form.half and not is_valid.all():
        is_valid |= (seconds == _MIDNIGHT * _HOUR) & (hour == _MIDNIGHT) & (digits.number("fraction") == 0)
    return seconds, is_valid


def _in_zone(digits: _Digits, form: Form, local: Zone, written: _Numbers, is_valid: _Flags) -> Instants:
    if form.offset is None:
        # Days that are not valid may lie where the zone has no offset.
        bounded = written if is_valid.all() else np.where(is_valid, written, 0)
        written = written - local.at(bounded)
    elif form.offset:
        hour, minute = digits.number("offset_hour"), digits.number("offset_minute")
        is_valid &= (hour < 24) & (minute < 60)
        written = written - form.offset * (hour * _HOUR + minute * _MINUTE)
    return Instants(written, is_valid & _in_range(written), None)


def _in_range(seconds: _Numbers) -> _Flags:
    return np.asarray((seconds > 0) & (seconds <= _LATEST))
