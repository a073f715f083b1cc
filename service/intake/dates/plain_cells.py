"""Makes the signs of whole columns plain (see `core.signs`), and takes the accents off letters, by arrays."""

import sys
import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from service.core.signs import plain
from service.intake.cells import Cells

_NOT_ASCII = np.uint8(0x80)
# No character has this code. It takes the place of one that is left out.
_LEFT_OUT = np.uint32(0xFFFFFFFF)
_END_OF_CELL = ord("\n")


@cache
def _plain_letter(sign: str) -> str:
    """The plain sign for a character: nothing for an accent by itself, and its base for a letter with an accent."""
    found = plain(sign)
    if found.isascii():
        return found
    base = unicodedata.normalize("NFD", found)[0]
    if unicodedata.category(base) == "Mn":
        return ""
    return base if base.isascii() else found


def plain_letters(text: str) -> str:
    """The text with plain signs, and letters without accents."""
    return plain(text) if text.isascii() else "".join(map(_plain_letter, text))


def not_ascii(cells: Cells) -> NDArray[np.bool_]:
    """Which cells have a character that is not ASCII."""
    if cells.text.isascii():
        return np.zeros(len(cells), dtype=np.bool_)
    places = np.flatnonzero(np.frombuffer(cells.text, dtype=np.uint8) >= _NOT_ASCII)
    before, after = (np.searchsorted(places, edges) for edges in (cells.starts, cells.starts + cells.lengths))
    return np.asarray(before != after)


def plain_cells(cells: Cells) -> Cells:
    """The cells with plain letters and signs. A newline within a cell becomes a space."""
    if not cells.text or not len(cells):
        return cells
    codes = np.frombuffer(_joined(cells).decode().encode("utf-32-le"), dtype=np.uint32)
    ends_of_cells = codes == _END_OF_CELL
    plain_codes = np.where(ends_of_cells, codes, _plain_codes(codes))
    kept = plain_codes != _LEFT_OUT
    text = plain_codes[kept].tobytes().decode("utf-32-le").encode()
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _END_OF_CELL)
    starts = np.concatenate(([0], ends[:-1] + 1))
    return Cells(text, starts, ends - starts)


def _joined(cells: Cells) -> bytes:
    """The cells, a newline after each. Newlines within them become spaces."""
    lengths = cells.lengths
    ends = np.cumsum(lengths + 1)
    shift = cells.starts - (ends - lengths - 1)
    places = np.arange(ends[-1]) + np.repeat(shift, lengths + 1)
    # The last place of each cell is the sign after it, which may lie behind the text.
    signs = np.frombuffer(cells.text, dtype=np.uint8)[np.minimum(places, len(cells.text) - 1)]
    signs[signs == _END_OF_CELL] = ord(" ")
    signs[ends - 1] = _END_OF_CELL
    return bytes(signs.tobytes())


def _plain_codes(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The code of the plain character for each code."""
    seen = np.zeros(sys.maxunicode + 1, dtype=np.bool_)
    seen[codes] = True
    found = np.flatnonzero(seen)
    plain_codes = np.zeros(sys.maxunicode + 1, dtype=np.uint32)
    plain_codes[found] = [ord(sign) if (sign := _plain_letter(chr(code))) else _LEFT_OUT for code in found.tolist()]
    return plain_codes[codes]
