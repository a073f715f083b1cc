"""The working days of a country: all but Saturdays, Sundays and public holidays (Regulation 1182/71, art. 2)."""

from datetime import date, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

# All countries are imported now, which would take too long for the first request that asks for one.
import holidays.countries

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class WorkCalendar(NamedTuple):
    """The days of whoever must act: the holidays of their country (ISO 3166-1 alpha-2), and the zone of their days.

    Holidays are those of the whole country. Those of a part, such as Good Friday in Alsace and Moselle, do not count.
    A country whose holidays are not known has Saturdays and Sundays alone.
    """

    country: str
    zone: ZoneInfo

    def is_working_day(self, day: date) -> bool:
        """Whether it is neither a Saturday, a Sunday nor a public holiday."""
        return day.weekday() < _SATURDAY and day not in _holidays(self.country, day.year)

    def next_working_day(self, day: date) -> date:
        """The first working day after `day`."""
        day += _ONE_DAY
        while not self.is_working_day(day):
            day += _ONE_DAY
        return day


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()
