"""Which numbers of a dataset came from which ancestor: set work on the keys of one shard, without a database.

A number of a dataset comes from an ancestor if on some path between them *every* dataset holds the number.
A union leads to origins that a cut of it never took anything from; only this tells them apart.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from service.core.erasures import NOT_YET
from service.core.vocabulary import Content
from service.membership.runs import isin_sorted
from service.number.keyring import Keys

# One bit for each number of the targets, in key order, eight to a byte; what is left of the last byte is 0.
Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Node:
    """How a dataset comes by its numbers, and the datasets that it comes from.

    A `shared` dataset holds what its one parent holds, a `union` what any of its parents holds. An `uploaded`
    one has numbers of its own, and its parents account for those that they hold too. What was erased from a parent
    before `made_at` it did not take over; that is never, as long as the dataset is not sealed.
    """

    content: Content
    parents: tuple[uuid.UUID, ...] = ()
    made_at: datetime = NOT_YET


# Datasets by id, every parent before its children.
Dag = dict[uuid.UUID, Node]


@dataclass(frozen=True, slots=True)
class NumbersByAncestor:
    """The numbers of the targets in one shard, and for each ancestor which of them come from it.

    A target is its own ancestor: what a collected dataset holds comes from itself.
    """

    keys: Keys
    from_ancestor: Mapping[uuid.UUID, Bits]

    def counts(self) -> dict[uuid.UUID, int]:
        """How many numbers come from each ancestor."""
        return {ancestor: _count(bits) for ancestor, bits in self.from_ancestor.items()}

    def count(self, ancestors: Iterable[uuid.UUID]) -> int:
        """How many numbers come from at least one of `ancestors`; those that are none of ours add nothing."""
        return _count(self._from_any(ancestors))

    def orphans(self, collected: Iterable[uuid.UUID]) -> NDArray[np.bool_]:
        """Which of `keys` come from none of the `collected` datasets."""
        return ~np.unpackbits(self._from_any(collected), count=len(self.keys)).astype(np.bool_)

    def _from_any(self, ancestors: Iterable[uuid.UUID]) -> Bits:
        found = _no_bits(len(self.keys))
        for ancestor in ancestors:
            if ancestor in self.from_ancestor:
                found |= self.from_ancestor[ancestor]
        return found


def ancestors_of(dag: Dag, targets: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """The targets and all that they come from, every parent before its children."""
    wanted = set(targets)
    for dataset in reversed(dag):
        if dataset in wanted:
            wanted.update(dag[dataset].parents)
    return [dataset for dataset in dag if dataset in wanted]


def uploaded_sources_of(dag: Dag, targets: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """The uploaded datasets whose numbers, taken together, are the numbers of the targets."""
    wanted = set(targets)
    for dataset in reversed(dag):
        if dataset in wanted and dag[dataset].content is not Content.UPLOADED:
            wanted.update(dag[dataset].parents)
    return [dataset for dataset in dag if dataset in wanted and dag[dataset].content is Content.UPLOADED]


def holding(keys: Keys, of_dataset: Keys) -> Bits:
    """Which of `keys` an uploaded dataset holds; both sorted and without duplicates."""
    return np.packbits(isin_sorted(keys, of_dataset))


def trace(
    dag: Dag, targets: Collection[uuid.UUID], keys: Keys, uploaded: Mapping[uuid.UUID, Bits]
) -> NumbersByAncestor:
    """The ancestry of `targets`, whose numbers are `keys`.

    `uploaded` says for each uploaded dataset among `ancestors_of(dag, targets)` which of `keys` it holds.
    Numbers that no target holds never matter, so all that is kept of a dataset, however large, is one bit for
    each number of the targets.
    """
    order = ancestors_of(dag, targets)
    held = _holdings(dag, order, len(keys), uploaded)
    reached = {dataset: held[dataset] if dataset in targets else _no_bits(len(keys)) for dataset in order}
    # From the targets up: a parent is reached by the numbers that it holds and that reach a child of it. A target
    # is reached by all that it holds, so nothing is ever added to its bits, which are also those in `held`.
    for child in reversed(order):
        for parent in dag[child].parents:
            reached[parent] |= reached[child] & held[parent]
    return NumbersByAncestor(keys, reached)


def _holdings(
    dag: Dag, order: Sequence[uuid.UUID], count: int, uploaded: Mapping[uuid.UUID, Bits]
) -> dict[uuid.UUID, Bits]:
    held: dict[uuid.UUID, Bits] = {}
    for dataset in order:
        if dag[dataset].content is Content.UPLOADED:
            held[dataset] = uploaded[dataset]
        else:
            held[dataset] = _no_bits(count)
            for parent in dag[dataset].parents:
                held[dataset] |= held[parent]
    return held


def _no_bits(count: int) -> Bits:
    return np.zeros((count + 7) // 8, np.uint8)


def _count(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum(dtype=np.int64))
