"""The question for all peers: through which datasets, each holding the number, did it come to the last dataset.

There are ten datasets, each derived from the two before it. Every number is in the last, and in four of five others.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from benchmarks import files

DATASETS = 10
LAST = DATASETS - 1
EDGES = [(dataset, parent) for dataset in range(DATASETS) for parent in (dataset - 1, dataset - 2) if parent >= 0]
"""Pairs of a dataset and a parent."""

Lineage = frozenset[int]
"""The last dataset, and all datasets that lead to it."""

LineageQuery = Callable[[int], Lineage]


class Memberships(NamedTuple):
    """Memberships as a frame with the columns `number` and `dataset`, and as a CSV file of it with a header."""

    numbers: files.Numbers
    frame: pl.DataFrame
    file: Path


def make_memberships(folder: Path, count: int) -> Memberships:
    """The memberships of `count` numbers."""
    numbers = files.numbers(0, count)
    index, dataset = np.divmod(np.arange(count * DATASETS), DATASETS)
    kept = (dataset == LAST) | ((index * 7 + dataset * 3) % 5 != 0)
    frame = pl.DataFrame({"number": numbers[index[kept]], "dataset": dataset[kept]})
    file = folder / "memberships.csv"
    frame.write_csv(file)
    return Memberships(numbers, frame, file)


def numbers_in(memberships: Memberships, dataset: int) -> files.Numbers:
    """The numbers of one dataset."""
    numbers: files.Numbers = memberships.frame.filter(pl.col("dataset") == dataset)["number"].to_numpy()
    return numbers


def reachable(edges: Iterable[tuple[int, int]]) -> Lineage:
    """The datasets that can be reached from the last along edges from dataset to parent."""
    parents: dict[int, list[int]] = {}
    for dataset, parent in edges:
        parents.setdefault(dataset, []).append(parent)
    found, waiting = {LAST}, [LAST]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return frozenset(found)


def expected_lineage(memberships: Memberships, number: int) -> Lineage:
    """The right answer about a number."""
    holders = set(memberships.frame.filter(pl.col("number") == number)["dataset"].to_list())
    return reachable(edge for edge in EDGES if holders.issuperset(edge))
