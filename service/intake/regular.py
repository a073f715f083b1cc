"""The columns of regular text, straight from the places of its delimiters: what nearly every chunk of a file is."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.table import LONGEST_LINE

_NEWLINE, _QUOTE = ord("\n"), ord('"')
# Of text with more cells than this, their places would take much more memory than the text.
_FEWEST_BYTES_A_CELL = 4


def regular_columns(text: bytes, delimiter: str, positions: Collection[int]) -> list[Cells] | None:
    """The columns at these positions (from 0) of complete lines; None if the text is not regular.

    It is if every line has as many delimiters as the first, no line is blank, and quotes stand only in pairs around
    whole cells: then there is nothing in it that a reader of CSV could take in another way.
    """
    signs = np.frombuffer(text, dtype=np.uint8)
    newlines = signs == _NEWLINE
    edges = newlines | (signs == ord(delimiter))
    lines, cells = int(np.count_nonzero(newlines)), int(np.count_nonzero(edges))
    width = cells // max(lines, 1)
    if not lines or cells != width * lines or max(positions) >= width or cells * _FEWEST_BYTES_A_CELL > len(text):
        return None
    ends = _places(edges, lines, width)
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


def _places(edges: NDArray[np.bool_], lines: int, width: int) -> list[NDArray[np.int64]]:
    """Where the cells end, by column. Quickly found where all lines are like the first."""
    step = len(edges) // lines
    first = np.flatnonzero(edges[:step]).tolist()
    if len(first) == width and len(edges) == lines * step and all(edges[at::step].all() for at in first):
        return [np.arange(at, len(edges), step) for at in first]
    return list(np.flatnonzero(edges).reshape(lines, width).T)
