"""Parquet into tables. It is read from its end, so the part is spooled to a file that no directory names."""

import tempfile
import weakref
from collections.abc import Iterator

import numpy as np
import polars as pl

from service.intake.cells import Cells
from service.intake.dialect import ColumnChoice, Dialect, Role, ambiguous, choose_columns, seen
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.table import TABLE_ROWS, Table


class ParquetLines:
    """Spools what it is fed, and reads it slice by slice when the part is complete. Lines are rows, from 1."""

    def __init__(self, dialect: Dialect | None, choice: ColumnChoice, roles: frozenset[Role]) -> None:
        self.dialect = dialect
        self.header: list[str] = []
        self._choice = choice
        self._roles = roles
        # Numbers in clear: the file has no name, so that nothing is left of it when the process ends in any way.
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - it lives from the first feed to the finish
        weakref.finalize(self, self._spool.close)

    def feed(self, data: bytes) -> Iterator[Table]:
        """Keep the bytes. There are no tables before the end."""
        self._spool.write(data)
        yield from ()

    def finish(self) -> Iterator[Table]:
        """All tables. Raises UnreadablePart if the part is no Parquet file or lacks the settled columns."""
        with self._spool:
            self._spool.flush()
            try:
                yield from self._tables(f"/dev/fd/{self._spool.fileno()}")
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
                raise UnreadablePart(
                    "not_parquet",
                    "The part is no readable Parquet file. Check that it is whole, and its Content-Type.",
                ) from None

    def _tables(self, path: str) -> Iterator[Table]:
        schema = pl.read_parquet_schema(path)
        if self.dialect is None:
            self.header = list(schema)
            self.dialect = _settle(self.header, self._choice)
        names = {role: str(name) for role, name in self.dialect.columns.items() if role in self._roles}
        if not set(names.values()) <= set(schema):
            raise UnreadablePart(
                "columns_differ", f"The file lacks a column that the first part has.{seen(list(schema))}"
            )
        file = pl.scan_parquet(path)
        rows = file.select(pl.len()).collect().item()
        texts = [_as_text(name, schema[name]) for name in sorted(set(names.values()))]
        for start in range(0, rows, TABLE_ROWS):
            frame = file.slice(start, TABLE_ROWS).select(texts).collect()
            line = np.arange(start + 1, start + 1 + frame.height, dtype=np.int64)
            yield Table(line, {role: Cells.of_series(frame[name]) for role, name in names.items()})


# Longer than any cell that is taken, so that what is cut is refused as it would be whole.
_LONGEST_CELL = 300


def _settle(names: list[str], choice: ColumnChoice) -> Dialect:
    found = choose_columns(names, choice)
    if Role.PHONE not in found and len(names) > 1:
        raise ambiguous(f"No column has the name of a phone number.{seen(names)}")
    return Dialect(Format.PARQUET, {role: names[at] for role, at in ({Role.PHONE: 0} | found).items()})


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    """A column as text. A float keeps its decimal point, so that it is refused later even if it is integral.

    A column of floats has been through a tool that took the numbers for quantities: the plus and leading zeros
    are lost, and in single precision the last digits too. The same file as CSV would be refused likewise.
    """
    column = pl.col(name)
    if kind.is_nested():
        raise UnreadablePart("column_type", f"Columns must be text, whole numbers or times.{seen([name])}")
    if isinstance(kind, pl.Datetime):
        utc = column.dt.convert_time_zone("UTC") if kind.time_zone else column
        column = utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ" if kind.time_zone else "%Y-%m-%dT%H:%M:%S")
    # One long value that thousands of rows share takes little room in the file, and would take much here.
    return column.cast(pl.String, strict=False).str.head(_LONGEST_CELL).fill_null("").alias(name)
