"""Reads a sheet of an Excel workbook into tables. Its rows become lines of text, which `delimited.lines` reads."""

import csv
import io
import re
from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import Final
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from service.core.signs import plain
from service.intake.cells import Cells
from service.intake.columns.choice import ColumnRules, IgnoredColumn, ReadColumn
from service.intake.decoding import Encoding, Expansion
from service.intake.delimited.lines import CsvLines
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.names.meaning import NameMeaning
from service.intake.names.roles import Role, is_name
from service.intake.other_formats import head_of, refuse_other_format
from service.intake.table import Table
from service.intake.xlsx.merged_cells import Beneath, MergedCells, merged_across
from service.intake.xlsx.office_xml import NotAPackage
from service.intake.xlsx.sheet_rows import Row
from service.intake.xlsx.spreadsheet_numbers import TypedTime
from service.intake.xlsx.workbook import NotCalculated, Sheet, Workbook

_DELIMITER: Final = "\t"
# What would end a cell or a line.
_BREAKS: Final = re.compile(r"[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
# A workbook of a million rows with a few columns takes some 50 MiB.
_MOST_BYTES: Final = 1 << 30
_SAMPLE_ROWS: Final = 200
_TEXT_AT_ONCE: Final = 1 << 20
# More than a sheet has columns.
_COLUMN_BITS: Final = 16


class XlsxLines:
    """Spools the bytes of a part, and reads one sheet of it when it is complete. Lines are rows, counted from 1."""

    def __init__(
        self,
        dialect: Dialect | None,
        rules: ColumnRules,
        sheet: str | None,
        expansion: Expansion,
        folder: str | None,
        chunk_bytes: int,
    ) -> None:
        self._lines = CsvLines(dialect, Encoding.UTF_8, rules, chunk_bytes, _DELIMITER)
        self._writer = _RowWriter()
        self._sheet = sheet
        self._expansion = expansion
        # The file contains numbers in clear. It has no name, so nothing is left of it however the process ends.
        self._spool = TemporaryFile(dir=folder)  # noqa: SIM115 - it lives from the first feed to the finish
        finalize(self, self._spool.close)
        self._spooled = 0
        self._merged = MergedCells(array("i"))

    @property
    def dialect(self) -> Dialect | None:
        """The dialect, which is settled by the first rows."""
        settled = self._lines.dialect
        return settled and replace(settled, format=Format.XLSX, encoding=None)

    @property
    def read_columns(self) -> list[ReadColumn]:
        """The columns that are read."""
        return self._lines.read_columns

    @property
    def ignored_columns(self) -> list[IgnoredColumn]:
        """The columns that look relevant and are not read."""
        return self._lines.ignored_columns

    @property
    def meaning(self) -> NameMeaning:
        """What the names of the columns that are read say."""
        return self._lines.meaning

    @property
    def has_calling_codes(self) -> bool:
        """Whether digits in the country column are calling codes."""
        return self._lines.has_calling_codes

    @property
    def hidden_rows(self) -> int:
        """How many rows so far are hidden, by a filter or by hand. They are read like the others."""
        return self._writer.hidden_rows

    @property
    def has_header(self) -> bool | None:
        """Whether the sheet begins with a header; None before that is known."""
        return self._lines.has_header

    def feed(self, data: bytes) -> Iterator[Table]:
        """Keep the bytes. All tables are given by `finish`."""
        self._spooled += len(data)
        if self._spooled > _MOST_BYTES:
            raise UnreadablePart(
                "large_file",
                f"A workbook may have {_MOST_BYTES >> 30} GiB. Send the numbers in several parts, or as CSV.",
            )
        self._spool.write(data)
        yield from ()

    def finish(self) -> Iterator[Table]:
        """All tables. Raises UnreadablePart if the part is no workbook, or if it is unclear which sheet to read."""
        with self._spool:
            self._spool.flush()
            refuse_other_format(head_of(self._spool), Format.XLSX)
            try:
                workbook = Workbook(self._spool, self._expansion)
                settled = self._lines.dialect
                fewest = (settled.width if settled else None) or 0
                sheet = _choose(workbook, self._sheet)
                self._merged = workbook.merged_cells(sheet)
                for text in self._writer.lines_of(workbook.rows(sheet, self._merged), fewest):
                    yield from map(self._with_types, self._lines.feed(text))
            except NotAPackage as problem:
                raise UnreadablePart(
                    "not_a_workbook",
                    f"The part is not a readable Excel workbook (.xlsx): {problem}. If it is a workbook, save it "
                    "again, or send the sheet as CSV.",
                ) from None
        yield from map(self._with_types, self._lines.finish())

    def _with_types(self, table: Table) -> Table:
        """The table with what its text does not say of the cells. Raises UnreadablePart for one without a result."""
        last_row = int(table.line[-1])
        places = {column.role: column.position - 1 for column in self.read_columns if column.position is not None}
        not_calculated = self._writer.not_calculated.take(last_row, [*places.values()])
        if not_calculated.size:
            raise UnreadablePart(
                "formula_not_calculated",
                f"Row {int(not_calculated[0])} has a formula without a result, because the program that wrote the "
                "workbook does not calculate. Open it in a spreadsheet program, save it and send it again.",
            )
        self._refuse_merged(table, places)
        typed = self._writer.typed.take_by_column(last_row)
        table = _without_days(table, typed.get(places[Role.PHONE]))
        times = typed.get(places.get(Role.CONSENTED_AT, -1), ())
        return replace(table, typed_times=np.isin(table.line, times))

    def _refuse_merged(self, table: Table, places: dict[Role, int]) -> None:
        """Raise UnreadablePart if a merged cell covers another cell that is read, or a text that is not shown.

        Where it covers that of the number, the line is rejected by itself. Titles of sections are often so.
        """
        beneath = self._writer.beneath.take(int(table.line[-1]), [*places.values()])
        unclear = np.isin(table.line, beneath)
        if len(self._merged):
            across = {role: self._merged.across(table.line, at + 1) for role, at in places.items()}
            has_number = ~across.pop(Role.PHONE)
            for of_role in across.values():
                unclear |= of_role & has_number
        if unclear.any():
            raise merged_across(int(table.line[unclear][0]))


def _choose(workbook: Workbook, chosen: str | None) -> Sheet:
    """The sheet that the caller chose by name or position; without a choice the only visible one with content."""
    if chosen is not None:
        exact = [sheet for sheet in workbook.sheets if sheet.name == chosen]
        named = exact or [sheet for sheet in workbook.sheets if _plain(sheet.name) == _plain(chosen)]
        if not named and re.fullmatch(r"[0-9]{1,4}", chosen) and 1 <= int(chosen) <= len(workbook.sheets):
            named = [workbook.sheets[int(chosen) - 1]]
        if len(named) != 1 or not named[0].part:
            raise UnreadablePart("sheet_not_found", f"The workbook has no such sheet.{_seen(workbook.sheets)}")
        return named[0]
    shown = [sheet for sheet in workbook.sheets if sheet.visible and sheet.part]
    filled = [sheet for sheet in shown if any(row.cells for row in workbook.rows(sheet))]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        raise UnreadablePart(
            "empty_part",
            f"No visible sheet of the workbook has a row. Set sheet= to read another.{_seen(workbook.sheets)}",
        )
    raise UnreadablePart(
        "sheet_unclear",
        f"Several sheets of the workbook have rows. Set sheet= to a name or a 1-based position.{_seen(filled)}",
    )


def _plain(name: str) -> str:
    """The name of a sheet as it is compared: no workbook has two that differ in capitals alone."""
    return " ".join(plain(name).casefold().split())


def _seen(sheets: list[Sheet]) -> str:
    names = [sheet.name for sheet in sheets if sheet.part and is_name(sheet.name)]
    return f" Sheets seen: {', '.join(names)}." if names else ""


class _RowWriter:
    """Writes rows as text, one on each line, so that the number of a line is that of its row.

    `typed`, `not_calculated` and `beneath` are the places of cells that the text does not tell apart, until they are
    taken.
    """

    def __init__(self) -> None:
        self.typed, self.not_calculated, self.beneath = _Places(), _Places(), _Places()
        self.hidden_rows = 0

    def lines_of(self, rows: Iterator[Row], fewest: int) -> Iterator[bytes]:
        """The lines. Each has at least `fewest` fields, and as many as the widest of the first rows."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=_DELIMITER, lineterminator="\n")
        line = 1
        # Empty cells at the end of a row are left out of the file. All others say in which column they are.
        first = list(islice(rows, _SAMPLE_ROWS))
        width = max([fewest, *(len(row.cells) for row in first)])
        for number, cells, is_hidden in chain(first, rows):
            text.write("\n" * (number - line))
            line = number + 1
            if cells:
                self.hidden_rows += is_hidden
                self.typed.add(number, cells, TypedTime)
                self.not_calculated.add(number, cells, NotCalculated)
                self.beneath.add(number, cells, Beneath)
                writer.writerow([_in_line(cell) for cell in cells] + [""] * (width - len(cells)))
            else:
                text.write("\n")
            if text.tell() >= _TEXT_AT_ONCE:
                yield text.getvalue().encode(errors="replace")
                text.seek(0)
                text.truncate()
        yield text.getvalue().encode(errors="replace")


def _without_days(table: Table, rows: NDArray[np.int64] | None) -> Table:
    """The table with a mark on cells in these rows of the numbers: a day by its type is none, whatever its digits."""
    days = np.flatnonzero(np.isin(table.line, rows)) if rows is not None else np.empty(0, dtype=np.intp)
    if not days.size:
        return table
    texts = table.cells[Role.PHONE].texts()
    for row in days.tolist():
        texts[row] += " (date)"
    return replace(table, cells={**table.cells, Role.PHONE: Cells.of(texts)})


class _Places:
    """Places in a sheet, by row and column, each in eight bytes."""

    def __init__(self) -> None:
        self._codes = array("q")

    def add(self, row: int, cells: list[str], kind: type[str]) -> None:
        """Note the cells of this kind."""
        self._codes.extend([row << _COLUMN_BITS | at for at, cell in enumerate(cells) if type(cell) is kind])

    def take_by_column(self, last_row: int) -> dict[int, NDArray[np.int64]]:
        """The rows up to this one that are noted in each column. They are not kept any longer."""
        codes = np.array(self._codes, dtype=np.int64)
        rows, columns = codes >> _COLUMN_BITS, codes & (1 << _COLUMN_BITS) - 1
        self._codes = array("q", codes[rows > last_row].tobytes())
        return {int(column): rows[(rows <= last_row) & (columns == column)] for column in np.unique(columns)}

    def take(self, last_row: int, columns: list[int]) -> NDArray[np.int64]:
        """The rows up to this one that are noted in one of the columns. They are not kept any longer."""
        codes = np.array(self._codes, dtype=np.int64)
        rows = codes >> _COLUMN_BITS
        self._codes = array("q", codes[rows > last_row].tobytes())
        return rows[(rows <= last_row) & np.isin(codes & (1 << _COLUMN_BITS) - 1, columns)]


def _in_line(cell: str) -> str:
    return cell if cell.isprintable() else _BREAKS.sub(" ", cell)
