"""Reads Parquet into tables. Parquet is read from its end, so the part is spooled to a file without a name."""

import io
import tempfile
import weakref
from collections.abc import Iterator

import numpy as np
import polars as pl

from service.intake.cells import Cells
from service.intake.decoding import Expansion
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
from service.intake.parquet_file import NotParquet, ParquetFile
from service.intake.table import TABLE_ROWS, Table


class ParquetLines:
    """Spools the bytes of a part, and reads it in slices when it is complete. Lines are rows, counted from 1."""

    def __init__(
        self,
        dialect: Dialect | None,
        choice: ColumnChoice,
        roles: frozenset[Role],
        expansion: Expansion,
        folder: str | None,
    ) -> None:
        self.dialect = dialect
        self.header: list[str] = []
        self._choice = choice
        self._roles = roles
        self._expansion = expansion
        # The file contains numbers in clear. It has no name, so nothing is left of it however the process ends.
        self._spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives from the first feed to the finish
        weakref.finalize(self, self._spool.close)
        self._spooled = 0

    def feed(self, data: bytes) -> Iterator[Table]:
        """Keep the bytes. All tables are given by `finish`."""
        self._spooled += len(data)
        if self._spooled > _MOST_BYTES:
            raise UnreadablePart(
                "large_file", f"A Parquet file may have {_MOST_BYTES >> 30} GiB. Send the numbers in several parts."
            )
        self._spool.write(data)
        yield from ()

    def finish(self) -> Iterator[Table]:
        """All tables. Raises UnreadablePart if the part is not a Parquet file or lacks a settled column."""
        with self._spool:
            self._spool.flush()
            try:
                yield from self._tables(ParquetFile(self._spool))
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, NotParquet):
                raise UnreadablePart(
                    "not_parquet",
                    "The part is not a readable Parquet file. Check that it is complete, and its Content-Type.",
                ) from None

    def _tables(self, file: ParquetFile) -> Iterator[Table]:
        if len(file.names) > MOST_COLUMNS:
            raise too_many_columns()
        if self.dialect is None:
            self.header = file.names
            self.dialect = _settle(self.header, self._choice)
        names = {role: str(name) for role, name in self.dialect.columns.items() if role in self._roles}
        if not set(names.values()) <= set(file.names):
            raise UnreadablePart(
                "columns_differ", f"The part lacks a column of the first part. Add it.{columns_seen(file.names)}"
            )
        for name in names.values():
            if not file.is_flat(name):
                raise _nested(name)
        self._expansion.expand(sum(file.rows))
        row = 0
        for group, rows in enumerate(file.rows):
            columns = {name: file.column(group, name) for name in sorted(set(names.values()))}
            most_bytes = sum(column.most_bytes for column in columns.values())
            self._expansion.expand(most_bytes)
            at_once = min(TABLE_ROWS, rows * _BYTES_AT_ONCE // max(most_bytes, 1) + 1)
            for start in range(0, rows, at_once):
                cells = {
                    name: _cells(column.file, name, start, min(at_once, rows - start))
                    for name, column in columns.items()
                }
                line = np.arange(row + start + 1, row + min(start + at_once, rows) + 1, dtype=np.int64)
                yield Table(line, {role: cells[name] for role, name in names.items()})
            row += rows


# With what else is read from a file of this size, it fills the folder for temporary files.
_MOST_BYTES = 4 << 30
_BYTES_AT_ONCE = 16 << 20
# Longer than any accepted cell, so that a truncated cell is rejected like the whole one.
_LONGEST_CELL = 300


def _settle(names: list[str], choice: ColumnChoice) -> Dialect:
    found = choose_columns(names, choice)
    if Role.PHONE not in found and len(names) > 1:
        raise phone_column_unclear(f"No column has a name for phone numbers.{columns_seen(names)}")
    if not names:
        raise NotParquet
    return Dialect(Format.PARQUET, require_names({role: names[at] for role, at in ({Role.PHONE: 0} | found).items()}))


def _cells(file: bytes, name: str, start: int, rows: int) -> Cells:
    """Some rows of a column."""
    frame = pl.scan_parquet(io.BytesIO(file)).slice(start, rows).collect()
    if frame.height != rows or frame.columns != [name]:
        raise NotParquet
    return Cells.of_series(frame.select(_as_text(name, frame.schema[name]))[name])


def _nested(name: str) -> UnreadablePart:
    return UnreadablePart(
        "unsupported_column_type",
        f"A column has a nested type. Store it as text, whole numbers or times.{columns_seen([name])}",
    )


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """A column as text. A float keeps its decimal point, so that it is rejected later even if it is integral.

    A tool that stored the numbers as floats took them for quantities. The plus and leading zeros are lost, and in
    single precision the last digits too. The same file as CSV would also be rejected.
    """
    column = pl.col(name)
    if kind.is_nested():
        raise _nested(name)
    if isinstance(kind, pl.Datetime):
        utc = column.dt.convert_time_zone("UTC") if kind.time_zone else column
        column = utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ" if kind.time_zone else "%Y-%m-%dT%H:%M:%S")
    # A long value shared by thousands of rows takes little room in the file, but would take much memory here.
    return column.cast(pl.String, strict=False).str.head(_LONGEST_CELL).fill_null("").alias(name)
