"""Reads Parquet into tables. Parquet is read from its end, so the part is spooled to a file without a name."""

import io
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.columns.choice import (
    MOST_COLUMNS,
    ColumnRules,
    IgnoredColumn,
    ReadColumn,
    SampleColumn,
    choose_columns,
    columns_seen,
    ignored_columns,
    later_columns,
    phone_column_unclear,
    require_names,
    too_many_columns,
)
from service.intake.columns.countries import check_country, countries_inside, holds_calling_codes, with_other_country
from service.intake.columns.looks import states_its_country
from service.intake.columns.phones import guess_phone_column
from service.intake.columns.zones import other_zones
from service.intake.decoding import Expansion
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.names.meaning import NameMeaning, meaning_of
from service.intake.names.roles import Role, is_certain, role_of, shown_name
from service.intake.other_formats import head_of, refuse_other_format
from service.intake.parquet.file import Column, NotParquet, ParquetFile
from service.intake.table import TABLE_ROWS, Table


class ParquetLines:
    """Spools the bytes of a part, and reads it in slices when it is complete. Lines are rows, counted from 1."""

    def __init__(
        self,
        dialect: Dialect | None,
        rules: ColumnRules,
        expansion: Expansion,
        folder: str | None,
        *,
        takes_integers: bool,
    ) -> None:
        self.dialect = dialect
        self.read_columns: list[ReadColumn] = []
        self.ignored_columns: list[IgnoredColumn] = []
        self.meaning = NameMeaning()
        self.has_calling_codes = False
        self._rules = rules
        self._expansion = expansion
        self._takes_integers = takes_integers
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
            refuse_other_format(head_of(self._spool), Format.PARQUET)
            try:
                yield from self._tables(ParquetFile(self._spool))
            except _UNREADABLE:
                raise UnreadablePart(
                    "not_parquet",
                    "The part is not a readable Parquet file. Check that it is complete, and its Content-Type.",
                ) from None

    def _tables(self, file: ParquetFile) -> Iterator[Table]:
        if len(file.names) > MOST_COLUMNS:
            raise too_many_columns()
        columns = self._sample(file)
        if self.dialect is None:
            names = _settle(_without_empty_rivals(columns, file), self._rules)
            self.dialect = Dialect(Format.PARQUET, require_names(names))
        else:
            names = _later(columns, self.dialect, self._rules)
        names = {role: name for role, name in names.items() if role in self._rules.roles}
        self.read_columns = [ReadColumn(role, name, None) for role, name in names.items()]
        self.meaning = meaning_of(names)
        read = [file.names.index(name) for name in names.values()]
        ignored = ignored_columns(columns, read, self._rules, other_zones(columns, read, self._rules))
        # These are names of columns, never cells.
        self.ignored_columns = [IgnoredColumn(column.shown, column.shown) for column in ignored]
        self.ignored_columns += _inner_columns(file, columns, names)
        if Role.COUNTRY in names:
            countries = columns[file.names.index(names[Role.COUNTRY])]
            self.has_calling_codes = holds_calling_codes(countries.name, countries.cells, self._rules)
        for name in names.values():
            if not file.is_flat(name):
                raise _nested(name)
        self._expansion.expand(sum(file.rows))
        row = 0
        for group, rows in enumerate(file.rows):
            read_columns = {name: file.column(group, name) for name in sorted(set(names.values()))}
            most_bytes = sum(column.most_bytes for column in read_columns.values())
            self._expansion.expand(most_bytes)
            at_once = min(TABLE_ROWS, rows * _BYTES_AT_ONCE // max(most_bytes, 1) + 1)
            for start in range(0, rows, at_once):
                values = {
                    name: _values(column.file, name, start, min(at_once, rows - start))
                    for name, column in read_columns.items()
                }
                line = np.arange(row + start + 1, row + min(start + at_once, rows) + 1, dtype=np.int64)
                yield self._table(file, line, {role: values[name] for role, name in names.items()})
            row += rows

    def _sample(self, file: ParquetFile) -> list[SampleColumn]:
        """The columns, with the first cells of each. Beyond some bytes of a wide file no more cells are looked at."""
        columns, left = [], _MOST_SAMPLED_BYTES
        group = next((group for group, rows in enumerate(file.rows) if rows), None)
        for name in file.names:
            cells: list[str] = []
            if group is not None and left > 0 and file.is_flat(name):
                try:
                    column = file.column(group, name)
                    left -= column.most_bytes
                    cells = _first_cells(column, name, file.rows[group]) if left > 0 else []
                except (*_UNREADABLE, UnreadablePart):
                    # It matters only if it is read.
                    left -= 1
            columns.append(SampleColumn(name, cells))
        return columns

    def _table(self, file: ParquetFile, line: NDArray[np.int64], values: dict[Role, pl.Series]) -> Table:
        times = values.pop(Role.CONSENTED_AT, None)
        cells = {role: _as_text(column) for role, column in values.items()}
        if times is None:
            return Table(line, cells)
        if times.null_count() == len(times):
            # A writer may give a column without values any type.
            return Table(line, cells | {Role.CONSENTED_AT: Cells.of([""] * len(line))})
        if times.dtype.is_numeric():
            cells[Role.CONSENTED_AT] = _numbers_as_text(times, takes_integers=self._takes_integers)
            return Table(line, cells)
        typed = np.full(len(line), times.dtype.is_temporal())
        if typed.any() and file.has_times_in_utc(times.name):
            times = times.dt.replace_time_zone("UTC")
        return Table(line, cells | {Role.CONSENTED_AT: _as_text(times)}, typed_times=typed)


def _inner_columns(
    file: ParquetFile, columns: Sequence[SampleColumn], names: Mapping[Role, str]
) -> list[IgnoredColumn]:
    """What is inside of nested columns, which are not read, and looks relevant.

    Raises UnreadablePart if it may be the countries of numbers without a country code.
    """
    relevant = [name for name in file.inner_names if _is_relevant_inside(name) and shown_name(name)]
    numbers = columns[file.names.index(names[Role.PHONE])].cells
    countries = [name for name in relevant if role_of(name.rpartition(".")[2]) is Role.COUNTRY]
    if countries and Role.COUNTRY not in names and not all(map(states_its_country, numbers)):
        raise countries_inside(countries[0])
    return [IgnoredColumn(name, name) for name in relevant]


def _is_relevant_inside(name: str) -> bool:
    """Whether the names of an inner column and of those around it, from any of them on, are that of a role."""
    inner = name.split(".")
    return any(role_of(" ".join(inner[start:])) for start in range(len(inner)))


# With what else is read from a file of this size, it fills the folder for temporary files.
_MOST_BYTES = 4 << 30
# The columns are chosen by as many cells as in text, as long as they take little memory.
_SAMPLE_ROWS = 200
_MOST_SAMPLED_BYTES = 64 << 20
_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, NotParquet)
_BYTES_AT_ONCE = 16 << 20
# Enough for a millisecond of a day.
_DECIMALS = 9
# As in scientific notation, so that the cell is rejected for that reason.
_LOST_DIGITS = "e0"
# Longer than any accepted cell, so that a truncated cell is rejected like the whole one.
_LONGEST_CELL = 300


def _first_cells(column: Column, name: str, rows: int) -> list[str]:
    first = _values(column.file, name, 0, min(_SAMPLE_ROWS, rows))
    return [*filter(str.strip, _as_text(first).texts())]


def _settle(columns: list[SampleColumn], rules: ColumnRules) -> dict[Role, str]:
    if not columns:
        raise NotParquet
    found = choose_columns(columns, rules)
    if Role.PHONE not in found:
        found[Role.PHONE] = guess_phone_column(columns, rules.is_telephone)
    phone = columns[found[Role.PHONE]]
    if rules.choice.phone is None and len(columns) > 1 and not (phone.cells or is_certain(phone.name)):
        raise phone_column_unclear(f"No column clearly has a name for phone numbers.{columns_seen(columns)}")
    found = check_country(columns, with_other_country(columns, found, rules), rules)
    return {role: columns[at].name for role, at in found.items()}


def _without_empty_rivals(columns: list[SampleColumn], file: ParquetFile) -> list[SampleColumn]:
    """The columns, without the names of those that are empty while another with a name for their role is filled."""
    empty = {column.name for column in columns if role_of(column.name) and file.is_empty(column.name)}
    filled = {role_of(column.name) for column in columns if column.name not in empty}
    return [SampleColumn() if column.name in empty and role_of(column.name) in filled else column for column in columns]


def _later(columns: list[SampleColumn], dialect: Dialect, rules: ColumnRules) -> dict[Role, str]:
    """The columns of a later part. Raises UnreadablePart if it lacks a settled one, or if the caller chose others."""
    places = {column.name: at for at, column in enumerate(columns)}
    if not set(dialect.columns.values()) <= places.keys():
        raise UnreadablePart(
            "columns_differ", f"The part lacks a column of the first part. Add it.{columns_seen(columns)}"
        )
    found = later_columns(columns, rules, {role: places[str(name)] for role, name in dialect.columns.items()})
    found = check_country(columns, with_other_country(columns, found, rules), rules)
    return {role: columns[at].name for role, at in found.items()}


def _values(file: bytes, name: str, start: int, rows: int) -> pl.Series:
    """Some rows of a column."""
    frame = pl.scan_parquet(io.BytesIO(file)).slice(start, rows).collect()
    if frame.height != rows or frame.columns != [name]:
        raise NotParquet
    return frame[name]


def _nested(name: str) -> UnreadablePart:
    return UnreadablePart(
        "unsupported_column_type",
        f"A column has a nested type. Store it as text, whole numbers or times.{columns_seen([SampleColumn(name)])}",
    )


def _as_text(values: pl.Series) -> Cells:
    """A column as text. A float keeps its decimal point, as it would in CSV.

    A tool that stored the numbers as floats took them for quantities, which have neither a plus nor leading zeros. So
    only a number with its country code can be read. Single precision has lost the last digits too, and is marked so.
    """
    kind = values.dtype
    if kind.is_nested():
        raise _nested(values.name)
    if isinstance(kind, pl.Datetime):
        utc = values.dt.convert_time_zone("UTC") if kind.time_zone else values
        values = utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ" if kind.time_zone else "%Y-%m-%dT%H:%M:%S")
    if kind == pl.Float32:
        values = values.cast(pl.String, strict=False) + _LOST_DIGITS
    # A long value shared by thousands of rows takes little room in the file, but would take much memory here.
    return Cells.of_series(values.cast(pl.String, strict=False).str.head(_LONGEST_CELL).fill_null(""))


def _marked(number: str) -> str:
    return number and number + _LOST_DIGITS


def _numbers_as_text(times: pl.Series, *, takes_integers: bool) -> Cells:
    """Times that are numbers as text. What they count, and from when, only a stated format can say."""
    if not takes_integers:
        raise UnreadablePart(
            "dates_are_numbers",
            "The column of the consent times contains numbers. State what they count by date_format=, such as "
            "epoch_seconds or epoch_milliseconds; or %Y%m%d where 20230326 is a day; or write times."
            f"{columns_seen([SampleColumn(times.name)])}",
        )
    if times.dtype == pl.Float32:
        # Single precision is minutes off.
        return Cells.of_series(times.cast(pl.String, strict=False).fill_null("").map_elements(_marked, pl.String))
    if times.dtype.is_float():
        # As a decimal, a whole number of many digits would be a little less than it is, and so a second too early.
        whole = times.cast(pl.Int64, strict=False)
        texts = times.cast(pl.Decimal(38, _DECIMALS), strict=False).cast(pl.String)
        return Cells.of_series(whole.cast(pl.String).zip_with(whole == times, texts).fill_null(""))
    return Cells.of_series(times.cast(pl.String).fill_null(""))
