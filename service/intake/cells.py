"""Columns of text as arrays: the place of each cell, and the numbers written by the digits of many cells of one shape.

The *shape* of a cell is its text with every digit replaced by 0. Cells of one shape have their digits in the same
places. So a reader parses the shape once, and the rest is arithmetic on all cells together. It treats eight bytes of
text as one 64-bit word ("SIMD within a register": Lamport, Multiple Byte Processing with Full-Word Instructions,
CACM 18(8), 1975). That is why a line takes only tens of nanoseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Self, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    # The service imports this module, and not Polars.
    import polars as pl

LONGEST_GROUPED = 64
"""Longer cells, in bytes, are neither a number nor a time, and are in no group."""

_WORD = np.dtype("<u8")
_WORD_BYTES = 8
# The cells of one length nearly always have few shapes. Only if there are more are the rest sorted by shape.
_SHAPES_WITHOUT_SORTING = 3

_Words = NDArray[np.uint64]
Rows = NDArray[np.intp] | slice


def _in_every_byte(byte: int) -> np.uint64:
    return np.uint64(int.from_bytes(bytes([byte]) * _WORD_BYTES))


_ZEROS, _LOW_BITS, _HIGH_BITS = _in_every_byte(ord("0")), _in_every_byte(0x7F), _in_every_byte(0x80)
_ABOVE_NINE = _in_every_byte(0x80 - 10)
_EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
_LOW_NIBBLE, _TO_LOWEST_BIT = np.uint64(15), np.uint64(7)
_LANES, _LANE_BITS = 4, 16
_TO_LAST_LANE = np.uint64((_LANES - 1) * _LANE_BITS)


@dataclass(frozen=True)
class ShapeGroup:
    """Cells of one shape: the shape, their rows in the column, and their digits.

    Each of `words` has eight bytes of every cell, with digits as 0 to 9 and everything else as 0. `places` are where in
    the cells these words begin.
    """

    shape: bytes
    rows: Rows
    words: Sequence[_Words]
    places: Sequence[int]
    _lanes: dict[tuple[int, int], _Words] = field(default_factory=dict, repr=False, compare=False)

    def part(self, start: int, end: int) -> "ShapeGroup":
        """The part of each cell in these places."""
        return ShapeGroup(self.shape[start:end], self.rows, self.words, [at - start for at in self.places], self._lanes)

    def number(self, start: int = 0, end: int = LONGEST_GROUPED) -> NDArray[np.int64]:
        """The number written by the digits (at most 18) in these places of each cell, ignoring other signs."""
        places = [place for place in range(start, min(end, len(self.shape))) if self.shape[place] == ord("0")]
        first = len(places) % _LANES
        value = self._up_to_four(places[:first]) if first else np.zeros(len(self.words[0]), dtype=np.uint64)
        for at in range(first, len(places), _LANES):
            four = self._up_to_four(places[at : at + _LANES])
            value = value * np.uint64(10_000) + four if at else four
        return value.view(np.int64)

    def _up_to_four(self, places: Sequence[int]) -> _Words:
        """The number written by one to four digits.

        The last lane of a product of two words is the sum of the products of their lanes, taken in opposite order. With
        digits in one word and their weights in the other, that sum is the number. Lanes do not overflow, because all
        weights together are at most 1111.
        """
        weights: dict[tuple[int, int], int] = {}
        for power, place in enumerate(reversed(places)):
            word = next(word for word, at in enumerate(self.places) if at <= place < at + _WORD_BYTES)
            lane, odd = divmod(place - self.places[word], 2)
            weights[word, odd] = weights.get((word, odd), 0) + (10**power << (_LANES - 1 - lane) * _LANE_BITS)
        products = [self._bytes(word, odd) * np.uint64(weight) for (word, odd), weight in weights.items()]
        return sum(products[1:], products[0]) >> _TO_LAST_LANE

    def _bytes(self, word: int, odd: int) -> _Words:
        """The bytes of a word in even places, or in odd places, each in a lane of 16 bits."""
        lanes = self._lanes.get((word, odd))
        if lanes is None:
            lanes = self._lanes[word, odd] = self.words[word] >> np.uint64(8 * odd) & _EVEN_BYTES
        return lanes


@dataclass(frozen=True, slots=True)
class Cells:
    """A column: row i is the `lengths[i]` bytes of `text` (UTF-8) from `starts[i]` on.

    `group` is set if all cells are already known to have one shape.
    """

    text: bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    group: ShapeGroup | None = None

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """A column of these cells."""
        cells = [text.encode() for text in texts]
        return cls._joined(b"".join(cells), np.fromiter(map(len, cells), dtype=np.int64, count=len(cells)))

    @classmethod
    def of_series(cls, texts: "pl.Series") -> Self:
        """A column with the cells of a series of strings without nulls."""
        return cls._joined(
            str(texts.str.join("").item() or "").encode(), texts.str.len_bytes().to_numpy().astype(np.int64)
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

    def take(self, rows: NDArray[np.intp]) -> "Cells":
        """The column of these rows."""
        return self[rows]

    def texts(self) -> list[str]:
        """The texts of all cells."""
        ends = (self.starts + self.lengths).tolist()
        return [self.text[start:end].decode() for start, end in zip(self.starts.tolist(), ends, strict=True)]

    def distinct(self) -> tuple[list[str], NDArray[np.intp]]:
        """The distinct texts, and for each row which of them it has. Of long cells, only the beginning counts."""
        lengths = np.minimum(self.lengths, LONGEST_GROUPED + 1)
        texts: list[str] = []
        places = np.zeros(len(self), dtype=np.intp)
        for length in np.unique(lengths).tolist():
            rows = np.flatnonzero(lengths == length)
            if not length:
                places[rows] = len(texts)
                texts.append("")
                continue
            items = np.ndarray((len(self.text) - length + 1,), f"S{length}", self.text, strides=(1,))
            found, place = np.unique(items[self.starts[rows]], return_inverse=True)
            places[rows] = place + len(texts)
            texts.extend(item.decode(errors="replace") for item in found.tolist())
        return texts, places

    def texts_of(self, rows: NDArray[np.intp]) -> list[str]:
        """The texts of the cells in these rows."""
        return self[rows].texts()

    def by_shape(self, fewest: int = 1) -> Iterator[ShapeGroup]:
        """The groups of at least so many cells of one shape. There may be smaller groups too.

        Empty cells and those above `LONGEST_GROUPED` are in no group.
        """
        if self.group is not None:
            yield self.group
            return
        for length, rows, starts in self._by_length():
            for shape, rows_of_shape, digits in _split_by_shape(_words(self.text, starts, length), rows, fewest):
                all_rows = len(rows_of_shape) == len(self)
                group_rows = slice(None) if all_rows else rows_of_shape
                yield ShapeGroup(_shape_text(shape, length), group_rows, digits, _places(length))

    def _by_length(self) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
        """Each length from 1 byte to the longest, the rows of that length, and their starts."""
        lengths = np.minimum(self.lengths, LONGEST_GROUPED + 1).astype(np.uint8)
        if len(self) and lengths.min() == lengths.max():
            if 1 <= lengths[0] <= LONGEST_GROUPED:
                yield int(lengths[0]), np.arange(len(self)), self.starts
            return
        # A stable sort of single bytes takes only one pass (a radix sort).
        order = np.argsort(lengths, kind="stable")
        ends = np.cumsum(np.bincount(lengths, minlength=LONGEST_GROUPED + 1)).tolist()
        for length in range(1, LONGEST_GROUPED + 1):
            rows = order[ends[length - 1] : ends[length]]
            if rows.size:
                yield length, rows, self.starts[rows]


def _words(text: bytes, starts: NDArray[np.int64], length: int) -> list[_Words]:
    """Words of eight bytes of cells of one length. The last word ends with the cell; shorter cells end in NUL."""
    # An array with an item as long as a cell at every byte of the text: indexing it copies each cell at once.
    items = np.ndarray((len(text) - length + 1,), f"V{length}", text, strides=(1,))
    cells = items[_even_slice(starts) or starts]
    if length < _WORD_BYTES:
        cells = np.ascontiguousarray(cells).view(f"S{length}").astype(f"S{_WORD_BYTES}")
    return [cells.getfield(_WORD, place).astype(np.uint64) for place in _places(length)]


def _places(length: int) -> list[int]:
    """Where the words of a cell begin: one after the other, but the last word ends with a cell that is long enough."""
    return [*range(0, length - _WORD_BYTES, _WORD_BYTES), max(length, _WORD_BYTES) - _WORD_BYTES]


def _even_slice(starts: NDArray[np.int64]) -> slice | None:
    """The starts as a slice if their distances are equal: then no cell has to be copied."""
    first, last = int(starts[0]), int(starts[-1])
    step = max((last - first) // max(len(starts) - 1, 1), 1)
    evenly = slice(first, last + 1, step)
    even_starts = np.arange(evenly.start, evenly.stop, evenly.step)
    return evenly if len(even_starts) == len(starts) and (even_starts == starts).all() else None


def _split_by_shape(
    words: list[_Words], rows: NDArray[np.intp], fewest: int
) -> Iterator[tuple[list[int], NDArray[np.intp], list[_Words]]]:
    """Each shape among cells of one length, as words, with the rows that have it and their digits."""
    for _ in range(_SHAPES_WITHOUT_SORTING):
        shape = [int(_shape(word[:1])[0]) for word in words]
        digits, has_shape = _digits(words, shape)
        if has_shape.all():
            yield shape, rows, digits
            return
        same, others = np.flatnonzero(has_shape), np.flatnonzero(~has_shape)
        yield shape, rows[same], [word[same] for word in digits]
        rows, words = rows[others], [word[others] for word in words]
    shapes = [_shape(word) for word in words]
    order = np.lexsort(shapes)
    rows, shapes = rows[order], [shape[order] for shape in shapes]
    digits = [word[order] ^ shape for word, shape in zip(words, shapes, strict=True)]
    changes = np.logical_or.reduce([shape[1:] != shape[:-1] for shape in shapes])
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(rows)]
    for start, end in pairwise(edges):
        if end - start < fewest:
            continue
        yield [int(shape[start]) for shape in shapes], rows[start:end], [word[start:end] for word in digits]


def _digits(words: list[_Words], shape: list[int]) -> tuple[list[_Words], NDArray[np.bool_]]:
    """The words without the shape, which leaves the values of digits, and which cells have this shape."""
    digits = [word ^ np.uint64(shape_word) for word, shape_word in zip(words, shape, strict=True)]
    wrong = np.zeros(len(words[0]), dtype=np.uint64)
    for rest, shape_word in zip(digits, shape, strict=True):
        # A byte carries into its highest bit if it is above 9 in the place of a digit, and elsewhere if it is above 0.
        largest = bytes(9 if sign == ord("0") else 0 for sign in shape_word.to_bytes(_WORD_BYTES, "little"))
        wrong |= (rest + (_LOW_BITS - np.uint64(int.from_bytes(largest, "little")))) | rest
    return digits, wrong & _HIGH_BITS == 0


def _shape(word: _Words) -> _Words:
    """The word with every digit replaced by 0."""
    rest = word ^ _ZEROS
    # Sets the highest bit of each byte that is not a digit: by a carry within the byte, or it is set already.
    signs = (((rest & _LOW_BITS) + _ABOVE_NINE) | rest) & _HIGH_BITS
    return word & ~(((signs ^ _HIGH_BITS) >> _TO_LOWEST_BIT) * _LOW_NIBBLE)


def _shape_text(words: list[int], length: int) -> bytes:
    """The shape of a cell of this length, whose words these are."""
    *whole, last = (word.to_bytes(_WORD_BYTES, "little") for word in words)
    return (b"".join(whole)[: max(length - _WORD_BYTES, 0)] + last)[:length]
