"""Reads delimited text into tables: by arrays if it is regular, by polars if well-formed, else record by record."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import polars as pl

from service.intake.cells import Cells
from service.intake.csv_layout import NO_DELIMITER, SAMPLE_BYTES, begins_with_header, settle_dialect
from service.intake.decoding import Encoding, valid_utf8
from service.intake.dialect import ColumnChoice, Dialect, Role
from service.intake.records import WholeRecords, each_record, whole_records
from service.intake.regular import regular_columns
from service.intake.table import PIECE_BYTES, Table, check_unfinished_line

# Python objects take far more memory than their text.
_RECORDS_PER_BATCH = 50_000


class CsvLines:
    """Reads UTF-8 text with plain newlines. `dialect` is None until the first lines have settled it."""

    def __init__(
        self,
        dialect: Dialect | None,
        encoding: Encoding,
        choice: ColumnChoice,
        roles: frozenset[Role],
        chunk_bytes: int,
    ) -> None:
        self.dialect = dialect
        self.header: list[str] = []
        self._encoding = encoding
        self._choice = choice
        self._roles = roles
        self._chunk_bytes = chunk_bytes
        self._pending = bytearray()
        self._enough = max(chunk_bytes, SAMPLE_BYTES)
        self._line = 1
        self._layout: Dialect | None = None
        self._header_is_next = False

    def feed(self, text: bytes) -> Iterator[Table]:
        """The tables of the complete records, as soon as there is enough text for a chunk."""
        self._pending += text
        if len(self._pending) >= self._enough:
            yield from self._read(final=False)
            self._enough = len(self._pending) + self._chunk_bytes

    def finish(self) -> Iterator[Table]:
        """The tables of the last records."""
        if self._pending and not self._pending.endswith(b"\n"):
            self._pending += b"\n"
        yield from self._read(final=True)

    def _read(self, *, final: bool) -> Iterator[Table]:
        if self._layout is None:
            self._skip_blank_lines()
            if len(self._pending) < SAMPLE_BYTES and not final:
                return
        size = self._pending.rfind(b"\n") + 1
        text, rest = valid_utf8(bytes(memoryview(self._pending)[:size])), self._pending[size:]
        check_unfinished_line(rest)
        if not (text or final):
            return
        layout = self._layout = self._layout or self._begin(text)
        at = 0
        while at < len(text):
            table, taken, lines = self._table(text, at, layout, final=final)
            if not taken:
                break
            if table is not None and len(table.line):
                yield self._without_header(table)
            self._line += lines
            at += taken
        self._pending = bytearray(text[at:]) + rest

    def _skip_blank_lines(self) -> None:
        blank = len(self._pending) - len(self._pending.lstrip(b"\n"))
        del self._pending[:blank]
        self._line += blank

    def _begin(self, text: bytes) -> Dialect:
        sample = (text[: text.rfind(b"\n", 0, SAMPLE_BYTES) + 1] or text[: text.find(b"\n") + 1]).decode()
        if self.dialect is None:
            self.dialect, self._header_is_next, self.header = settle_dialect(sample, self._encoding, self._choice)
        else:
            self._header_is_next = begins_with_header(sample, self.dialect)
        return self.dialect

    def _without_header(self, table: Table) -> Table:
        if not self._header_is_next:
            return table
        self._header_is_next = False
        return Table(table.line[1:], {role: cells[1:] for role, cells in table.cells.items()})

    def _table(self, text: bytes, start: int, layout: Dialect, *, final: bool) -> tuple[Table | None, int, int]:
        """The first records from `start` on, and how many bytes and lines they take."""
        delimiter, positions = layout.delimiter or NO_DELIMITER, self._positions(layout)
        piece = text[start : text.rfind(b"\n", start, start + PIECE_BYTES) + 1]
        columns = regular_columns(piece, delimiter, positions.values())
        if columns:
            lines = len(columns[0])
            line = np.arange(self._line, self._line + lines)
            return Table(line, dict(zip(positions, columns, strict=True))), len(piece), lines
        text = text[start:]
        whole = whole_records(text, delimiter)
        if whole is None or (final and not whole.size):
            return self._read_by_record(text, layout, final=final)
        if not whole.size:
            return None, 0, 0
        table = self._read_by_polars(text[: whole.size], whole, layout)
        if table is None:
            return self._read_by_record(text[: whole.size], layout, final=True)
        return table, whole.size, whole.lines

    def _read_by_polars(self, text: bytes, whole: WholeRecords, layout: Dialect) -> Table | None:
        """The table that polars reads; None if polars finds other records."""
        positions = self._positions(layout)
        names = [f"column_{at}" for at in range(max(positions.values()) + 1)]
        try:
            frame = pl.read_csv(
                text,
                has_header=False,
                separator=layout.delimiter or NO_DELIMITER,
                quote_char='"' if whole.quoted else None,
                schema=dict.fromkeys(names, pl.String),
                columns=[names[at] for at in sorted(set(positions.values()))],
                truncate_ragged_lines=True,
                extra_columns="ignore",
                missing_columns="insert",
            )
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return None
        if frame.height != len(whole.starts):
            return None
        line = whole.starts + self._line
        if whole.blank.any():
            frame, line = frame.filter(~whole.blank), line[~whole.blank]
        return Table(line, {role: Cells.of_series(frame[names[at]].fill_null("")) for role, at in positions.items()})

    def _read_by_record(self, text: bytes, layout: Dialect, *, final: bool) -> tuple[Table | None, int, int]:
        records = each_record(text, layout.delimiter or NO_DELIMITER, final=final)
        batch = list(islice(records, _RECORDS_PER_BATCH))
        if not batch:
            return None, 0, 0
        filled = [record for record in batch if record.fields]
        line = np.array([record.line for record in filled], dtype=np.int64) + self._line
        cells = {
            role: Cells.of(record.fields[at] if at < len(record.fields) else "" for record in filled)
            for role, at in self._positions(layout).items()
        }
        return Table(line, cells), batch[-1].end, batch[-1].next_line

    def _positions(self, layout: Dialect) -> dict[Role, int]:
        return {role: int(at) for role, at in layout.columns.items() if role in self._roles}
