"""Instants that callers send."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

# Far outside of these lies what PostgreSQL keeps and Python cannot read back: one such row would break every list.
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def _plausible(instant: datetime) -> datetime:
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("must lie between the years 1900 and 2200")
    return instant


Instant = Annotated[AwareDatetime, AfterValidator(_plausible)]
