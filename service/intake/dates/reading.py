"""Converts a column of consent times from text to Unix seconds, or refuses it.

The shapes of cells are parsed, and the rest is arithmetic (`instants`). `forms` has the forms that are read without a
statement, `stated` those that a caller states, and `order` what a column shows about the order of day and month.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.core.missing import is_missing_time
from service.intake.cells import LONGEST_GROUPED, Cells, ShapeGroup
from service.intake.dates.forms import Calendar, DateOrder, Form
from service.intake.dates.instants import read_instants
from service.intake.dates.leftovers import count_leftover_days
from service.intake.dates.order import OrderCounts, Orders, Separators
from service.intake.dates.plain_cells import not_ascii, plain_cells, plain_letters
from service.intake.dates.stated import NUMERIC_ORDERS, DateFormat, date_format
from service.intake.dates.zones import NO_ZONE, UTC_ZONE, Zone, fixed_zone, load_zone

_Flags = NDArray[np.bool_]
_Places = NDArray[np.int64]
_FEWEST_OF_A_SHAPE = 16
_DIGIT = re.compile(r"[0-9]")


class TimeReader:
    """Reads a column of consent times, chunk by chunk.

    Times without an offset are in `time_zone` (IANA), and a date alone means its midnight there. A time that the clock
    skips is shifted past the gap. A time that it shows twice is the earlier. `stated` is the format that the caller
    states (see `stated`). Raises UnreadablePart for an unknown zone or format.
    """

    def __init__(self, time_zone: str, stated: str | None = None) -> None:
        local, self._format = load_zone(time_zone), date_format(stated)
        self._orders = Orders(self._format.order or DateOrder.DAY_FIRST, stated=stated is not None)
        self._as_stated = _Reading(self._format, local, self._orders)
        self._typed = _Reading(date_format(None), local, Orders(DateOrder.DAY_FIRST, stated=True))
        self._cells_before = 0

    def take_offset(self, offset: int | None) -> None:
        """Read times without an offset with this one, in seconds east of UTC, whatever the time zone.

        If the offset is None, because what was stated is unclear, such times are not read: `read` raises
        UnreadablePart.
        """
        zone = NO_ZONE if offset is None else fixed_zone(offset)
        self._as_stated = replace(self._as_stated, local=zone)
        self._typed = replace(self._typed, local=zone)

    @property
    def order_counts(self) -> OrderCounts:
        """How many lines show which order of day and month."""
        return self._orders.counts

    @property
    def separators(self) -> Separators:
        """The signs between day and month, by whether a line shows their order."""
        return self._orders.separators

    @property
    def takes_integers(self) -> bool:
        """Whether an integer can be meant as a time: only if its format is stated."""
        return not self._format.reads_every_form

    def read(self, cells: Cells, typed: _Flags | None = None) -> tuple[NDArray[np.uint32], _Flags]:
        """The Unix seconds of each cell, 0 if it is empty or says that it is, and which cells cannot be read.

        Cells that are `typed` were written here in ISO 8601, from values with a type, so no statement is about them.
        Raises UnreadablePart if the column is certainly in another order of day and month.
        """
        places = np.arange(self._cells_before, self._cells_before + len(cells))
        self._cells_before += len(cells)
        if typed is None or not typed.any():
            times, unreadable = self._read_text(cells, places)
        else:
            times, unreadable = np.zeros(len(cells), dtype=np.uint32), np.zeros(len(cells), dtype=np.bool_)
            for rows, read in ((typed, self._typed.read), (~typed, self._read_text)):
                at = np.flatnonzero(rows)
                times[at], unreadable[at] = read(cells[at], places[at])
        if unreadable.any():
            unread = np.flatnonzero(unreadable)
            texts, of_text = cells[unread].distinct()
            unreadable[unread] = ~np.array([is_missing_time(text) for text in texts])[of_text]
        if typed is None and self._orders.may_be_converted:
            self._count_leftovers(cells[np.flatnonzero(unreadable)])
        if typed is not None:
            self._count_leftovers(cells[np.flatnonzero(unreadable & ~typed)])
        self._orders.add_readable(int(np.count_nonzero(times)))
        if not self._typed.orders.has_dates:
            self._orders.check(final=False)
        return times, unreadable

    def finish(self) -> None:
        """Raise UnreadablePart if the column as a whole is in another order of day and month than it was read in."""
        self._orders.check_converted(self._typed.orders)
        self._orders.check_converted_texts()
        self._orders.check(final=True)

    def _count_leftovers(self, unreadable: Cells) -> None:
        """Count days among texts that cannot be read, in a column that may have cells with a type."""
        texts, places = unreadable.distinct()
        counts = np.bincount(places, minlength=len(texts)).tolist()
        self._orders.add_leftovers(count_leftover_days(zip(texts, counts, strict=True), self._as_stated.has_form))

    def _read_text(self, cells: Cells, places: _Places) -> tuple[NDArray[np.uint32], _Flags]:
        # Longer cells are in no group, but may be a time with much space around it.
        is_padded = cells.lengths > LONGEST_GROUPED
        if not is_padded.any():
            return self._as_stated.read(cells, places)
        times, unreadable = np.zeros(len(cells), dtype=np.uint32), np.zeros(len(cells), dtype=np.bool_)
        others, padded = np.flatnonzero(~is_padded), np.flatnonzero(is_padded)
        stripped = Cells.of(plain_letters(cell).strip(" '\"") for cell in cells[padded].texts())
        for rows, part in ((others, cells[others]), (padded, stripped)):
            times[rows], unreadable[rows] = self._as_stated.read(part, places[rows])
        return times, unreadable


def share_of_times(texts: Sequence[str], stated: str | None = None) -> float:
    """The share of texts that are times in a stated format, or in a form that is read without; 0 if there are none.

    Dates with the month first count too: a column of them is a column of times, although it may not be read.
    """
    if not texts:
        return 0.0
    wanted, cells = date_format(stated), Cells.of(texts)
    formats = [date_format(order) for order in NUMERIC_ORDERS] if wanted.reads_every_form else [wanted]
    unread = np.ones(len(texts), dtype=np.bool_)
    for date_form in formats:
        reading = _Reading(date_form, UTC_ZONE, Orders(DateOrder.DAY_FIRST, stated=True))
        times, unreadable = reading.read(cells, np.arange(len(cells)))
        unread &= unreadable | (times == 0)
    return 1 - float(np.count_nonzero(unread)) / len(texts)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads cells by a format, in a zone, and counts what they show of the order of day and month."""

    wanted: DateFormat
    local: Zone
    orders: Orders

    def read(self, cells: Cells, places: _Places, *, is_plain: bool = False) -> tuple[NDArray[np.uint32], _Flags]:
        """The Unix seconds of each cell, 0 if it is empty or cannot be read, and which cannot be read.

        `places` are those of the cells in their column.
        """
        if not is_plain and not cells.text.isascii() and not_ascii(cells).any():
            return self._read_by_characters(cells, places)
        times = np.zeros(len(cells), dtype=np.uint32)
        unreadable = cells.lengths > 0
        alone = unreadable & (cells.lengths <= LONGEST_GROUPED)
        for group in cells.by_shape(_FEWEST_OF_A_SHAPE):
            times[group.rows], unreadable[group.rows] = self._read_group(group, places)
            alone[group.rows] = False
        rows = np.flatnonzero(alone)
        # Most cells of a shape that few have are no times. To find that out by the text is faster than by arrays.
        rows = rows[[self._form(_DIGIT.sub("0", text).encode()) is not None for text in cells.texts_of(rows)]]
        for group in cells[rows].by_shape():
            times[rows[group.rows]], unreadable[rows[group.rows]] = self._read_group(group, places[rows])
        return times, unreadable

    def has_form(self, shape: bytes) -> bool:
        """Whether cells of this shape, in ASCII, are in a form that is read."""
        return self.wanted.form(shape) is not None

    def _form(self, shape: bytes) -> Form | None:
        return self.wanted.form(shape) if shape.isascii() else None

    def _read_group(self, group: ShapeGroup, places: _Places) -> tuple[NDArray[np.uint32], _Flags]:
        """The Unix seconds of cells of one shape, and which cannot be read. One stands for all that are alike."""
        form = self._form(group.shape)
        if form is None or form.calendar is Calendar.UNKNOWN:
            return np.zeros(1, dtype=np.uint32), np.full(1, form is None)
        found = read_instants(group, form, self.local)
        if found.exchanged is not None and form.order is not None:
            self.orders.add(form, found.is_valid, *found.exchanged, places[group.rows])
        return np.where(found.is_valid, found.seconds, 0).astype(np.uint32), ~found.is_valid

    def _read_by_characters(self, cells: Cells, places: _Places) -> tuple[NDArray[np.uint32], _Flags]:
        """Read the cells of ASCII, then the others with plain characters."""
        times = np.zeros(len(cells), dtype=np.uint32)
        unreadable = cells.lengths > 0
        others = not_ascii(cells)
        ascii_rows, other_rows = np.flatnonzero(~others), np.flatnonzero(others)
        for rows, part in ((ascii_rows, cells[ascii_rows]), (other_rows, plain_cells(cells[other_rows]))):
            times[rows], unreadable[rows] = self.read(part, places[rows], is_plain=True)
        return times, unreadable
