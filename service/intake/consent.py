"""Converts consent times from text to Unix seconds.

It reads ISO 8601 dates and times (`2024-02-05`, `2024-02-05T12:00`, seconds, fractions, `Z` or an offset) and
`dd/mm/yyyy` with an optional time. Only the shapes of the cells are parsed; the rest is arithmetic (see `cells`).
"""

import re

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import LONGEST_GROUPED, Cells, ShapeGroup
from service.intake.zones import Zone, load_zone

_AROUND = rb"(?:[ \t'\"]|\xc2\xa0)*"
_SHAPE = re.compile(
    _AROUND + rb"(?:(?:(?P<year>0000)-(?P<month>00)-(?P<day>00)|(?P<day_>00)/(?P<month_>00)/(?P<year_>0000))"
    rb"(?:[T ](?P<hour>00):(?P<minute>00)(?::(?P<second>00)(?:[.,]0{1,9})?)? ?"
    rb"(?:(?P<utc>Z)|(?P<sign>[+-])(?P<offset_hour>00)(?::?(?P<offset_minute>00))?)?)?)?" + _AROUND,
    re.IGNORECASE,
)

# Seconds must fit in 32 bits without a sign, and 0 stands for "unknown".
_LATEST = 2**32 - 1
# The tables are indexed by year and month as six digits, minus the first. The months 00 and 13 to 99 have no days.
_FIRST_MONTH, _LAST_MONTH = 1969_00, 2107_99
_MONTHS = np.arange("1969-01", "2108-01", dtype="datetime64[M]")
_CODES = (_MONTHS.astype(np.int64) // 12 + 1970) * 100 + _MONTHS.astype(np.int64) % 12 + 1 - _FIRST_MONTH
_MONTH_STARTS, _MONTH_DAYS = np.zeros((2, _LAST_MONTH - _FIRST_MONTH + 1), dtype=np.int64)
_MONTH_STARTS[_CODES] = _MONTHS.astype("datetime64[s]").astype(np.int64)
_MONTH_DAYS[_CODES] = (_MONTHS + 1).astype("datetime64[D]") - _MONTHS.astype("datetime64[D]")


def read_times(cells: Cells, time_zone: str) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """The Unix seconds of each cell, 0 if it is empty, and which cells cannot be read.

    Times without an offset are in `time_zone` (IANA), and a date alone means its midnight there. A time that the clock
    skips is shifted past the gap. A time that it shows twice is the earlier. Raises UnreadablePart for an unknown zone.
    """
    local = load_zone(time_zone)
    times, unreadable = _read(cells, local)
    # Longer cells are in no group, but may be a time with much space around it.
    padded = np.flatnonzero(cells.lengths > LONGEST_GROUPED)
    if padded.size:
        stripped = Cells.of(cell.strip(" \t\u00a0'\"") for cell in cells[padded].texts())
        times[padded], unreadable[padded] = _read(stripped, local)
    return times, unreadable


def _read(cells: Cells, local: Zone) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    times = np.zeros(len(cells), dtype=np.uint32)
    unreadable = cells.lengths > 0
    for group in cells.by_shape():
        shape = _SHAPE.fullmatch(group.shape)
        if shape and not (shape["year"] or shape["year_"]):
            unreadable[group.rows] = False
        elif shape:
            seconds, is_valid = _seconds(group, shape, local)
            times[group.rows] = np.where(is_valid, seconds, 0)
            unreadable[group.rows] = ~is_valid
    return times, unreadable


def _seconds(group: ShapeGroup, shape: re.Match[bytes], local: Zone) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The Unix seconds of cells of one shape, and which of them are valid times between 1970 and 2106."""

    def number(name: str) -> NDArray[np.int64]:
        return group.number(*shape.span(name))

    iso = shape["year"] is not None
    year, month, day = (number(name if iso else f"{name}_") for name in ("year", "month", "day"))
    # Read without a sign, a month before the first one is after the last one.
    months = np.minimum((year * 100 + month - _FIRST_MONTH).view(np.uint64), np.uint64(_LAST_MONTH - _FIRST_MONTH))
    is_valid = (day > 0) & (day <= _MONTH_DAYS[months])
    hour, minute, second = number("hour"), number("minute"), number("second")
    is_valid &= (hour < 24) & (minute < 60) & (second < 60)
    written = _MONTH_STARTS[months] + (day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    if shape["sign"]:
        offset_hour, offset_minute = number("offset_hour"), number("offset_minute")
        is_valid &= (offset_hour < 24) & (offset_minute < 60)
        offset = offset_hour * 3600 + offset_minute * 60
        written += offset if shape["sign"] == b"-" else -offset
    elif not shape["utc"]:
        written -= local.at(written)
    return written, is_valid & (written > 0) & (written <= _LATEST)
