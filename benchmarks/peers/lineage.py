"""The question that all are asked: which datasets did a number come through to the last one, all of them holding it.

Ten datasets, each drawn from the two before it; every number is in the last, and in four of five of the others.
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
"""Pairs of a dataset and one that it comes from."""

Lineage = frozenset[int]
"""The last dataset and all that lead to it."""

Ask = Callable[[int], Lineage]


class Held(NamedTuple):
    """Memberships, as a frame of numbers and datasets and as a CSV file of it with a header."""

    numbers: files.Numbers
    memberships: pl.DataFrame
    file: Path


def make(folder: Path, count: int) -> Held:
    """The memberships of so many numbers."""
    numbers = files.numbers(0, count)
    place, dataset = np.divmod(np.arange(count * DATASETS), DATASETS)
    kept = (dataset == LAST) | ((place * 7 + dataset * 3) % 5 != 0)
    memberships = pl.DataFrame({"number": numbers[place[kept]], "dataset": dataset[kept]})
    file = folder / "memberships.csv"
    memberships.write_csv(file)
    return Held(numbers, memberships, file)


def of_dataset(held: Held, dataset: int) -> files.Numbers:
    """The numbers of one dataset."""
    found: files.Numbers = held.memberships.filter(pl.col("dataset") == dataset)["number"].to_numpy()
    return found


def reached(edges: Iterable[tuple[int, int]]) -> Lineage:
    """What the pairs lead to from the last dataset."""
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


def expected(held: Held, number: int) -> Lineage:
    """The right answer."""
    holding = set(held.memberships.filter(pl.col("number") == number)["dataset"].to_list())
    return reached(edge for edge in EDGES if holding.issuperset(edge))
