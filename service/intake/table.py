"""What the readers of all formats produce: the cells of the relevant columns as text, with their line numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.dialect import Role
from service.intake.errors import UnreadablePart

CHUNK_BYTES = 4 << 20
"""Text is read in chunks of about this size."""
PIECE_BYTES = 2 << 20
"""Arrays are made of pieces of this size, so that they stay in the processor's cache."""
LONGEST_LINE = 1 << 20
"""The longest line, or record of several lines: so much text is kept until its end arrives."""
TABLE_ROWS = 250_000
"""The rows of one table in a format without lines of text."""


@dataclass(frozen=True)
class Table:
    """Consecutive records: the line on which each begins, from 1, and a column of text for each role to be read."""

    line: NDArray[np.int64]
    cells: dict[Role, Cells]


def check_unfinished_line(text: bytes | bytearray) -> None:
    """Raise UnreadablePart if a line is too long even before its end has arrived."""
    if len(text) > LONGEST_LINE:
        raise line_too_long()


def line_too_long() -> UnreadablePart:
    """The error for a line that a list of numbers cannot have."""
    return UnreadablePart(
        "line_too_long",
        "A line is longer than 1 MiB, so the part is not a list of numbers. Check the format and the line ends.",
    )
