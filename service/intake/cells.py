"""Columns of text as arrays: where each cell is, and what the digits of many cells of one shape spell.

The *shape* of a cell is its text with every digit replaced by 0. Cells of one shape have their digits in the same
places, so whoever reads them parses the shape alone, once; the rest is arithmetic on all of them. It takes eight bytes
of text as one 64-bit word ("SIMD within a register": Lamport, Multiple Byte Processing with Full-Word Instructions,
CACM 18(8), 1975), which is what makes a line cost tens of nanoseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

LONGEST_ALIKE = 40
"""Cells of more bytes are no number and no time: they are in no group of cells that are alike."""

_WORD = np.dtype("<u8")
_WORD_BYTES = 8
# A column nearly always has few shapes to a length; only rows of more are sorted to find them.
_SHAPES_AT_ONCE = 3

_Words = NDArray[np.uint64]
Rows = NDArray[np.intp] | slice


def _every(byte: int) -> np.uint64:
    return np.uint64(int.from_bytes(bytes([byte]) * _WORD_BYTES))


_ZEROS, _LOW_BITS, _HIGH_BITS, _ABOVE_NINE = _every(ord("0")), _every(0x7F), _every(0x80), _every(0x80 - 10)
_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_BYTE, _LOW_NIBBLE, _TO_LOWEST_BIT = np.uint64(8), np.uint64(15), np.uint64(7)
_LANES, _LANE_BITS = 4, 16
_TO_LAST_LANE = np.uint64((_LANES - 1) * _LANE_BITS)


@dataclass(frozen=True)
class Alike:
    """Cells of one shape: the shape, the rows of their column on which they are, and their digits.

    Each of `words` holds eight bytes of every cell, digits as 0 to 9 and all else as 0. They begin at the bytes 0, 8,
    16 and so on; only the last ends where the cells end.
    """

    shape: bytes
    rows: Rows
    words: Sequence[_Words]

    def number(self, start: int = 0, end: int = LONGEST_ALIKE) -> NDArray[np.int64]:
        """What the digits in these places of each cell spell, signs between them passed over; at most 18 digits."""
        places = [place for place in range(start, min(end, len(self.shape))) if self.shape[place] == ord("0")]
        first = len(places) % _LANES
        value = self._up_to_four(places[:first]) if first else np.zeros(len(self.words[0]), dtype=np.uint64)
        for at in range(first, len(places), _LANES):
            four = self._up_to_four(places[at : at + _LANES])
            value = value * np.uint64(10_000) + four if at else four
        return value.view(np.int64)

    @cached_property
    def _lanes(self) -> list[_Words]:
        """The words again, as pairs: their bytes 0, 2, 4, 6 and their bytes 1, 3, 5, 7, each in a lane of 16 bits."""
        return [lanes for word in self.words for lanes in (word & _EVEN_BYTES, word >> _BYTE & _EVEN_BYTES)]

    def _up_to_four(self, places: Sequence[int]) -> _Words:
        """The number that one to four digits spell.

        The last lane of a product of two words is the sum of the products of their lanes, the one's first by the
        other's last. With the digits in one and their weights in the other, that is the number. No lane overflows
        into the next: all weights together are at most 1111.
        """
        weights: dict[int, int] = {}
        for power, place in enumerate(reversed(places)):
            word = place // _WORD_BYTES
            byte = place - (min((word + 1) * _WORD_BYTES, max(len(self.shape), _WORD_BYTES)) - _WORD_BYTES)
            weight = 10**power << (_LANES - 1 - byte // 2) * _LANE_BITS
            weights[2 * word + byte % 2] = weights.get(2 * word + byte % 2, 0) + weight
        products = [self._lanes[at] * np.uint64(weight) for at, weight in weights.items()]
        return sum(products[1:], products[0]) >> _TO_LAST_LANE


@dataclass(frozen=True, slots=True)
class Cells:
    """A column: row i is the `lengths[i]` bytes of `text` (UTF-8) from `starts[i]` on."""

    text: bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """A column of these cells."""
        cells = [text.encode() for text in texts]
        return cls._joined(b"".join(cells), np.fromiter(map(len, cells), dtype=np.int64, count=len(cells)))

    @classmethod
    def of_series(cls, texts: pl.Series) -> Self:
        """The same of a column of strings without nulls."""
        return cls._joined(
            str(texts.str.join("").item() or "").encode(), texts.str.len_bytes().cast(pl.Int64).to_numpy()
        )

    @classmethod
    def _joined(cls, text: bytes, lengths: NDArray[np.int64]) -> Self:
        return cls(text, np.cumsum(lengths) - lengths, lengths)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: Rows) -> "Cells": ...
    def __getitem__(self, row: int | Rows) -> "str | Cells":
        if isinstance(row, int):
            return self.text[self.starts[row] : self.starts[row] + self.lengths[row]].decode()
        return Cells(self.text, self.starts[row], self.lengths[row])

    def texts(self) -> list[str]:
        """The cells one by one."""
        ends = (self.starts + self.lengths).tolist()
        return [self.text[start:end].decode() for start, end in zip(self.starts.tolist(), ends, strict=True)]

    def by_shape(self) -> Iterator[Alike]:
        """Groups of cells of one shape. All cells are in one, but for those that are empty and the longest."""
        if not len(self):
            return
        lengths = np.minimum(self.lengths, LONGEST_ALIKE + 1).astype(np.uint8)
        order, starts = np.arange(len(self)), self.starts
        if lengths.min() < lengths.max():
            # Of single bytes the stable order takes but one pass (a radix sort).
            order = np.argsort(lengths, kind="stable")
            starts = starts[order]
        ends = np.cumsum(np.bincount(lengths, minlength=LONGEST_ALIKE + 1)).tolist()
        for length in range(1, LONGEST_ALIKE + 1):
            those = slice(ends[length - 1], ends[length])
            if those.start < those.stop:
                for shape, rows, digits in _shapes(_words(self.text, starts[those], length), order[those]):
                    every = len(rows) == len(self)
                    yield Alike(_text(shape, length), slice(None) if every else rows, digits)


def _words(text: bytes, starts: NDArray[np.int64], length: int) -> list[_Words]:
    """Eight bytes each of cells of one length, the last of them the last of the cell; shorter cells end in NUL."""
    # An item as long as a cell at every byte of the text: to index it copies each cell in one go.
    anywhere = np.ndarray((len(text) - length + 1,), f"V{length}", text, strides=(1,))
    cells = anywhere[_evenly(starts) or starts]
    if length < _WORD_BYTES:
        cells = np.ascontiguousarray(cells).view(f"S{length}").astype(f"S{_WORD_BYTES}")
    places = [*range(0, length - _WORD_BYTES, _WORD_BYTES), max(length, _WORD_BYTES) - _WORD_BYTES]
    return [cells.getfield(_WORD, place).astype(np.uint64) for place in places]


def _evenly(starts: NDArray[np.int64]) -> slice | None:
    """The starts as a slice, if they lie at even distances: then no cell has to be copied."""
    first, last = int(starts[0]), int(starts[-1])
    step = max((last - first) // max(len(starts) - 1, 1), 1)
    evenly = slice(first, last + 1, step)
    even = np.arange(evenly.start, evenly.stop, evenly.step)
    return evenly if len(even) == len(starts) and (even == starts).all() else None


def _shapes(words: list[_Words], rows: NDArray[np.intp]) -> Iterator[tuple[list[int], NDArray[np.intp], list[_Words]]]:
    """Each shape among cells of one length, as words; the rows that have it; and their digits."""
    for _ in range(_SHAPES_AT_ONCE):
        shape = [int(_shape(word[:1])[0]) for word in words]
        digits, same = _digits(words, shape)
        if same.all():
            yield shape, rows, digits
            return
        those, others = np.flatnonzero(same), np.flatnonzero(~same)
        yield shape, rows[those], [each[those] for each in digits]
        rows, words = rows[others], [word[others] for word in words]
    shapes = [_shape(word) for word in words]
    order = np.lexsort(shapes)
    rows, words, shapes = rows[order], [word[order] for word in words], [shape[order] for shape in shapes]
    changes = np.logical_or.reduce([shape[1:] != shape[:-1] for shape in shapes])
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(rows)]
    for start, end in pairwise(edges):
        digits = [word[start:end] ^ shape[start] for word, shape in zip(words, shapes, strict=True)]
        yield [int(shape[start]) for shape in shapes], rows[start:end], digits


def _digits(words: list[_Words], shape: list[int]) -> tuple[list[_Words], NDArray[np.bool_]]:
    """Words with the shape taken away, which leaves the values of digits, and which cells do have this shape."""
    digits = [word ^ np.uint64(wanted) for word, wanted in zip(words, shape, strict=True)]
    wrong = np.zeros(len(words[0]), dtype=np.uint64)
    for rest, wanted in zip(digits, shape, strict=True):
        # Carries into the highest bit of its byte what is above 9 where a digit is to be, and elsewhere above 0.
        most = bytes(9 if sign == ord("0") else 0 for sign in wanted.to_bytes(_WORD_BYTES, "little"))
        wrong |= (rest + (_LOW_BITS - np.uint64(int.from_bytes(most, "little")))) | rest
    return digits, wrong & _HIGH_BITS == 0


def _shape(word: _Words) -> _Words:
    """The word with every digit replaced by 0."""
    rest = word ^ _ZEROS
    # The highest bit of each byte that is no digit: of 10 to 127 by a carry that stays in the byte, of others as it is.
    signs = (((rest & _LOW_BITS) + _ABOVE_NINE) | rest) & _HIGH_BITS
    return word & ~(((signs ^ _HIGH_BITS) >> _TO_LOWEST_BIT) * _LOW_NIBBLE)


def _text(words: list[int], length: int) -> bytes:
    """The cell that these words were made of."""
    *whole, last = (word.to_bytes(_WORD_BYTES, "little") for word in words)
    return (b"".join(whole)[: max(length - _WORD_BYTES, 0)] + last)[:length]
