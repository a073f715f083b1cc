"""Finds records that have fewer or more fields than the other lines of their part, or several of these lines in a cell.

A stray delimiter or a missing cell shifts all cells behind it. Which cell of such a record is the telephone number is
not known, so no cell of it is read.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.delimited.layout import EMPTY_SIGNS, fits, is_filled
from service.intake.delimited.quoted_lines import LineLooks, may_run_over_lines, runs_over_lines
from service.intake.delimited.records import Record, WholeRecords
from service.intake.table import MisfitKind, Misfits

_NEWLINE = ord("\n")


def misfits_of_records(text: bytes, records: Sequence[Record], looks: LineLooks, filled: int) -> Misfits | None:
    """The misfits among these records of a text; None if there is none."""
    width = looks.width
    over_lines = {
        row
        for row, record in enumerate(records)
        if record.next_line > record.line + 1 and runs_over_lines(text[record.begin : record.end - 1].decode(), looks)
    }
    rows = [row for row, record in enumerate(records) if row in over_lines or not fits(record.fields, width, filled)]
    if not rows:
        return None
    found = [records[row] for row in rows]
    begins = np.array([record.begin for record in found], dtype=np.int64)
    ends = np.array([record.end - 1 for record in found], dtype=np.int64)
    counts = [
        (0, 0) if row in over_lines else _field_counts(record.fields, width, filled)
        for row, record in zip(rows, found, strict=True)
    ]
    fields, usual_fields = np.array(counts, dtype=np.int64).T
    return _misfits(np.array(rows, dtype=np.intp), fields, usual_fields, Cells(text, begins, ends - begins))


def _misfits(
    rows: NDArray[np.intp], fields: NDArray[np.int64], usual_fields: NDArray[np.int64], text: Cells
) -> Misfits:
    """These misfits. Those whose fields were not counted have a quoted cell that runs over lines of the list."""
    misfits = Misfits(rows, fields, usual_fields, text)
    if usual_fields.all():
        return misfits
    kinds = np.where(usual_fields == 0, MisfitKind.QUOTED_LINES, misfits.kinds).astype(np.uint8)
    return replace(misfits, other_kinds=kinds)


def _field_counts(fields: Sequence[str], width: int, filled: int) -> tuple[int, int]:
    """How many fields a misfit has, and how many it should have."""
    if len(fields) != width:
        return len(fields), width
    return max(at for at, field in enumerate(fields, start=1) if is_filled(field)), filled


def misfits_of_text(text: bytes, whole: WholeRecords, looks: LineLooks, filled: int) -> Misfits | None:
    """The misfits among the whole records of a text that are not blank; None if there is none."""
    delimiter, width = looks.delimiter, looks.width
    kept = np.flatnonzero(~whole.blank)
    begins, ends = whole.begins[kept], whole.ends[kept]
    delimiters = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord(delimiter))
    over_lines: list[int] = []
    if whole.quotes.size:
        suspects = may_run_over_lines(text, begins, ends, delimiters, width).tolist()
        over_lines = [row for row in suspects if runs_over_lines(text[begins[row] : ends[row]].decode(), looks)]
        delimiters = delimiters[np.searchsorted(whole.quotes, delimiters) % 2 == 0]
    if filled == width and not over_lines and _is_even(delimiters, begins, ends, width):
        return None
    first = np.searchsorted(delimiters, begins)
    fields = np.searchsorted(delimiters, ends) - first + 1
    usual_fields = np.full(len(fields), width)
    wide = np.flatnonzero(fields == width) if filled < width else np.empty(0, dtype=np.intp)
    if wide.size:
        last = np.searchsorted(delimiters, _last_content(text, delimiter)[ends[wide]]) - first[wide] + 1
        wide, last = wide[last > filled], last[last > filled]
        fields[wide], usual_fields[wide] = last, filled
    is_misfit = fields != usual_fields
    is_misfit[over_lines], fields[over_lines], usual_fields[over_lines] = True, 0, 0
    rows = np.flatnonzero(is_misfit)
    if not rows.size:
        return None
    return _misfits(rows, fields[rows], usual_fields[rows], Cells(text, begins[rows], ends[rows] - begins[rows]))


def _is_even(delimiters: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64], width: int) -> bool:
    """Whether each record has `width` fields. This is found much faster than how many each one has."""
    if len(delimiters) != len(begins) * (width - 1):
        return False
    if width == 1:
        return True
    of_record = delimiters.reshape(len(begins), width - 1)
    return bool((of_record[:, 0] >= begins).all() and (of_record[:, -1] < ends).all())


def _last_content(text: bytes, delimiter: str) -> NDArray[np.int32]:
    """For each place, the last place up to it that has anything but signs of empty fields; -1 if there is none."""
    is_content = np.ones(256, dtype=np.bool_)
    is_content[[ord(delimiter), _NEWLINE, *EMPTY_SIGNS.encode()]] = False
    places = np.arange(len(text), dtype=np.int32)
    places[~is_content[np.frombuffer(text, dtype=np.uint8)]] = -1
    return np.maximum.accumulate(places, out=places)
