"""Reads a sheet of an Excel workbook into tables. Its rows become lines of text, which `csv_lines` reads."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Final
from weakref import finalize

from service.intake.column_choice import ColumnRules, IgnoredColumn, ReadColumn
from service.intake.column_names import is_name
from service.intake.csv_lines import CsvLines
from service.intake.decoding import Encoding, Expansion
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.office_xml import NotAPackage
from service.intake.table import Table
from service.intake.workbook import Row, Sheet, Workbook

_DELIMITER: Final = "\t"
# What would end a cell or a line.
_BREAKS: Final = re.compile(r"[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
# A workbook of a million rows with a few columns takes some 50 MiB.
_MOST_BYTES: Final = 1 << 30
_TEXT_AT_ONCE: Final = 1 << 20


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
        self._sheet = sheet
        self._expansion = expansion
        # The file contains numbers in clear. It has no name, so nothing is left of it however the process ends.
        self._spool = TemporaryFile(dir=folder)  # noqa: SIM115 - it lives from the first feed to the finish
        finalize(self, self._spool.close)
        self._spooled = 0

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
    def has_calling_codes(self) -> bool:
        """Whether digits in the country column are calling codes."""
        return self._lines.has_calling_codes

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
            try:
                workbook = Workbook(self._spool, self._expansion)
                for text in _lines_of(workbook.rows(_choose(workbook, self._sheet))):
                    yield from self._lines.feed(text)
            except NotAPackage as problem:
                raise UnreadablePart(
                    "not_a_workbook",
                    f"The part is not a readable Excel workbook (.xlsx): {problem}. Save it again, or send the sheet "
                    "as CSV.",
                ) from None
        yield from self._lines.finish()


def _choose(workbook: Workbook, chosen: str | None) -> Sheet:
    """The sheet that the caller chose by name or position; without a choice the only visible one with content."""
    if chosen is not None:
        named = [sheet for sheet in workbook.sheets if sheet.name == chosen]
        if not named and re.fullmatch(r"[0-9]{1,4}", chosen) and 1 <= int(chosen) <= len(workbook.sheets):
            named = [workbook.sheets[int(chosen) - 1]]
        if len(named) != 1:
            raise UnreadablePart("sheet_not_found", f"The workbook has no such sheet.{_seen(workbook.sheets)}")
        return named[0]
    filled = [sheet for sheet in workbook.sheets if sheet.visible and any(row.cells for row in workbook.rows(sheet))]
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


def _seen(sheets: list[Sheet]) -> str:
    names = [sheet.name for sheet in sheets if is_name(sheet.name)]
    return f" Sheets seen: {', '.join(names)}." if names else ""


def _lines_of(rows: Iterator[Row]) -> Iterator[bytes]:
    """The rows as text, one on each line, so that the number of a line is that of its row."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=_DELIMITER, lineterminator="\n")
    line, width = 1, 0
    for number, cells in rows:
        text.write("\n" * (number - line))
        line = number + 1
        # Cells at the end of a row are left out of the file where they are empty.
        width = width or len(cells)
        if cells:
            writer.writerow([_in_line(cell) for cell in cells] + [""] * (width - len(cells)))
        else:
            text.write("\n")
        if text.tell() >= _TEXT_AT_ONCE:
            yield text.getvalue().encode(errors="replace")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode(errors="replace")


def _in_line(cell: str) -> str:
    return cell if cell.isprintable() else _BREAKS.sub(" ", cell)
