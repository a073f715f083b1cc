"""How long a holder has to answer a person, by the days of the holder's country (GDPR 12(3)).

It is a month, and two more where the holder tells the person within the month why it needs them.
"""

from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from service.core.legal_period import Period, Unit, last_day
from service.core.time_zone import zones_of
from service.core.work_calendar import WorkCalendar

_MONTH, _EXTENDED = Period(1, Unit.MONTHS), Period(3, Unit.MONTHS)


def answer_due_at(received_at: datetime, country: str, *, extended: bool = False) -> datetime:
    """The moment from which an answer is late, of what reached a holder in a country (ISO 3166-1 alpha-2).

    In a country with several time zones, whatever is in time in one of them is.
    """
    period = _EXTENDED if extended else _MONTH
    return max(period.end(received_at, WorkCalendar(country, zone)) for zone in _zones_of(country))


def answer_due_on(due_at: datetime, country: str) -> date:
    """The last day to answer, of what is late from the moment that `answer_due_at` returned."""
    zones = _zones_of(country)
    zone = next((zone for zone in zones if due_at.astimezone(zone).time() == time()), zones[0])
    return last_day(due_at, zone)


@cache
def _zones_of(country: str) -> tuple[ZoneInfo, ...]:
    return tuple(map(ZoneInfo, zones_of(country) or ("UTC",)))
