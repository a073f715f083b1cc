"""Reads Parquet into tables. Parquet is read from its end, so the part is spooled to a file without a name."""

import tempfile
import weakref
from collections.abc import Iterator

import numpy as np
import polars as pl

from service.intake.cells import Cells
from service.intake.dialect import ColumnChoice, Dialect, Role, choose_columns, columns_seen, phone_column_unclear
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.table import TABLE_ROWS, Table


class ParquetLines:
    """Spools the bytes of a part, and reads it in slices when it is complete. Lines are rows, counted from 1."""

    def __init__(self, dialect: Dialect | None, choice: ColumnChoice, roles: frozenset[Role]) -> None:
        self.dialect = dialect
        self.header: list[str] = []
        self._choice = choice
        self._roles = roles
        # The file contains numbers in clear. It has no name, so nothing is left of it however the process ends.
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - it lives from the first feed to the finish
        weakref.finalize(self, self._spool.close)

    def feed(self, data: bytes) -> Iterator[Table]:
        """Keep the bytes. All tables are given by `finish`."""
        self._spool.write(data)
        yield from ()

    def finish(self) -> Iterator[Table]:
        """All tables. Raises UnreadablePart if the part is not a Parquet file or lacks a settled column."""
        with self._spool:
            self._spool.flush()
            try:
                yield from self._tables(f"/dev/fd/{self._spool.fileno()}")
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
                raise UnreadablePart(
                    "not_parquet",
                    "The part is not a readable Parquet file. Check that it is complete, and its Content-Type.",
                ) from None

    def _tables(self, path: str) -> Iterator[Table]:
        schema = pl.read_parquet_schema(path)
        if self.dialect is None:
            self.header = list(schema)
            self.dialect = _settle(self.header, self._choice)
        names = {role: str(name) for role, name in self.dialect.columns.items() if role in self._roles}
        if not set(names.values()) <= set(schema):
            raise UnreadablePart(
                "columns_differ", f"The part lacks a column of the first part. Add it.{columns_seen(list(schema))}"
            )
        file = pl.scan_parquet(path)
        rows = file.select(pl.len()).collect().item()
        texts = [_as_text(name, schema[name]) for name in sorted(set(names.values()))]
        for start in range(0, rows, TABLE_ROWS):
            frame = file.slice(start, TABLE_ROWS).select(texts).collect()
            line = np.arange(start + 1, start + 1 + frame.height, dtype=np.int64)
            yield Table(line, {role: Cells.of_series(frame[name]) for role, name in names.items()})


# Longer than any accepted cell, so that a truncated cell is rejected like the whole one.
_LONGEST_CELL = 300


def _settle(names: list[str], choice: ColumnChoice) -> Dialect:
    found = choose_columns(names, choice)
    if Role.PHONE not in found and len(names) > 1:
        raise phone_column_unclear(f"No column has a name for phone numbers.{columns_seen(names)}")
    return Dialect(Format.PARQUET, {role: names[at] for role, at in ({Role.PHONE: 0} | found).items()})


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """A column as text. A float keeps its decimal point, so that it is rejected later even if it is integral.

    A tool that stored the numbers as floats took them for quantities. The plus and leading zeros are lost, and in
    single precision the last digits too. The same file as CSV would also be rejected.
    """
    column = pl.col(name)
    if kind.is_nested():
        raise UnreadablePart(
            "unsupported_column_type",
            f"A column has a nested type. Store it as text, whole numbers or times.{columns_seen([name])}",
        )
    if isinstance(kind, pl.Datetime):
        utc = column.dt.convert_time_zone("UTC") if kind.time_zone else column
        column = utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ" if kind.time_zone else "%Y-%m-%dT%H:%M:%S")
    # A long value shared by thousands of rows takes little room in the file, but would take much memory here.
    return column.cast(pl.String, strict=False).str.head(_LONGEST_CELL).fill_null("").alias(name)
