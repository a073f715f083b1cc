"""Finds the records of delimited text and their fields (RFC 4180, and what real files make of it).

A record is one line, or several lines if a quoted field contains newlines. Malformed quoting (an unclosed quote, text
after a closing quote) affects one line only: the line is split at its delimiters as if quotes had no meaning. A quoted
record has at most 100 lines and 1 MiB, so that an unclosed quote does not swallow the file.

Two functions give the same records: `whole_records` uses numpy on well-formed text, `each_record` reads any text record
by record.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from service.intake.table import LONGEST_LINE, line_too_long

MOST_LINES_OF_A_RECORD = 100
# A chunk that consists of newlines has millions of them, and their positions take more memory than the text.
_MOST_LINES_AT_ONCE = 500_000
_NEWLINE, _QUOTE = ord("\n"), ord('"')

# The csv module would refuse fields above 128 KiB; lines are bounded already.
csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True)
class WholeRecords:
    """Complete, well-formed records at the beginning of a text.

    `size` and `lines` are their length in bytes and lines. `starts` gives the line (from 0) on which each record
    begins. `begins` and `ends` are the places of its first byte and of its newline. `quotes` are the places of all
    quotes; none if they have no meaning.
    """

    size: int
    lines: int
    starts: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    quotes: NDArray[np.int64]

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Which records are blank lines."""
        blank: NDArray[np.bool_] = self.begins == self.ends
        return blank


@dataclass(frozen=True)
class Record:
    """A record: the line on which it begins (from 0), its fields, its place in the text, and where the next begins."""

    line: int
    fields: list[str]
    begin: int
    end: int
    next_line: int


def whole_records(text: bytes, delimiter: str) -> WholeRecords | None:
    """The complete records of a text that begins with a record; None if their quoting is malformed.

    Raises UnreadablePart for a line that is too long.
    """
    signs = np.frombuffer(text, dtype=np.uint8)
    newlines = np.flatnonzero(signs == _NEWLINE)
    if len(newlines) > _MOST_LINES_AT_ONCE:
        newlines = newlines[:_MOST_LINES_AT_ONCE]
        text, signs = text[: newlines[-1] + 1], signs[: newlines[-1] + 1]
    _check_lengths(newlines, len(text))
    ends = np.arange(len(newlines))
    quotes = _meaningful_quotes(text, signs, delimiter)
    if quotes.size:
        ends = np.flatnonzero(np.searchsorted(quotes, newlines) % 2 == 0)
        size = int(newlines[ends[-1]]) + 1 if ends.size else 0
        inside = quotes[: np.searchsorted(quotes, size)]
        if not _well_formed(text, inside, delimiter) or _too_large(newlines, ends, len(text)):
            return None
    if not ends.size:
        return WholeRecords(0, 0, ends, ends, ends, quotes)
    starts = np.concatenate(([0], ends[:-1] + 1))
    begins = np.concatenate(([0], newlines[ends[:-1]] + 1))
    return WholeRecords(int(newlines[ends[-1]]) + 1, int(ends[-1]) + 1, starts, begins, newlines[ends], quotes)


def _meaningful_quotes(text: bytes, signs: NDArray[np.uint8], delimiter: str) -> NDArray[np.int64]:
    """The positions of all quotes; none if no quote begins a field, because then they are text, as in `5" pipe`."""
    if b'"' not in text:
        return np.empty(0, dtype=np.int64)
    quotes = np.flatnonzero(signs == _QUOTE)
    before = signs[quotes - 1]
    opens = (before == _NEWLINE) | (before == ord(delimiter)) | (quotes == 0)
    return quotes if opens.any() else quotes[:0]


def _check_lengths(newlines: NDArray[np.int64], size: int) -> None:
    edges = np.concatenate(([-1], newlines, [size]))
    if int(np.diff(edges).max()) - 1 > LONGEST_LINE:
        raise line_too_long()


def _well_formed(text: bytes, quotes: NDArray[np.int64], delimiter: str) -> bool:
    """Whether every opening quote begins a field and every closing quote ends it, or belongs to a doubled pair."""
    padded = np.frombuffer(b"\n" + text + b"\n", dtype=np.uint8)
    edge = np.zeros(256, dtype=np.bool_)
    edge[[_NEWLINE, _QUOTE, ord(delimiter)]] = True
    # If a closing quote is followed directly by an opening quote, the two are a doubled pair inside a field.
    opening, closing = quotes[0::2], quotes[1::2]
    return bool(edge[padded[opening]].all() and edge[padded[closing + 2]].all())


def _too_large(newlines: NDArray[np.int64], ends: NDArray[np.int64], size: int) -> bool:
    lines = np.diff(np.concatenate(([-1], ends)))
    sizes = np.diff(np.concatenate(([0], newlines[ends] + 1)))
    if ends.size and (int(lines.max()) > MOST_LINES_OF_A_RECORD or int(sizes.max()) > LONGEST_LINE):
        return True
    waiting = int(newlines[ends[-1]]) + 1 if ends.size else 0
    lines_waiting = len(newlines) - (int(ends[-1]) + 1 if ends.size else 0)
    return size - waiting > LONGEST_LINE or lines_waiting > MOST_LINES_OF_A_RECORD


def each_record(text: bytes, delimiter: str, *, final: bool) -> Iterator[Record]:
    """The records of a text that begins with a record. A blank line is a record without fields.

    Unless the text is `final`, stops before a record that may continue. Raises UnreadablePart for a line that is too
    long.
    """
    newlines = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _NEWLINE)
    _check_lengths(newlines, len(text))
    line, start = 0, 0
    while line < len(newlines):
        end = int(newlines[line]) + 1
        fields: list[str] | None
        if text.find(b'"', start, end) < 0:
            fields, taken = text[start : end - 1].decode().split(delimiter), 1
        else:
            fields, taken = _quoted(text, start, delimiter)
            if fields is None:
                whole_window = len(text) - start > LONGEST_LINE or len(newlines) - line > MOST_LINES_OF_A_RECORD
                if not (final or whole_window):
                    return
                fields, taken = text[start : end - 1].decode().split(delimiter), 1
            end = int(newlines[line + taken - 1]) + 1
        yield Record(line, fields if end - start > 1 else [], start, end, line + taken)
        line, start = line + taken, end


def _quoted(text: bytes, start: int, delimiter: str) -> tuple[list[str] | None, int]:
    """The fields of the record that begins here and the number of its lines; None if its quoting is malformed."""
    found = _record(delimiter).match(text, start, start + LONGEST_LINE)
    if not found or (lines := text.count(b"\n", start, found.end())) > MOST_LINES_OF_A_RECORD:
        return None, 1
    rows = csv.reader([text[start : found.end() - 1].decode()], delimiter=delimiter, strict=True)
    try:
        return next(rows), lines
    except csv.Error:
        # The csv module treats a quote inside an unquoted field as a quote, the pattern treats it as text.
        return None, 1


@cache
def _record(delimiter: str) -> re.Pattern[bytes]:
    between = re.escape(delimiter.encode())
    # With possessive repetition a record that does not match is refused at once, without trying shorter fields.
    field = rb'(?:"(?:[^"]++|"")*+"|(?!")[^' + between + rb"\n]*+)"
    return re.compile(field + rb"(?:" + between + field + rb")*+\n")
