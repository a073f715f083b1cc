"""Offsets of a time zone for many local times at once."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from service.intake.errors import UnreadablePart

EARLIEST: Final = -366 * 86_400
"""The earliest local time with a known offset, in seconds from 1970-01-01T00:00: at the end of 1968."""
LATEST: Final = 139 * 366 * 86_400
"""The latest local time with a known offset, in 2109."""

# A slot is about 18 hours, in which no zone ever changed its offset twice.
_SLOT_BITS = 16
_NEVER = 2**62
_DAY = timedelta(days=1)


class Zone(NamedTuple):
    """A time zone from 1970 to 2106.

    `offsets` are its offsets in order, in seconds east of UTC. `changes` are the local times at which each offset but
    the first begins, followed by a time that never comes. `before` counts the changes up to each slot of 18 hours from
    `EARLIEST` on.
    """

    offsets: NDArray[np.int64]
    changes: NDArray[np.int64]
    before: NDArray[np.int16]

    def at(self, local: NDArray[np.int64]) -> NDArray[np.int64]:
        """The offset at each local time from `EARLIEST` to `LATEST`, found by two table lookups.

        Raises UnreadablePart if there are times, and the zone is none.
        """
        if not self.offsets.size and local.size:
            raise _offset_unclear()
        before = self.before[(local - EARLIEST) >> _SLOT_BITS]
        found: NDArray[np.int64] = self.offsets[before + (local >= self.changes[before])]
        return found


def fixed_zone(offset: int) -> Zone:
    """A zone with one offset, in seconds east of UTC. It needs no file, which some processes cannot open."""
    before = np.zeros(((LATEST - EARLIEST) >> _SLOT_BITS) + 1, dtype=np.int16)
    return Zone(np.array([offset], dtype=np.int64), np.array([_NEVER]), before)


UTC_ZONE: Final = fixed_zone(0)
NO_ZONE: Final = fixed_zone(0)._replace(offsets=np.empty(0, dtype=np.int64))
"""What a name states that is not understood. No time is read in it."""


def _offset_unclear() -> UnreadablePart:
    return UnreadablePart(
        "offset_unclear",
        "The name of the column of the consent times has a time zone that is not clearly one offset from UTC, and a "
        "time has none of its own. Write the offset in the name, such as (UTC+2), or in each time, such as +02:00.",
    )


@cache
def load_zone(name: str) -> Zone:
    """A zone by its name in the IANA database. Raises UnreadablePart for an unknown name.

    A change counts from the later of the two clocks on. So the offset before the change holds for skipped and repeated
    times, as with `fold=0` of PEP 495.
    """
    try:
        known = ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise UnreadablePart(
            "unknown_time_zone",
            "The time zone is unknown. State its name in the IANA database, such as Europe/Paris.",
        ) from problem

    def offset(moment: datetime) -> int:
        return round((moment.astimezone(known).utcoffset() or timedelta()).total_seconds())

    day = datetime(1969, 12, 30, tzinfo=UTC)
    changes, offsets = [], [offset(day)]
    while day < datetime(2106, 2, 9, tzinfo=UTC):
        if offset(day + _DAY) != offsets[-1]:
            before, after = day, day + _DAY
            while after - before > timedelta(seconds=1):
                middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
                before, after = (middle, after) if offset(middle) == offsets[-1] else (before, middle)
            offsets.append(offset(after))
            changes.append(round(after.timestamp()) + max(offsets[-2:]))
        day += _DAY
    slots = np.arange(EARLIEST, LATEST + 1, 1 << _SLOT_BITS)
    counts = np.searchsorted(changes, slots, side="right").astype(np.int16)
    return Zone(np.array(offsets), np.array([*changes, _NEVER]), counts)
