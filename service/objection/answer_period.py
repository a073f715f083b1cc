"""How long a holder has to answer a person, by the days of the holder's country (GDPR 12(3)).

It is a month, and two more where the holder tells the person within the month why it needs them.
"""

from datetime import date, datetime, time
from functools import cache
from typing import Protocol
from zoneinfo import ZoneInfo

from service.core.legal_period import Period, Unit, last_day
from service.core.time_zone import zones_of
from service.core.work_calendar import WorkCalendar

_MONTH, _EXTENDED = Period(1, Unit.MONTHS), Period(3, Unit.MONTHS)


class Resident(Protocol):
    """What a deadline depends on: the country of who answers (ISO 3166-1 alpha-2), and its time zone if stated."""

    @property
    def country(self) -> str: ...  # noqa: D102 - the column's name
    @property
    def time_zone(self) -> str | None: ...  # noqa: D102


def answer_due_at(received_at: datetime, holder: Resident, *, extended: bool = False) -> datetime:
    """The moment from which an answer is late, of what reached a holder.

    It is counted in the holder's time zone. Of a country with several, if none is stated of the holder, whatever is in
    time in one of them is in time.
    """
    period = _EXTENDED if extended else _MONTH
    zones = (ZoneInfo(holder.time_zone),) if holder.time_zone else _zones_of(holder.country)
    return max(period.end(received_at, WorkCalendar(holder.country, zone)) for zone in zones)


def answer_due_on(due_at: datetime, holder: Resident) -> date:
    """The last day to answer, of what is late from the moment that `answer_due_at` returned.

    That was in the zone which was stated then. So every zone of the country is tried.
    """
    stated = (ZoneInfo(holder.time_zone),) if holder.time_zone else ()
    zones = (*stated, *_zones_of(holder.country))
    zone = next((zone for zone in zones if due_at.astimezone(zone).time() == time()), zones[0])
    return last_day(due_at, zone)


@cache
def _zones_of(country: str) -> tuple[ZoneInfo, ...]:
    return tuple(map(ZoneInfo, zones_of(country) or ("UTC",)))
