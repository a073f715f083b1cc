"""Columns of time zones beside the times: they are not read, and so must not say another zone than the times have."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from service.intake.columns.choice import ColumnRules, SampleColumn, columns_seen, shown_column
from service.intake.columns.looks import states_its_offset
from service.intake.dates.reading import share_of_times
from service.intake.errors import UnreadablePart
from service.intake.names.offset import stated_offset
from service.intake.names.words import ColumnName

_NAMES: Final = frozenset(
    {
        *("timezone", "tz", "tzid", "tzname", "fuseau", "fuseauhoraire", "zonehoraire", "zeitzone", "zonahoraria"),
        *("utcoffset", "gmtoffset", "timezoneoffset", "tzoffset", "offsetutc", "decalageutc", "decalagehoraire"),
    }
)
_IANA: Final = re.compile(r"[a-z]+(?:/[a-z0-9_+-]+)+")
_UTC: Final = frozenset({"utc", "gmt", "z", "etc/utc", "etc/gmt", "zulu", "etc/uct", "uct", "etc/universal"})


def other_zones(columns: Sequence[SampleColumn], read: Collection[int], rules: ColumnRules) -> list[int]:
    """The columns of zones, some other than the dataset's, beside times that have no offset of their own.

    Raises UnreadablePart if such a column says the same zone for all of them. Where it says several, it is mostly the
    zone of the person, and not that of the times.
    """
    if not any(_has_local_times(columns[at], rules) for at in read if at < len(columns)):
        return []
    found = []
    for at, column in enumerate(columns):
        zones = set(map(_zone, column.cells)) if at not in read and _names_zones(column.name) else set()
        if zones <= {_zone(rules.time_zone or "")}:
            continue
        if len(zones) == 1 and "" not in zones and rules.time_zone:
            raise _zone_differs(columns, at, rules.time_zone)
        found.append(at)
    return found


def _zone_differs(columns: Sequence[SampleColumn], at: int, time_zone: str) -> UnreadablePart:
    return UnreadablePart(
        "time_zone_differs",
        f"The cells of {shown_column(columns, at)} all name one time zone, but times without an offset are read in "
        f"{time_zone}. If it is the zone of the times, open a dataset with it as time_zone, or write each time with "
        f"its offset. If it is not, leave the column out.{columns_seen(columns)}",
    )


def _names_zones(name: str) -> bool:
    parsed = ColumnName(name)
    return parsed.joined in _NAMES or {"time", "zone"} <= parsed.words or not _NAMES.isdisjoint(parsed.words)


def _has_local_times(column: SampleColumn, rules: ColumnRules) -> bool:
    times = [cell for cell in column.cells if not states_its_offset(cell)]
    return not ColumnName(column.name).offset.is_stated and share_of_times(times, rules.date_format) > 0


def _zone(cell: str) -> str:
    """A zone as it is compared with another; empty if the cell names none that is known here."""
    zone = cell.strip().casefold()
    if zone in _UTC:
        return "0"
    offset = stated_offset(zone if zone.startswith(("utc", "gmt")) else f"utc{zone}").seconds
    if offset is not None and any(map(str.isdigit, zone)):
        return str(offset)
    return zone if _IANA.fullmatch(zone) else ""
