"""Reads newline-delimited JSON into tables: by polars, or line by line if a chunk has anything unusual."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import polars as pl

from service.intake.cells import Cells
from service.intake.decoding import valid_utf8
from service.intake.dialect import (
    MOST_COLUMNS,
    ColumnChoice,
    Dialect,
    Role,
    choose_columns,
    columns_seen,
    phone_column_unclear,
    require_names,
    too_many_columns,
)
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.table import LONGEST_LINE, Table, check_unfinished_line, line_too_long

SAMPLE_BYTES = 64 * 1024
"""The dialect is settled by this much text, and at least one line."""

# Polars would read 3.36e10 as an integer, but a number that lost its digits must not look whole again. Nested values it
# writes in its own way.
_UNUSUAL_VALUE = re.compile(rb":\s*(?:-?[0-9]+[.eE]|[\[{])")


class NdjsonLines:
    """Reads UTF-8 text with plain newlines. `dialect` is None until the first lines have settled it."""

    def __init__(self, dialect: Dialect | None, choice: ColumnChoice, roles: frozenset[Role], chunk_bytes: int) -> None:
        self.dialect = dialect
        self.header: list[str] = []
        self._choice = choice
        self._roles = roles
        self._chunk_bytes = chunk_bytes
        self._pending = bytearray()
        self._enough = max(chunk_bytes, SAMPLE_BYTES)
        self._line = 1

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
        yield from self._read(bytes(self._pending) + b"\n")
        if self.dialect is None:
            raise UnreadablePart("empty_part", "The part has no lines. Send its lines, or leave the part out.")

    def _read(self, text: bytes) -> Iterator[Table]:
        text = valid_utf8(text)
        lines = text.split(b"\n")[:-1]
        if any(len(line) > LONGEST_LINE for line in lines):
            raise line_too_long()
        filled = [at for at, line in enumerate(lines) if line.strip()]
        if filled:
            if self.dialect is None:
                sample = text[: SAMPLE_BYTES + 1].split(b"\n")[:-1]
                self.dialect, self.header = _settle([*filter(bytes.strip, sample)] or [lines[filled[0]]], self._choice)
            names = {role: str(name) for role, name in self.dialect.columns.items() if role in self._roles}
            cells = _read_by_polars(text, names, len(filled)) or _read_by_line([lines[at] for at in filled], names)
            yield Table(np.array(filled, dtype=np.int64) + self._line, cells)
        self._line += len(lines)


def _settle(sample: Sequence[bytes], choice: ColumnChoice) -> tuple[Dialect, list[str]]:
    names = list(dict.fromkeys(name for line in sample for name in _object(line) or ()))
    if not names:
        raise UnreadablePart(
            "not_ndjson", "No line is a JSON object. Send an object per line, or state the right format."
        )
    if len(names) > MOST_COLUMNS:
        raise too_many_columns()
    found = choose_columns(names, choice)
    if Role.PHONE not in found and len(names) > 1:
        raise phone_column_unclear(f"No member has a name for phone numbers.{columns_seen(names)}")
    columns = {role: names[at] for role, at in ({Role.PHONE: 0} | found).items()}
    return Dialect(Format.NDJSON, require_names(columns)), names


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
    objects = [_object(line) for line in lines]
    cells = {
        role: [_text(members.get(name)) if members is not None else "" for members in objects]
        for role, name in names.items()
    }
    for at, members in enumerate(objects):
        if members is None:
            cells[Role.PHONE][at] = lines[at].decode()
    return {role: Cells.of(column) for role, column in cells.items()}


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _text(value: object) -> str:
    """A member as the text of a cell. A number keeps its fraction, so that it is rejected."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
