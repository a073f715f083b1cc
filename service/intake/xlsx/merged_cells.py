"""Merged cells of a sheet (ECMA-376-1, 18.3.1.55): the first cell of a range has the value that is shown for all.

They are listed behind the rows. So they are looked for before the rows are read, in the bytes of the sheet, which takes
a small part of the time of reading it.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.intake.columns.choice import MOST_COLUMNS
from service.intake.decoding import Expansion
from service.intake.errors import UnreadablePart
from service.intake.xlsx.sheet_rows import Row, column_of

_MOST_RANGES: Final = 1 << 19
_NAME: Final = b"mergeCell"
_RANGE: Final = re.compile(
    rb"<(?:[\w.-]{1,40}:)?mergeCell\s(?:[^<>]{0,200}\s)?ref\s*=\s*[\"']"
    rb"(?P<first>[A-Z]{1,3}[0-9]{1,7})(?::(?P<last>[A-Z]{1,3}[0-9]{1,7}))?[\"']"
)
# More than the pattern can match.
_LONGEST_MATCH: Final = 512
_UNMERGE: Final = "Unmerge the cells, write the value into each of them, and send the workbook again."


class Beneath(str):
    """The text of a cell that is not shown, because a merged cell covers it."""

    __slots__ = ()


class MergedCells:
    """The ranges of merged cells of a sheet."""

    def __init__(self, edges: "array[int]") -> None:
        # First row, last row, first column and last column of each, from 1, in the order of their first rows.
        ranges = np.array(edges, dtype=np.int64).reshape(-1, 4)
        self._ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]

    def __len__(self) -> int:
        return len(self._ranges)

    def across(self, rows: NDArray[np.int64], column: int) -> NDArray[np.bool_]:
        """In which of these rows the cell in this column, from 1, belongs to a range that begins in another column."""
        first_row, last_row, first_column, last_column = self._ranges.T
        within = (first_column < column) & (column <= last_column)
        last_rows = np.append(0, np.maximum.accumulate(last_row[within]))
        found: NDArray[np.bool_] = last_rows[np.searchsorted(first_row[within], rows, side="right")] >= rows
        return found

    def spread(self, rows: Iterable[Row], expansion: Expansion) -> Iterator[Row]:
        """The rows, with the value of each range in the first cell of all its rows.

        Other texts that a range covers become `Beneath`. A row without any cell stays so.
        """
        ranges = zip(*(edges.tolist() for edges in self._ranges.T), strict=True)
        following = next(ranges, None)
        values, covered = dict[int, tuple[str, int]](), dict[int, int]()
        for row in rows:
            while following is not None and following[0] <= row.number:
                first_row, last_row, first_column, last_column = following
                has_value = first_row == row.number and first_column <= len(row.cells)
                values[first_column] = row.cells[first_column - 1] if has_value else "", last_row
                covered |= dict.fromkeys(range(first_column + 1, last_column + 1), last_row)
                following = next(ranges, None)
            if row.cells and values:
                _write_values(row, values, expansion)
                _cover(row, covered)
            yield row


def _write_values(row: Row, values: dict[int, tuple[str, int]], expansion: Expansion) -> None:
    """Write the values of ranges, by their first column, and each with its last row, into a row of theirs."""
    for column, (value, last_row) in [*values.items()]:
        if last_row < row.number:
            del values[column]
            continue
        own = row.cells[column - 1] if column <= len(row.cells) else ""
        if own != value:
            row.cells.extend([""] * (column - len(row.cells)))
            row.cells[column - 1] = Beneath(own) if own else value
            expansion.expand(len(value))


def _cover(row: Row, covered: dict[int, int]) -> None:
    """Mark the texts in columns that a range covers, each up to a row."""
    for column, last_row in [*covered.items()]:
        if last_row < row.number:
            del covered[column]
        elif column <= len(row.cells) and row.cells[column - 1]:
            row.cells[column - 1] = Beneath(row.cells[column - 1])


def find_merged_cells(sheet: Iterable[bytes]) -> MergedCells:
    """The merged cells of a sheet, given its XML in pieces. Raises UnreadablePart if there are very many."""
    edges, rest = array("i"), b""
    for piece in sheet:
        text, end = rest + piece, 0
        if _NAME in text:
            for found in _RANGE.finditer(text):
                end = found.end()
                edges.extend(_edges(found["first"].decode(), (found["last"] or found["first"]).decode()))
        if len(edges) > 4 * _MOST_RANGES:
            raise UnreadablePart("merged_cells", f"The sheet has more than {_MOST_RANGES:,} merged cells. {_UNMERGE}")
        rest = text[max(end, len(text) - _LONGEST_MATCH) :]
    return MergedCells(edges)


def _edges(first: str, last: str) -> tuple[int, int, int, int]:
    """The first and the last row, and the first and the last column of those that are read."""
    letters, end_letters = first.rstrip("0123456789"), last.rstrip("0123456789")
    first_row, last_row = sorted((int(first[len(letters) :]), int(last[len(end_letters) :])))
    first_column, last_column = sorted((column_of(letters), column_of(end_letters)))
    return first_row, last_row, first_column, min(last_column, MOST_COLUMNS)


def merged_across(row: int) -> UnreadablePart:
    """The error for a row in which a merged cell leaves unknown what a column that is read contains."""
    return UnreadablePart(
        "merged_cells",
        f"Row {row} has a merged cell that covers a cell of a column that is read, so it is unclear what that column "
        f"contains there. {_UNMERGE}",
    )
