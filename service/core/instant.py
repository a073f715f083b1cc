"""Instants and days that callers send. An instant with any offset becomes UTC."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

# PostgreSQL stores dates that Python cannot read. They are far outside of this range, and one would break every list.
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_instant(value: object) -> object:
    # A bare number would be read as seconds since 1970, and a phone number in the wrong field as a date.
    if not (isinstance(value, datetime) or (isinstance(value, str) and _DAY.match(value))):
        raise ValueError("must be written as in RFC 3339, for example 2024-05-28T10:00:00+02:00")
    return value


def _written_day(value: object) -> object:
    if not (isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value))):
        raise ValueError("must be written as in RFC 3339, for example 2024-05-28")
    return value


def _plausible_instant(instant: datetime) -> datetime:
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("must lie between the years 1900 and 2200")
    return instant.astimezone(UTC)


def _plausible_day(day: date) -> date:
    if not _EARLIEST.date() <= day < _LATEST.date():
        raise ValueError("must lie between the years 1900 and 2200")
    return day


Instant = Annotated[AwareDatetime, BeforeValidator(_written_instant), AfterValidator(_plausible_instant)]
Day = Annotated[date, BeforeValidator(_written_day), AfterValidator(_plausible_day)]
