"""How full the number blocks of a set of numbers are: a histogram that names no block. Pure.

A base of customers touches many blocks a little. A guessed block is full.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_SIZE: Final = 10_000
"""The numbers of a number block: they differ in their last four digits only."""

BOUNDS: Final = (1, 2, 10, 100, 1_000, 5_000, BLOCK_SIZE)
"""The smallest fill of each class of blocks. The last class has the blocks that are full."""


class Filled(NamedTuple):
    """The blocks that some numbers touch, ascending, and how many of these numbers are in each."""

    blocks: NDArray[np.int64]
    counts: NDArray[np.int64]


NOTHING: Final = Filled(np.empty(0, np.int64), np.empty(0, np.int64))


def fill(numbers: NDArray[np.int64]) -> Filled:
    """The blocks of distinct numbers (E.164 digits as integers)."""
    blocks, counts = np.unique(numbers // BLOCK_SIZE, return_counts=True)
    return Filled(blocks, counts.astype(np.int64))


def add(first: Filled, second: Filled) -> Filled:
    """The blocks of two sets of numbers that have none in common."""
    blocks, places = np.unique(np.concatenate((first.blocks, second.blocks)), return_inverse=True)
    counts = np.zeros(len(blocks), np.int64)
    np.add.at(counts, places, np.concatenate((first.counts, second.counts)))
    return Filled(blocks, counts)


def histogram(filled: Filled) -> list[int]:
    """How many blocks are in each class of `BOUNDS`."""
    classes = np.searchsorted(BOUNDS, filled.counts, side="right") - 1
    return np.bincount(classes, minlength=len(BOUNDS)).tolist()  # type: ignore[no-any-return]


def spans() -> Sequence[tuple[int, int]]:
    """The smallest and the largest fill of each class."""
    return [*zip(BOUNDS, (bound - 1 for bound in BOUNDS[1:]), strict=False), (BLOCK_SIZE, BLOCK_SIZE)]
