"""Columns of text as arrays: where each cell is, and what the digits of many cells of one shape spell.

The *shape* of a cell is its text with every digit replaced by 0. Cells of one shape have their digits in the same
places, so whoever reads them parses the shape alone, once; the rest is arithmetic on all of them. It takes eight bytes
of text as one 64-bit word ("SIMD within a register": Lamport, Multiple Byte Processing with Full-Word Instructions,
CACM 18(8), 1975), which is what makes a line cost tens of nanoseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

LONGEST_ALIKE = 64
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
_LOW_NIBBLE, _TO_LOWEST_BIT = np.uint64(15), np.uint64(7)
_LANES, _LANE_BITS = 4, 16
_TO_LAST_LANE = np.uint64((_LANES - 1) * _LANE_BITS)


@dataclass(frozen=True)
class Alike:
    """Cells of one shape: the shape, the rows of their column on which they are, and their digits.

    Each of `words` holds eight bytes of every cell, digits as 0 to 9 and all else as 0; `places` are where in the cells
    they begin.
    """

    shape: bytes
    rows: Rows
    words: Sequence[_Words]
    places: Sequence[int]
    _lanes: dict[tuple[int, int], _Words] = field(default_factory=dict, repr=False, compare=False)

    def part(self, start: int, end: int) -> "Alike":
        """From each cell what is in these places of it."""
        return Alike(self.shape[start:end], self.rows, self.words, [at - start for at in self.places], self._lanes)

    def number(self, start: int = 0, end: int = LONGEST_ALIKE) -> NDArray[np.int64]:
        """What the digits in these places of each cell spell, signs between them passed over; at most 18 digits."""
        places = [place for place in range(start, min(end, len(self.shape))) if self.shape[place] == ord("0")]
        first = len(places) % _LANES
        value = self._up_to_four(places[:first]) if first else np.zeros(len(self.words[0]), dtype=np.uint64)
        for at in range(first, len(places), _LANES):
            four = self._up_to_four(places[at : at + _LANES])
            value = value * np.uint64(10_000) + four if at else four
        return value.view(np.int64)

    def _up_to_four(self, places: Sequence[int]) -> _Words:
        """The number that one to four digits spell.

        The last lane of a product of two words is the sum of the products of their lanes, the one's first by the
        other's last. With the digits in one and their weights in the other, that is the number. No lane overflows
        into the next: all weights together are at most 1111.
        """
        weights: dict[tuple[int, int], int] = {}
        for power, place in enumerate(reversed(places)):
            word = next(word for word, at in enumerate(self.places) if at <= place < at + _WORD_BYTES)
            lane, odd = divmod(place - self.places[word], 2)
            weights[word, odd] = weights.get((word, odd), 0) + (10**power << (_LANES - 1 - lane) * _LANE_BITS)
        products = [self._bytes(word, odd) * np.uint64(weight) for (word, odd), weight in weights.items()]
        return sum(products[1:], products[0]) >> _TO_LAST_LANE

    def _bytes(self, word: int, odd: int) -> _Words:
        """The bytes 0, 2, 4 and 6 of a word, or 1, 3, 5 and 7, each in a lane of 16 bits."""
        lanes = self._lanes.get((word, odd))
        if lanes is None:
            lanes = self._lanes[word, odd] = self.words[word] >> np.uint64(8 * odd) & _EVEN_BYTES
        return lanes


@dataclass(frozen=True, slots=True)
class Cells:
    """A column: row i is the `lengths[i]` bytes of `text` (UTF-8) from `starts[i]` on.

    `alike` is known where all are of one shape and were found so already.
    """

    text: bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    alike: Alike | None = None

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
        """The cells by their shapes, each shape once. Only empty cells and the longest are in no group."""
        if self.alike is not None:
            yield self.alike
            return
        for length, rows, starts in self._by_length():
            for shape, those, digits in _shapes(_words(self.text, starts, length), rows):
                every = len(those) == len(self)
                yield Alike(_text(shape, length), slice(None) if every else those, digits, _places(length))

    def _by_length(self) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
        """Each length from 1 byte to the longest, the rows of that length, and their starts."""
        lengths = np.minimum(self.lengths, LONGEST_ALIKE + 1).astype(np.uint8)
        if len(self) and lengths.min() == lengths.max():
            if 1 <= lengths[0] <= LONGEST_ALIKE:
                yield int(lengths[0]), np.arange(len(self)), self.starts
            return
        # Of single bytes the stable order takes but one pass (a radix sort).
        order = np.argsort(lengths, kind="stable")
        ends = np.cumsum(np.bincount(lengths, minlength=LONGEST_ALIKE + 1)).tolist()
        for length in range(1, LONGEST_ALIKE + 1):
            rows = order[ends[length - 1] : ends[length]]
            if rows.size:
                yield length, rows, self.starts[rows]


def _words(text: bytes, starts: NDArray[np.int64], length: int) -> list[_Words]:
    """Eight bytes each of cells of one length, the last of them the last of the cell; shorter cells end in NUL."""
    # An item as long as a cell at every byte of the text: to index it copies each cell in one go.
    anywhere = np.ndarray((len(text) - length + 1,), f"V{length}", text, strides=(1,))
    cells = anywhere[_evenly(starts) or starts]
    if length < _WORD_BYTES:
        cells = np.ascontiguousarray(cells).view(f"S{length}").astype(f"S{_WORD_BYTES}")
    return [cells.getfield(_WORD, place).astype(np.uint64) for place in _places(length)]


def _places(length: int) -> list[int]:
    """Where the words of a cell begin: one after the other, only the last ends with the cell if it is long enough."""
    return [*range(0, length - _WORD_BYTES, _WORD_BYTES), max(length, _WORD_BYTES) - _WORD_BYTES]


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
    rows, shapes = rows[order], [shape[order] for shape in shapes]
    digits = [word[order] ^ shape for word, shape in zip(words, shapes, strict=True)]
    changes = np.logical_or.reduce([shape[1:] != shape[:-1] for shape in shapes])
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(rows)]
    for start, end in pairwise(edges):
        yield [int(shape[start]) for shape in shapes], rows[start:end], [each[start:end] for each in digits]


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
