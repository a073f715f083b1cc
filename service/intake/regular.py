"""The columns of regular text, without a reader of CSV: nearly every chunk of a file is such.

Often all lines even differ in their digits only (one country, one way of writing times). Then the first line says where
the columns of all are, and the words that showed them alike serve for the numbers and times that are read from them.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import LONGEST_ALIKE, Alike, Cells
from service.intake.table import LONGEST_LINE

_NEWLINE, _QUOTE = ord("\n"), ord('"')
# Of text with more cells than this, their places would take much more memory than the text.
_FEWEST_BYTES_A_CELL = 4


def regular_columns(text: bytes, delimiter: str, positions: Collection[int]) -> list[Cells] | None:
    """The columns at these positions (from 0) of complete lines; None if the text is not regular.

    It is if every line has as many delimiters as the first, no line is blank, and quotes stand only in pairs around
    whole cells: then there is nothing in it that a reader of CSV could take in another way.
    """
    return _by_shape(text, delimiter, positions) or _by_delimiters(text, delimiter, positions)


def _by_shape(text: bytes, delimiter: str, positions: Collection[int]) -> list[Cells] | None:
    """The columns of lines that differ in their digits only: what the first of them is, all are."""
    step = text.find(b"\n") + 1
    first = _by_delimiters(text[:step], delimiter, positions) if 0 < step <= LONGEST_ALIKE else None
    if not first or len(text) % step:
        return None
    starts = np.arange(0, len(text), step)
    line = next(Cells(text, starts, np.full(len(starts), step)).by_shape())
    if len(line.words[0]) < len(starts):
        return None
    return [_part(text, starts, line, int(cells.starts[0]), int(cells.lengths[0])) for cells in first]


def _part(text: bytes, starts: NDArray[np.int64], line: Alike, at: int, length: int) -> Cells:
    return Cells(text, starts + at, np.full(len(starts), length), line.part(at, at + length) if length else None)


def _by_delimiters(text: bytes, delimiter: str, positions: Collection[int]) -> list[Cells] | None:
    signs = np.frombuffer(text, dtype=np.uint8)
    newlines = signs == _NEWLINE
    edges = newlines | (signs == ord(delimiter))
    lines, cells = int(np.count_nonzero(newlines)), int(np.count_nonzero(edges))
    width = cells // max(lines, 1)
    if not lines or cells != width * lines or max(positions) >= width or cells * _FEWEST_BYTES_A_CELL > len(text):
        return None
    ends = list(np.flatnonzero(edges).reshape(lines, width).T)
    starts = [np.append(0, ends[-1][:-1] + 1), *(end + 1 for end in ends[:-1])]
    sizes = ends[-1] - starts[0]
    if not newlines[ends[-1]].all() or int(sizes.max()) > LONGEST_LINE or (width == 1 and not sizes.all()):
        return None
    columns = [Cells(text, start, end - start) for start, end in zip(starts, ends, strict=True)]
    if b'"' in text:
        columns = _unquoted(columns, signs)
    return [columns[at] for at in positions] if columns else None


def _unquoted(columns: list[Cells], signs: NDArray[np.uint8]) -> list[Cells]:
    """The columns without the quotes around their cells; none if there are other quotes."""
    quoted = [
        (cells.lengths > 1) & (signs[cells.starts] == _QUOTE) & (signs[cells.starts + cells.lengths - 1] == _QUOTE)
        for cells in columns
    ]
    if np.count_nonzero(signs == _QUOTE) != 2 * sum(map(np.count_nonzero, quoted)):
        return []
    return [
        Cells(cells.text, cells.starts + around, cells.lengths - 2 * around)
        for cells, around in zip(columns, quoted, strict=True)
    ]
