"""Finds quoted cells that run over lines of the list, as where somebody wrote a ditto mark (`"`) in two cells.

By RFC 4180 such lines are one record, with the number of the first and the time of the last. What people do quote over
several lines, as notes and addresses, has no line in it that looks like one of the list.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.intake.columns.looks import may_be_a_time, may_be_number
from service.intake.dates.plain_cells import plain_letters
from service.intake.dates.stated import date_format

_NEWLINE = ord("\n")
_AROUND = " '\""
_DIGIT = re.compile("[0-9]")


class LineLooks(NamedTuple):
    """What a line of the list looks like: its delimiter, its fields, and the places (from 0) of number and time."""

    delimiter: str
    width: int
    phone: int
    consented_at: int | None = None
    date_format: str | None = None


class _Span(NamedTuple):
    """The lines that a quoted cell runs over, and how many delimiters stand before it and behind it on these."""

    lines: list[list[str]]
    before: int
    behind: int
    has_delimiter_at_edge: bool


def may_run_over_lines(
    text: bytes, begins: NDArray[np.int64], ends: NDArray[np.int64], delimiters: NDArray[np.int64], width: int
) -> NDArray[np.intp]:
    """The records of a text that have line ends inside, and as many delimiters between these as a line of the list."""
    newlines = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _NEWLINE)
    first, last = np.searchsorted(newlines, begins), np.searchsorted(newlines, ends)
    if width < 2 or not (last > first).any():
        return np.empty(0, dtype=np.intp)
    fits = np.diff(np.searchsorted(delimiters, newlines), prepend=0) >= width - 1
    before = np.concatenate(([0], np.cumsum(fits)))
    has_inner = before[last] > before[np.minimum(first + 1, last)]
    return np.flatnonzero((last > first) & (has_inner | (fits[first] & fits[last])))


def runs_over_lines(record: str, looks: LineLooks) -> bool:
    """Whether a quoted cell of a record (without its line end) runs over lines that look like lines of the list."""
    return "\n" in record and looks.width > 1 and any(_has_lines(span, looks) for span in _spans(record, looks))


def _has_lines(span: _Span, looks: LineLooks) -> bool:
    first, *inner, last = span.lines
    if any(len(line) >= looks.width and _looks_so(line, looks, 0, looks.width) for line in inner):
        return True
    if min(len(first), len(last)) < looks.width:
        return False
    # Of the lines at its edges, only what is quoted shows that it should not be.
    return (
        span.has_delimiter_at_edge
        or _looks_so(first, looks, span.before, len(first))
        or _looks_so(last, looks, 0, len(last) - span.behind)
    )


def _looks_so(line: list[str], looks: LineLooks, start: int, end: int) -> bool:
    """Whether a line has a number or a time in its place, if that is one of these."""
    if start <= looks.phone < end and may_be_number(line[looks.phone].strip(_AROUND)):
        return True
    at = looks.consented_at
    return at is not None and start <= at < end and _has_form_of_time(line[at].strip(_AROUND), looks.date_format)


def _has_form_of_time(cell: str, stated: str | None) -> bool:
    """Whether a cell is written as times are. Whether there is that time need not be known, which takes longer."""
    if not may_be_a_time(cell):
        return False
    shape = _DIGIT.sub("0", plain_letters(cell))
    return shape.isascii() and date_format(stated).form(shape.encode()) is not None


def _spans(record: str, looks: LineLooks) -> Iterator[_Span]:
    """The quoted cells of a record that have line ends."""
    at = 0
    while at <= len(record) and (field := _field(looks.delimiter).match(record, at)):
        start, end = field.span()
        if "\n" in field[0]:
            begin = record.rfind("\n", 0, start) + 1
            stop = record.find("\n", end)
            stop = len(record) if stop < 0 else stop
            content = field[0][1:-1]
            yield _Span(
                [line.split(looks.delimiter) for line in record[begin:stop].split("\n")],
                record.count(looks.delimiter, begin, start),
                record.count(looks.delimiter, end, stop),
                content.startswith(looks.delimiter) or content.endswith(looks.delimiter),
            )
        at = end + 1


@cache
def _field(delimiter: str) -> re.Pattern[str]:
    return re.compile(rf'"(?:[^"]++|"")*+"|(?!")[^{re.escape(delimiter)}\n]*+')
