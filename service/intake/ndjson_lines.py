"""Reads newline-delimited JSON into tables: by polars, or line by line if a chunk has anything unusual."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from service.intake.cells import Cells
from service.intake.column_choice import ColumnRules, IgnoredColumn, ReadColumn
from service.intake.column_names import Role
from service.intake.decoding import valid_utf8
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.ndjson_members import Members, as_text, read_object
from service.intake.table import LONGEST_LINE, Table, check_unfinished_line, line_too_long, without_end_mark

SAMPLE_BYTES = 64 * 1024
"""The dialect is settled by this much text, and at least one line."""

# Polars would read 3.36e10 as an integer, but a number that lost its digits must not look whole again. Nested values it
# writes in its own way.
_UNUSUAL_VALUE = re.compile(rb":\s*(?:-?[0-9]+[.eE]|[\[{])")


class NdjsonLines:
    """Reads UTF-8 text with plain newlines. `dialect` is None until the first lines have settled it."""

    def __init__(self, dialect: Dialect | None, rules: ColumnRules, chunk_bytes: int) -> None:
        self._settled = dialect
        self._members: Members | None = None
        self._rules = rules
        self._chunk_bytes = chunk_bytes
        self._pending = bytearray()
        self._enough = max(chunk_bytes, SAMPLE_BYTES)
        self._line = 1

    @property
    def dialect(self) -> Dialect | None:
        """The dialect, which the first lines of the first part settle."""
        return self._members.dialect if self._members else self._settled

    @property
    def read_columns(self) -> list[ReadColumn]:
        """The members that are read so far."""
        names = self._members.names if self._members else {}
        return [ReadColumn(role, name, None) for role, name in names.items() if role in self._rules.roles]

    @property
    def ignored_columns(self) -> list[IgnoredColumn]:
        """The members seen so far that look relevant and are not read."""
        return self._members.ignored() if self._members else []

    @property
    def has_calling_codes(self) -> bool:
        """Whether digits in the country member are calling codes."""
        return self._members is not None and self._members.has_calling_codes

    def feed(self, text: bytes) -> Iterator[Table]:
        """The tables of the complete lines, as soon as there is enough text for a chunk."""
        self._pending += text
        if len(self._pending) >= self._enough:
            size = self._pending.rfind(b"\n") + 1
            lines, self._pending = bytes(self._pending[:size]), self._pending[size:]
            check_unfinished_line(self._pending)
            yield from self._read(lines)
            self._enough = len(self._pending) + self._chunk_bytes

    def finish(self) -> Iterator[Table]:
        """The tables of the last lines."""
        yield from self._read(without_end_mark(self._pending) + b"\n")
        if self._members is not None:
            self._members.finish()
        elif self._settled is None:
            raise UnreadablePart("empty_part", "The part has no lines. Send its lines, or leave the part out.")

    def _read(self, text: bytes) -> Iterator[Table]:
        text = valid_utf8(text)
        lines = text.split(b"\n")[:-1]
        if any(len(line) > LONGEST_LINE for line in lines):
            raise line_too_long()
        filled = [at for at, line in enumerate(lines) if line.strip()]
        if filled:
            members = self._members = self._members or self._settle(text, lines[filled[0]])
            members.look(text, lines)
            names = {role: name for role, name in members.names.items() if role in self._rules.roles}
            cells = _read_by_polars(text, names, len(filled)) or _read_by_line([lines[at] for at in filled], names)
            yield Table(np.array(filled, dtype=np.int64) + self._line, cells)
        self._line += len(lines)

    def _settle(self, text: bytes, first: bytes) -> Members:
        sample = [*filter(bytes.strip, text[: SAMPLE_BYTES + 1].split(b"\n")[:-1])] or [first]
        return Members(sample, self._settled, self._rules)


def _read_by_polars(text: bytes, names: dict[Role, str], lines: int) -> dict[Role, Cells] | None:
    """The columns that polars reads; None if the chunk has anything that polars might read differently."""
    if _UNUSUAL_VALUE.search(text):
        return None
    try:
        frame = pl.read_ndjson(text, schema=dict.fromkeys(names.values(), pl.String))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if frame.height != lines:
        return None
    return {role: Cells.of_series(frame[name].fill_null("")) for role, name in names.items()}


def _read_by_line(lines: Sequence[bytes], names: dict[Role, str]) -> dict[Role, Cells]:
    """The columns of these lines. A line that is not an object takes the place of its number, to be rejected there."""
    objects = [read_object(line) for line in lines]
    cells = {
        role: [as_text(members.get(name)) if members is not None else "" for members in objects]
        for role, name in names.items()
    }
    for at, members in enumerate(objects):
        if members is None:
            cells[Role.PHONE][at] = lines[at].decode()
    return {role: Cells.of(column) for role, column in cells.items()}
