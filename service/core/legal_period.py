"""When a period of the law ends, as Regulation (EEC, Euratom) 1182/71 counts it. All arithmetic of months is here."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from service.core.work_calendar import WorkCalendar

_ONE_DAY = timedelta(days=1)
_ONE_HOUR = timedelta(hours=1)
_LEAST_WORKING_DAYS = 2


class Unit(StrEnum):
    """What a period is counted in."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Period:
    """So many units from an event.

    The hour or day of the event is not counted (art. 3(1)), unless `counts_event`. What ends on a Saturday, a Sunday
    or a public holiday ends with the next working day (art. 3(4)), and two days or more have at least two working days
    (art. 3(5)), unless not `rolls`. Neither holds for hours.
    """

    count: int
    unit: Unit
    counts_event: bool = False
    rolls: bool = True

    def end(self, event: datetime, days: WorkCalendar) -> datetime:
        """The first moment after the period, in UTC: whatever is done before it is in time."""
        local = event.astimezone(days.zone)
        if self.unit is Unit.HOURS:
            hour = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
            return hour + (self.count + (not self.counts_event)) * _ONE_HOUR
        first = local.date() + (not self.counts_event) * _ONE_DAY
        return _end_of(self._last_day(first, days), days.zone)

    def _last_day(self, first: date, days: WorkCalendar) -> date:
        before = first - _ONE_DAY
        if self.unit is Unit.WORKING_DAYS:
            for _ in range(self.count):
                before = days.next_working_day(before)
            return before
        if self.unit is Unit.DAYS:
            last = before + self.count * _ONE_DAY
        elif self.counts_event:
            last = _months_after(first, self.count) - _ONE_DAY
        else:
            last = _months_after(before, self.count)
        return _rolled(first, last, days) if self.rolls else last


def last_day(end: datetime, zone: ZoneInfo) -> date:
    """The last day of a period, as people name it, of the moment that `Period.end` returns."""
    return (end - timedelta.resolution).astimezone(zone).date()


def _months_after(day: date, count: int) -> date:
    """The same date so many months later, or the last of a shorter month (art. 3(2)(c))."""
    years, month = divmod(day.month - 1 + count, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _rolled(first: date, last: date, days: WorkCalendar) -> date:
    least = first - _ONE_DAY
    for _ in range(_LEAST_WORKING_DAYS if last > first else 1):
        least = days.next_working_day(least)
    return max(least, last if days.is_working_day(last) else days.next_working_day(last))


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """The midnight after a day. Where clocks leap over it, the moment of the leap."""
    return datetime.combine(day + _ONE_DAY, time(), zone).astimezone(UTC)
