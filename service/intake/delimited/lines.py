"""Reads delimited text into tables: by arrays if it is regular, by polars if well-formed, else record by record."""

import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
import polars as pl

from service.intake.cells import Cells
from service.intake.columns.choice import (
    ColumnRules,
    IgnoredColumn,
    ReadColumn,
    column_at,
    ignored_columns,
)
from service.intake.columns.zones import other_zones
from service.intake.decoding import Encoding, valid_utf8
from service.intake.delimited.header import later_layout
from service.intake.delimited.layout import NO_DELIMITER, SAMPLE_BYTES, Layout, settle_layout
from service.intake.delimited.misfits import misfits_of_records, misfits_of_text
from service.intake.delimited.quoted_lines import LineLooks
from service.intake.delimited.records import WholeRecords, each_record, whole_records
from service.intake.delimited.regular import regular_columns
from service.intake.delimited.second_header import Header, SecondHeader
from service.intake.dialect import Dialect
from service.intake.names.meaning import NameMeaning
from service.intake.names.roles import Role
from service.intake.table import PIECE_BYTES, Table, check_unfinished_line, without_end_mark

# Python objects take far more memory than their text.
_RECORDS_PER_BATCH = 50_000
# The first line that Excel reads the delimiter from, and writes for itself.
_STATED_DELIMITER = re.compile(rb'"?sep=([;,|\t])"?;*\n', re.IGNORECASE)


class CsvLines:
    """Reads UTF-8 text with plain newlines.

    `dialect` is None until the first lines have settled it, and the delimiter is found unless it is known.
    """

    def __init__(
        self,
        dialect: Dialect | None,
        encoding: Encoding,
        rules: ColumnRules,
        chunk_bytes: int,
        delimiter: str | None = None,
    ) -> None:
        self.dialect = dialect
        self._encoding = encoding
        self._rules = rules
        self._chunk_bytes = chunk_bytes
        self._pending = bytearray()
        self._enough = max(chunk_bytes, SAMPLE_BYTES)
        self._line = 1
        self.ends_open = False
        self.ignored_columns: list[IgnoredColumn] = []
        self._layout: Layout | None = None
        self._delimiter = dialect.delimiter if dialect else delimiter
        self._header_is_next = False
        self._second_header: SecondHeader | None = None

    @property
    def read_columns(self) -> list[ReadColumn]:
        """The columns of this part that are read."""
        if self._layout is None or self.dialect is None:
            return []
        positions, names = self._positions(self._layout), self.dialect.names | self._layout.names
        return [ReadColumn(role, names.get(role), at + 1) for role, at in positions.items()]

    @property
    def has_calling_codes(self) -> bool:
        """Whether digits in the country column of this part are calling codes."""
        if self._layout is None or Role.COUNTRY not in self._layout.columns:
            return False
        cells = column_at(self._layout.sample, self._layout.columns[Role.COUNTRY]).cells
        return self.meaning.has_calling_codes or self._rules.countries.are_calling_codes(cells)

    @property
    def meaning(self) -> NameMeaning:
        """What the names of the columns that are read say: those of this part, or without a header of the first."""
        settled = self.dialect.meaning if self.dialect else NameMeaning()
        return (self._layout and self._layout.meaning) or settled

    @property
    def has_header(self) -> bool | None:
        """Whether the part begins with a header; None before that is known."""
        return self._layout.has_header if self._layout else None

    def feed(self, text: bytes) -> Iterator[Table]:
        """The tables of the complete records, as soon as there is enough text for a chunk."""
        self._pending += text
        if len(self._pending) >= self._enough:
            yield from self._read(final=False)
            self._enough = len(self._pending) + self._chunk_bytes

    def finish(self) -> Iterator[Table]:
        """The tables of the last records."""
        self._pending = bytearray(without_end_mark(self._pending))
        self.ends_open = bool(self._pending) and not self._pending.endswith(b"\n")
        if self._pending and not self._pending.endswith(b"\n"):
            self._pending += b"\n"
        yield from self._read(final=True)

    def _read(self, *, final: bool) -> Iterator[Table]:
        if self._layout is None:
            self._skip_blank_lines()
            self._skip_stated_delimiter()
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
                table = self._without_header(table)
                if self._second_header is not None:
                    self._second_header.refuse(table, memoryview(text)[at : at + taken], self._line)
                if len(table.line):
                    yield table
            self._line += lines
            at += taken
        self._pending = bytearray(text[at:]) + rest

    def _skip_blank_lines(self) -> None:
        blank = len(self._pending) - len(self._pending.lstrip(b"\n"))
        del self._pending[:blank]
        self._line += blank

    def _skip_stated_delimiter(self) -> None:
        stated = _STATED_DELIMITER.match(self._pending)
        if stated:
            self._delimiter = self._delimiter or stated[1].decode()
            del self._pending[: stated.end()]
            self._line += 1

    def _begin(self, text: bytes) -> Layout:
        sample = (text[: text.rfind(b"\n", 0, SAMPLE_BYTES) + 1] or text[: text.find(b"\n") + 1]).decode()
        if self.dialect is None:
            self.dialect, layout = settle_layout(sample, self._encoding, self._rules, self._delimiter)
            self._delimiter = self.dialect.delimiter
        else:
            layout = later_layout(sample, self.dialect, self._rules)
        read = self._positions(layout).values()
        zones = other_zones(layout.sample, read, self._rules)
        self.ignored_columns = ignored_columns(layout.sample, read, self._rules, zones)
        self._header_is_next = layout.has_header
        if len(layout.sample) > 1:
            names = [column.name for column in layout.sample] if layout.has_header else ()
            header = Header(names, self.dialect.header or ())
            self._second_header = SecondHeader(
                self._positions(layout), header, self._delimiter or NO_DELIMITER, self._rules.roles
            )
        return layout

    def _without_header(self, table: Table) -> Table:
        if not self._header_is_next:
            return table
        self._header_is_next = False
        return table.without_first()

    def _table(self, text: bytes, start: int, layout: Layout, *, final: bool) -> tuple[Table | None, int, int]:
        """The first records from `start` on, and how many bytes and lines they take."""
        delimiter, positions = self._delimiter or NO_DELIMITER, self._positions(layout)
        piece = text[start : text.rfind(b"\n", start, start + PIECE_BYTES) + 1]
        columns = regular_columns(piece, delimiter, positions.values(), layout.width, layout.filled)
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

    def _read_by_polars(self, text: bytes, whole: WholeRecords, layout: Layout) -> Table | None:
        """The table that polars reads; None if polars finds other records."""
        positions, delimiter = self._positions(layout), self._delimiter or NO_DELIMITER
        names = [f"column_{at}" for at in range(max(positions.values()) + 1)]
        try:
            frame = pl.read_csv(
                text,
                has_header=False,
                separator=delimiter,
                quote_char='"' if whole.quotes.size else None,
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
        cells = {role: Cells.of_series(frame[names[at]].fill_null("")) for role, at in positions.items()}
        return Table(line, cells, misfits_of_text(text, whole, self._line_looks(layout), layout.filled))

    def _read_by_record(self, text: bytes, layout: Layout, *, final: bool) -> tuple[Table | None, int, int]:
        records = each_record(text, self._delimiter or NO_DELIMITER, final=final)
        batch = list(islice(records, _RECORDS_PER_BATCH))
        if not batch:
            return None, 0, 0
        filled = [record for record in batch if record.fields]
        line = np.array([record.line for record in filled], dtype=np.int64) + self._line
        cells = {
            role: Cells.of(record.fields[at] if at < len(record.fields) else "" for record in filled)
            for role, at in self._positions(layout).items()
        }
        table = Table(line, cells, misfits_of_records(text, filled, self._line_looks(layout), layout.filled))
        return table, batch[-1].end, batch[-1].next_line

    def _line_looks(self, layout: Layout) -> LineLooks:
        positions = self._positions(layout)
        return LineLooks(
            self._delimiter or NO_DELIMITER,
            layout.width,
            positions[Role.PHONE],
            positions.get(Role.CONSENTED_AT),
            self._rules.date_format,
        )

    def _positions(self, layout: Layout) -> dict[Role, int]:
        return {role: at for role, at in layout.columns.items() if role in self._rules.roles}
