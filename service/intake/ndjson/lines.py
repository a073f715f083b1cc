"""Reads newline-delimited JSON into tables: by polars, or line by line if a chunk has anything unusual."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from service.intake.cells import Cells
from service.intake.columns.choice import ColumnRules, IgnoredColumn, ReadColumn
from service.intake.decoding import valid_utf8
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.names.meaning import NameMeaning
from service.intake.names.roles import Role
from service.intake.ndjson.members import Members
from service.intake.ndjson.objects import Member, cell_of, read_cells, spellings_of
from service.intake.table import (
    LONGEST_LINE,
    MisfitKind,
    Misfits,
    Table,
    check_unfinished_line,
    line_too_long,
    without_end_mark,
)

SAMPLE_BYTES = 64 * 1024
"""The dialect is settled by this much text, and at least one line."""

# Polars would read 3.36e10 as an integer, but a number that lost its digits must not look whole again. Nested values it
# writes in its own way, and a text with half of a surrogate pair it loses.
_UNUSUAL = re.compile(rb":\s*(?:-?[0-9]+[.eE]|[\[{])|\\u[dD][89a-fA-F]")

_Members = dict[Role, list[Member]]
_Cells = tuple[dict[Role, Cells], dict[int, MisfitKind]]
"""The cells of the roles, and the rows of which none is read."""


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
        self.ends_open = False

    @property
    def dialect(self) -> Dialect | None:
        """The dialect, which the first lines of the first part settle."""
        return self._members.dialect if self._members else self._settled

    @property
    def read_columns(self) -> list[ReadColumn]:
        """The members that are read so far."""
        read = self._members.read if self._members else {}
        return [
            ReadColumn(role, member.name, None)
            for role, members in read.items()
            if role in self._rules.roles
            for member in members
        ]

    @property
    def ignored_columns(self) -> list[IgnoredColumn]:
        """The members seen so far that look relevant and are not read."""
        return self._members.ignored() if self._members else []

    @property
    def meaning(self) -> NameMeaning:
        """What the names of the members that are read so far say."""
        return self._members.meaning if self._members else NameMeaning()

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
        self.ends_open = bool(self._pending) and not self._pending.endswith(b"\n")
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
            read = {role: of_role for role, of_role in members.read.items() if role in self._rules.roles}
            spellings = spellings_of([member.name for of_role in read.values() for member in of_role], text)
            cells, kinds = _read_by_polars(text, read, spellings, len(filled)) or _read_by_line(
                [lines[at] for at in filled], read, spellings
            )
            misfits = Misfits.of_kinds(kinds, Cells.of(lines[filled[row]].decode() for row in kinds)) if kinds else None
            yield Table(np.array(filled, dtype=np.int64) + self._line, cells, misfits)
        self._line += len(lines)

    def _settle(self, text: bytes, first: bytes) -> Members:
        sample = [*filter(bytes.strip, text[: SAMPLE_BYTES + 1].split(b"\n")[:-1])] or [first]
        return Members(sample, self._settled, self._rules)


def _read_by_polars(text: bytes, read: _Members, spellings: Mapping[str, Sequence[bytes]], lines: int) -> _Cells | None:
    """The columns that polars reads; None if the chunk has anything that polars might read differently."""
    if _UNUSUAL.search(text):
        return None
    try:
        frame = pl.read_ndjson(text, schema=dict.fromkeys(spellings, pl.String))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if frame.height != lines:
        return None
    for name, of_name in spellings.items():
        # Counting is faster than searching, and mostly each member is there once in each line, or left out.
        filled = lines - frame[name].null_count()
        if sum(map(text.count, of_name)) != filled and _may_repeat(text, of_name):
            return None
    return {role: _column(frame, role, members) for role, members in read.items()}, {}


def _column(frame: pl.DataFrame, role: Role, members: Sequence[Member]) -> Cells:
    texts = [frame[member.name].fill_null("") for member in members]
    if len(texts) == 1:
        return Cells.of_series(texts[0])
    return Cells.of(cell_of(role, members, of_line) for of_line in zip(*texts, strict=True))


def _may_repeat(text: bytes, spellings: Iterable[bytes]) -> bool:
    """Whether a line may have a member twice."""
    name = re.compile(rb"(?:%b)[ \t]*:" % b"|".join(map(re.escape, spellings)))
    places = np.fromiter((found.start() for found in name.finditer(text)), dtype=np.int64)
    line_ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))
    return bool((np.diff(np.searchsorted(line_ends, places)) == 0).any())


def _read_by_line(lines: Sequence[bytes], read: _Members, spellings: Mapping[str, Sequence[bytes]]) -> _Cells:
    """The columns of these lines. A line that is not an object, or has a member twice, has empty cells."""
    rows = [read_cells(line, read, spellings) for line in lines]
    misfits = {at: row for at, row in enumerate(rows) if isinstance(row, MisfitKind)}
    nothing = [""] * len(read)
    columns = zip(*(nothing if isinstance(row, MisfitKind) else row for row in rows), strict=True)
    return {role: Cells.of(column) for role, column in zip(read, columns, strict=True)}, misfits
