"""An Excel workbook (XLSX, ECMA-376-1): its sheets, and the rows of one of them as text, in bounded memory.

The libraries that read workbooks keep a whole sheet in memory, or something of each of its rows.
"""

import posixpath
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final, NamedTuple

from service.intake.columns.choice import MOST_COLUMNS, too_many_columns
from service.intake.decoding import Expansion
from service.intake.xlsx.merged_cells import MergedCells, find_merged_cells
from service.intake.xlsx.office_xml import Handlers, NotAPackage, Package
from service.intake.xlsx.sheet_rows import MOST_ROWS, Row, column_of
from service.intake.xlsx.spreadsheet_numbers import CellFormat, TypedTime, cell_format

_LONGEST_CELL: Final = 32_767
# How a cell has a character that XML cannot contain, such as a carriage return (ST_Xstring, 22.9.2.19).
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_VALUES: Final = frozenset(["v", "t"])


class NotCalculated(str):
    """The text of a cell whose formula has no result, because the program that wrote it does not calculate."""

    __slots__ = ()


class Sheet(NamedTuple):
    """A tab: its name, whether it is shown to users, and the part of the package that contains its rows.

    A tab that has no rows, such as a chart, has no part.
    """

    name: str
    visible: bool
    part: str


class Workbook:
    """An open workbook. All methods raise NotAPackage if it cannot be read."""

    def __init__(self, file: BinaryIO, expansion: Expansion) -> None:
        self._expansion = expansion
        self._package = Package(file, expansion)
        main = next((part for kind, part in self._relations("").values() if kind == "officeDocument"), "")
        if not self._package.has(main):
            if self._package.has("[Content_Types].xml"):
                raise NotAPackage("it contains no workbook")
            raise NotAPackage("it is a ZIP archive of something else. Unpack it, and send the list that is in it")
        if main.endswith(".bin"):
            raise NotAPackage("it is a binary workbook (.xlsb)")
        relations = self._relations(main)
        self.sheets, since_1904 = self._describe(main, relations)
        parts = dict(relations.values())
        self._formats = list(self._read_formats(parts.get("styles", ""), since_1904=since_1904))
        self._strings_part = parts.get("sharedStrings")
        self._strings: _Strings | None = None

    def merged_cells(self, sheet: Sheet) -> MergedCells:
        """The merged cells of a sheet. Raises UnreadablePart for very many."""
        return find_merged_cells(self._package.pieces(sheet.part))

    def rows(self, sheet: Sheet, merged: MergedCells | None = None) -> Iterator[Row]:
        """The rows of a sheet that are in the file, in their order, with the values of its merged cells if given.

        Raises UnreadablePart for very wide rows.
        """
        if merged is None:
            return self._stored_rows(sheet)
        return merged.spread(self._stored_rows(sheet, len(merged)), self._expansion)

    def _stored_rows(self, sheet: Sheet, merged_count: int | None = None) -> Iterator[Row]:
        if self._strings is None:
            self._strings = self._read_strings()
        reading = _RowReading(self._strings, self._formats)
        for _ in self._package.parse(sheet.part, reading.handlers()):
            yield from reading.rows
            reading.rows.clear()
        if merged_count is not None and reading.merged_count != merged_count:
            raise NotAPackage("its merged cells are written in an unknown way")

    def _relations(self, part: str) -> Mapping[str, tuple[str, str]]:
        """What a part refers to, by id: the last word of its kind, and the name of the other part."""
        folder, name = posixpath.split(part)
        return {
            element.attributes.get("Id", ""): (
                element.attributes.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/" + folder, element.attributes.get("Target", ""))).lstrip("/"),
            )
            for element in self._package.elements(posixpath.join(folder, "_rels", f"{name}.rels"))
            if element.name == "Relationship"
        }

    def _describe(self, main: str, relations: Mapping[str, tuple[str, str]]) -> tuple[list[Sheet], bool]:
        sheets, since_1904 = list[Sheet](), False
        for name, _, attributes in self._package.elements(main):
            if name == "workbookPr":
                since_1904 = attributes.get("date1904") in ("1", "true")
            elif name == "sheet":
                relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
                kind, part = relations.get(relation, ("", ""))
                has_rows = kind == "worksheet" and self._package.has(part)
                visible = attributes.get("state", "visible") == "visible"
                sheets.append(Sheet(attributes.get("name", ""), visible, part if has_rows else ""))
        return sheets, since_1904

    def _read_formats(self, part: str, *, since_1904: bool) -> Iterator[CellFormat]:
        """How cells are read, by the style that they name."""
        codes = dict[str, str]()
        for name, parent, attributes in self._package.elements(part):
            if name == "numFmt":
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif name == "xf" and parent == "cellXfs":
                number = attributes.get("numFmtId", "0")
                if not (number.isascii() and number.isdigit()):
                    raise NotAPackage("it is damaged: a style has no number format")
                yield cell_format(int(number), codes.get(number), since_1904=since_1904)

    def _read_strings(self) -> "_Strings":
        strings = _Strings()
        if self._strings_part is not None:
            for _ in self._package.parse(self._strings_part, strings.handlers()):
                pass
        return strings


class _Text:
    """Collects the text of an element, of all its runs, without the pronunciation that East Asian editions add."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._reading = self._pronunciation = False

    def start(self, name: str) -> None:
        if name == "rPh":
            self._pronunciation = True
        else:
            self._reading = name in _VALUES and not self._pronunciation

    def add(self, text: str) -> None:
        if self._reading:
            self._pieces.append(text)

    def end(self, name: str) -> None:
        self._reading = False
        if name == "rPh":
            self._pronunciation = False

    def take(self) -> str:
        text = "".join(self._pieces)[:_LONGEST_CELL]
        self._pieces.clear()
        return _ESCAPE.sub(_unescaped, text) if "_x" in text else text


def _unescaped(escape: re.Match[str]) -> str:
    """The character of an escape. None of the signs that XML cannot contain is part of what people write."""
    code = int(escape[1], 16)
    return chr(code) if code >= ord(" ") else " "


class _Strings:
    """The texts that cells share, by their places: a million take little more memory than their bytes."""

    def __init__(self) -> None:
        self._bytes, self._ends = bytearray(), array("Q", [0])

    def handlers(self) -> Handlers:
        text = _Text()

        def start(name: str, _: Mapping[str, str]) -> None:
            text.start(name)

        def end(name: str) -> None:
            text.end(name)
            if name == "si":
                self._bytes.extend(text.take().encode(errors="replace"))
                self._ends.append(len(self._bytes))

        return Handlers(start, end, text.add)

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < len(self._ends) - 1:
            raise NotAPackage("it is damaged: a cell refers to a text that is not there")
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode()


class _RowReading:
    """Makes rows of the events of a sheet."""

    def __init__(self, strings: _Strings, formats: list[CellFormat]) -> None:
        self.rows: list[Row] = []
        self.merged_count = 0
        self._strings = strings
        self._formats = formats
        self._general = cell_format(0, None, since_1904=False)
        self._add_to_text = any(of_style.text for of_style in formats)
        self._readers: dict[str, Callable[[str], str]] = {
            "s": self._shared,
            "n": self._number,
            "str": self._shown,
            "inlineStr": self._shown,
            "b": _truth,
            "d": TypedTime,
        }
        self._text = _Text()
        self._row, self._column = 0, 0
        self._is_hidden = False
        self._kind, self._style = "n", ""
        self._has_formula = False
        self._cells: list[str] = []

    def handlers(self) -> Handlers:
        """What to call for the events."""
        return Handlers(self._start, self._end, self._text.add)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._text.start(name)
        if name == "c":
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._column = self._column_of(attributes.get("r", ""))
            self._has_formula = False
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            number = int(attributes.get("r", self._row + 1))
            if not self._row < number <= MOST_ROWS:
                raise NotAPackage("its rows are not in order")
            self._row, self._column, self._cells = number, 0, []
            self._is_hidden = attributes.get("hidden") in ("1", "true")
        elif name == "mergeCell":
            self.merged_count += 1

    def _end(self, name: str) -> None:
        self._text.end(name)
        if name == "c":
            stored = self._text.take()
            read = self._readers.get(self._kind) if stored else None
            value = read(stored) if read else stored
            # The result of a formula may be an empty text, which is a result.
            if self._has_formula and not stored and self._kind != "str":
                value = NotCalculated("=")
            if value:
                self._cells.extend([""] * (self._column - len(self._cells) - 1))
                self._cells.append(value)
        elif name == "row":
            self.rows.append(Row(self._row, self._cells, self._is_hidden))

    def _column_of(self, reference: str) -> int:
        """The column of a cell, from 1: the next one if it does not name itself."""
        letters = reference.rstrip("0123456789")
        if not letters:
            return self._column + 1
        column = column_of(letters)
        if column <= self._column:
            raise NotAPackage("its cells are not in order")
        if column > MOST_COLUMNS:
            raise too_many_columns()
        return column

    def _shared(self, stored: str) -> str:
        return self._shown(self._strings[int(stored)])

    def _shown(self, text: str) -> str:
        show = self._format().text if self._add_to_text else None
        return show(text) if show else text

    def _number(self, stored: str) -> str:
        return self._format().number(stored)

    def _format(self) -> CellFormat:
        style = int(self._style)
        return self._formats[style] if 0 <= style < len(self._formats) else self._general


def _truth(stored: str) -> str:
    return "TRUE" if stored == "1" else "FALSE"
