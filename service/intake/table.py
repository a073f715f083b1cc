"""What the readers of all formats produce: the cells of the relevant columns as text, with their line numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.intake.cells import Cells
from service.intake.errors import UnreadablePart
from service.intake.names.roles import Role

CHUNK_BYTES = 4 << 20
"""Text is read in chunks of about this size."""
PIECE_BYTES = 2 << 20
"""Arrays are made of pieces of this size, so that they stay in the processor's cache."""
LONGEST_LINE = 1 << 20
"""The longest line, or record of several lines: so much text is kept until its end arrives."""
TABLE_ROWS = 250_000
"""The rows of one table in a format without lines of text."""


class MisfitKind(IntEnum):
    """Why no cell of a record is read."""

    TOO_FEW_FIELDS = 0
    TOO_MANY_FIELDS = 1
    NOT_AN_OBJECT = 2
    REPEATED_MEMBER = 3
    QUOTED_LINES = 4


@dataclass(frozen=True)
class Misfits:
    """Records of which no cell is read: as a rule those with fewer fields than the layout, or with more filled ones.

    Their cells may be in the wrong columns. `rows` are their rows in the table, ascending. `fields` is how many fields
    each of them has, up to the last filled one where empty ones may follow, and `usual_fields` how many it should have;
    zeros if that is not the reason. `text` is each as it was sent.
    """

    rows: NDArray[np.intp]
    fields: NDArray[np.int64]
    usual_fields: NDArray[np.int64]
    text: Cells
    other_kinds: NDArray[np.uint8] | None = None
    """The kind of each of them, if it is not given by the number of fields."""

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """The `MisfitKind` of each of them."""
        if self.other_kinds is not None:
            return self.other_kinds
        has_more = self.fields > self.usual_fields
        return np.where(has_more, MisfitKind.TOO_MANY_FIELDS, MisfitKind.TOO_FEW_FIELDS).astype(np.uint8)

    @classmethod
    def of_kinds(cls, kinds: Mapping[int, MisfitKind], text: Cells) -> Self:
        """The misfits in these rows, ascending, whose numbers of fields do not matter."""
        nothing = np.zeros(len(kinds), dtype=np.int64)
        rows = np.fromiter(kinds, dtype=np.intp, count=len(kinds))
        return cls(rows, nothing, nothing, text, np.fromiter(kinds.values(), dtype=np.uint8, count=len(kinds)))

    def without_first(self) -> "Misfits":
        """Those of the table without its first row."""
        kept = np.flatnonzero(self.rows > 0)
        kinds = self.other_kinds if self.other_kinds is None else self.other_kinds[kept]
        return Misfits(self.rows[kept] - 1, self.fields[kept], self.usual_fields[kept], self.text[kept], kinds)


@dataclass(frozen=True)
class Table:
    """Consecutive records: the line on which each begins, from 1, and a column of text for each role to be read.

    `typed_times` are the rows whose consent time had a type, so that its text in ISO 8601 was written here; None if no
    row has such a time.
    """

    line: NDArray[np.int64]
    cells: dict[Role, Cells]
    misfits: Misfits | None = None
    typed_times: NDArray[np.bool_] | None = None

    def without_first(self) -> "Table":
        """The table without its first record."""
        misfits = self.misfits and self.misfits.without_first()
        typed_times = None if self.typed_times is None else self.typed_times[1:]
        return Table(self.line[1:], {role: cells[1:] for role, cells in self.cells.items()}, misfits, typed_times)

    def without_misfit_cells(self) -> "Table":
        """The table with empty cells in the rows of misfits, so that no cell of these counts as anything."""
        if self.misfits is None:
            return self
        fits = np.ones(len(self.line), dtype=np.int64)
        fits[self.misfits.rows] = 0
        cells = {role: Cells(of.text, of.starts, of.lengths * fits) for role, of in self.cells.items()}
        return replace(self, cells=cells)


# CP/M ended a text with this sign, and DOS still wrote it.
_END_OF_TEXT = b"\x1a"


def without_end_mark(text: bytes | bytearray) -> bytes:
    """The last lines of a part without the sign that old programs put at its end."""
    bare = bytes(text).rstrip(b"\n" + _END_OF_TEXT)
    return bare if _END_OF_TEXT in text[len(bare) :] else bytes(text)


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
