"""Splits regular text into columns without a CSV reader: nearly every chunk of a file is regular.

Often the lines even differ in their digits only (one country, one way of writing times). Then the columns of all lines
are where those of the first line are. The words that were compared to find this also give the numbers and times.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import LONGEST_GROUPED, Cells, ShapeGroup
from service.intake.table import LONGEST_LINE

_NEWLINE, _QUOTE = ord("\n"), ord('"')
# With shorter cells on average, their places would take much more memory than the text.
_FEWEST_BYTES_PER_CELL = 4


def regular_columns(
    text: bytes, delimiter: str, positions: Collection[int], width: int, filled: int
) -> list[Cells] | None:
    """The columns at these positions (from 0) of complete lines; None if the text is not regular.

    Text is regular if every line has as many delimiters as the first, no line is blank, and quotes occur only in pairs
    around whole cells. A CSV reader would then find the same cells. Each line has `width` fields, and those from
    `filled` on are empty.
    """
    return _by_shape(text, delimiter, positions, width, filled) or _by_delimiters(
        text, delimiter, positions, width, filled
    )


def _by_shape(text: bytes, delimiter: str, positions: Collection[int], width: int, filled: int) -> list[Cells] | None:
    """The columns of lines that differ in their digits only, found by the first line."""
    step = text.find(b"\n") + 1
    first = _by_delimiters(text[:step], delimiter, positions, width, filled) if 0 < step <= LONGEST_GROUPED else None
    if not first or len(text) % step:
        return None
    starts = np.arange(0, len(text), step)
    lines = next(Cells(text, starts, np.full(len(starts), step)).by_shape())
    if len(lines.words[0]) < len(starts):
        return None
    return [_column(text, starts, lines, int(cells.starts[0]), int(cells.lengths[0])) for cells in first]


def _column(text: bytes, starts: NDArray[np.int64], lines: ShapeGroup, at: int, length: int) -> Cells:
    return Cells(text, starts + at, np.full(len(starts), length), lines.part(at, at + length) if length else None)


def _by_delimiters(
    text: bytes, delimiter: str, positions: Collection[int], width: int, filled: int
) -> list[Cells] | None:
    signs = np.frombuffer(text, dtype=np.uint8)
    newlines = signs == _NEWLINE
    edges = newlines | (signs == ord(delimiter))
    lines, cells = int(np.count_nonzero(newlines)), int(np.count_nonzero(edges))
    fields = cells // max(lines, 1)
    if not lines or cells != fields * lines or fields != width or cells * _FEWEST_BYTES_PER_CELL > len(text):
        return None
    ends = list(np.flatnonzero(edges).reshape(lines, fields).T)
    starts = [np.append(0, ends[-1][:-1] + 1), *(end + 1 for end in ends[:-1])]
    sizes = ends[-1] - starts[0]
    if not newlines[ends[-1]].all() or int(sizes.max()) > LONGEST_LINE or (fields == 1 and not sizes.all()):
        return None
    columns = [Cells(text, start, end - start) for start, end in zip(starts, ends, strict=True)]
    if b'"' in text:
        columns = _unquoted(columns, signs)
    if not columns or any(cells.lengths.any() for cells in columns[filled:]):
        return None
    return [columns[at] for at in positions]


def _unquoted(columns: list[Cells], signs: NDArray[np.uint8]) -> list[Cells]:
    """The columns without the quotes around their cells; an empty list if there are other quotes."""
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
