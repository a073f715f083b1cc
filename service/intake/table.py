"""What the readers of all formats hand over: the cells that matter, as text, with the lines they stand on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.dialect import Role
from service.intake.errors import UnreadablePart

CHUNK_BYTES = 4 << 20
"""Text is read in chunks of about this size."""
PIECE_BYTES = 2 << 20
"""Of a chunk that is read by arrays, so much at a time: the arrays stay in the processor's cache."""
LONGEST_LINE = 1 << 20
"""A line, or a record of several lines, is at most this long: so much is kept while its end is awaited."""
TABLE_ROWS = 250_000
"""Rows of one table of a format that has no lines of text."""


@dataclass(frozen=True)
class Table:
    """Consecutive records: the line on which each begins, from 1, and a column of text for each role that is read."""

    line: NDArray[np.int64]
    cells: dict[Role, Cells]


def check_unfinished_line(text: bytes | bytearray) -> None:
    """Raise UnreadablePart if a line is too long before its end is even seen."""
    if len(text) > LONGEST_LINE:
        raise line_too_long()


def line_too_long() -> UnreadablePart:
    """The error for a line that no list of numbers has."""
    return UnreadablePart(
        "line_too_long",
        "A line is longer than 1 MiB, so this is no list of numbers. Check the format and the line ends.",
    )
