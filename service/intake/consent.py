"""Consent times as text into Unix seconds.

Read are ISO 8601 dates and times (`2024-02-05`, `2024-02-05T12:00`, seconds, fractions, `Z` or an offset) and
`dd/mm/yyyy` with an optional time. Cells of one length are a matrix of bytes, and cells of one *shape* (the text with
every digit replaced by 0) have their digits in the same columns: so the shape alone is parsed, the rest is arithmetic.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from service.intake.errors import UnreadablePart

_SHAPE = re.compile(
    rb"(?:(?P<year>0000)-(?P<month>00)-(?P<day>00)|(?P<day_>00)/(?P<month_>00)/(?P<year_>0000))"
    rb"(?:[T ](?P<hour>00):(?P<minute>00)(?::(?P<second>00)(?:[.,]0{1,9})?)? ?"
    rb"(?:Z|(?P<sign>[+-])(?P<offset_hour>00)(?::?(?P<offset_minute>00))?)?)?",
    re.IGNORECASE,
)
_LONGEST = len("2024-02-05 12:00:00.123456789 +02:00")
_SHAPE_OF_BYTE = np.arange(256, dtype=np.uint8)
_SHAPE_OF_BYTE[ord("0") : ord("9") + 1] = ord("0")
# A column nearly always has one shape or two; rows of more shapes are sorted out one by one.
_SHAPES_AT_ONCE = 3

# A count of seconds that fits 32 bits without a sign, and is not 0, which stands for "not known".
_LATEST = 2**32 - 1
_FIRST_YEAR = 1969
_MONTH_STARTS = np.arange("1969-01", "2107-03", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
_DAY = timedelta(days=1)


def read_times(cells: pl.Series, time_zone: str) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Unix seconds of each cell (String, no nulls), 0 if it is empty; and which cells cannot be read.

    Times without an offset are in `time_zone` (IANA); a date alone is its midnight there. A time that the clock skips
    is shifted past the gap, one that it shows twice is the earlier. Raises UnreadablePart for an unknown zone.
    """
    zone = _zone_changes(time_zone)
    times, unreadable = _read(cells, zone)
    if unreadable.any():
        again = np.flatnonzero(unreadable)
        times[again], unreadable[again] = _read(cells.gather(again).str.strip_chars(" \t\u00a0'\""), zone)
    return times, unreadable


def check_time_zone(name: str) -> None:
    """Raise UnreadablePart for a zone that is not in the IANA database."""
    _zone_changes(name)


_Zone = tuple[NDArray[np.int64], NDArray[np.int64]]


def _read(cells: pl.Series, zone: _Zone) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    lengths = cells.str.len_bytes().to_numpy()
    times = np.zeros(len(cells), dtype=np.uint32)
    unreadable = lengths > 0
    for length in np.flatnonzero(np.bincount(lengths[lengths <= _LONGEST], minlength=1)).tolist():
        if length == 0:
            continue
        rows = np.flatnonzero(lengths == length)
        same_length = cells if len(rows) == len(cells) else cells.gather(rows)
        text = np.frombuffer(str(same_length.str.join("").item()).encode(), dtype=np.uint8)
        columns = np.ascontiguousarray(text.reshape(len(rows), length).T)
        for shape, members in _shapes(columns):
            found = _SHAPE.fullmatch(shape)
            if found:
                seconds, good = _seconds(columns[:, members], found, zone)
                times[rows[members]] = np.where(good, seconds, 0)
                unreadable[rows[members]] = ~good
    return times, unreadable


def _shapes(columns: NDArray[np.uint8]) -> Iterator[tuple[bytes, NDArray[np.int64] | slice]]:
    """Each shape among cells of one length, with the cells that have it."""
    shapes = _SHAPE_OF_BYTE[columns]
    rest = np.arange(columns.shape[1])
    for _ in range(_SHAPES_AT_ONCE):
        if not rest.size:
            return
        shape = shapes[:, rest[0]]
        alike = (shapes == shape[:, None]).all(axis=0)
        if alike.all():
            yield shape.tobytes(), slice(None)
            return
        yield shape.tobytes(), np.flatnonzero(alike)
        rest = rest[~alike[rest]]
    members: defaultdict[bytes, list[int]] = defaultdict(list)
    for row in rest.tolist():
        members[shapes[:, row].tobytes()].append(row)
    for shape_bytes, rows in members.items():
        yield shape_bytes, np.array(rows)


def _seconds(
    columns: NDArray[np.uint8], shape: re.Match[bytes], zone: _Zone
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Unix seconds of cells of one shape, and which of them are a moment between 1970 and 2106."""

    def number(name: str) -> NDArray[np.int64]:
        value = np.zeros(columns.shape[1], dtype=np.int64)
        for at in range(*shape.span(name)):
            value = value * 10 + (columns[at] - ord("0"))
        return value

    iso = shape["year"] is not None
    year, month, day = (number(name if iso else f"{name}_") for name in ("year", "month", "day"))
    index = (year - _FIRST_YEAR) * 12 + month - 1
    good = (month >= 1) & (month <= 12) & (index >= 0) & (index < len(_MONTH_STARTS) - 1) & (day >= 1)
    index = np.where(good, index, 0)
    good &= day <= _MONTH_STARTS[index + 1] - _MONTH_STARTS[index]
    hour, minute, second = number("hour"), number("minute"), number("second")
    good &= (hour < 24) & (minute < 60) & (second < 60)
    written = (_MONTH_STARTS[index] + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    if shape["sign"]:
        offset_hour, offset_minute = number("offset_hour"), number("offset_minute")
        good &= (offset_hour < 24) & (offset_minute < 60)
        offset = offset_hour * 3600 + offset_minute * 60
        written += offset if shape["sign"] == b"-" else -offset
    elif not shape[0].upper().endswith(b"Z"):
        changes, offsets = zone
        written -= offsets[np.searchsorted(changes, written, side="right")]
    return written, good & (written > 0) & (written <= _LATEST)


@cache
def _zone_changes(name: str) -> _Zone:
    """The offsets of a zone in order (seconds east of UTC), and the local times at which each but the first begins.

    With the later of the two clocks as the border, the offset before a change holds for what is skipped or repeated:
    that is `fold=0` of PEP 495.
    """
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise UnreadablePart(
            "unknown_time_zone", "State the time zone by its name in the IANA database, such as Europe/Paris."
        ) from problem

    def offset(moment: datetime) -> int:
        return round((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds())

    today = datetime(1969, 12, 30, tzinfo=UTC)
    changes, offsets = [], [offset(today)]
    while today < datetime(2106, 2, 9, tzinfo=UTC):
        if offset(today + _DAY) != offsets[-1]:
            before, after = today, today + _DAY
            while after - before > timedelta(seconds=1):
                middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
                before, after = (middle, after) if offset(middle) == offsets[-1] else (before, middle)
            offsets.append(offset(after))
            changes.append(round(after.timestamp()) + max(offsets[-2:]))
        today += _DAY
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)
