"""Which numbers of a dataset came from which ancestor: set operations on the keys of some shards. Pure.

A number of a dataset comes from an ancestor if *every* dataset on some path between them holds the number. A union
leads to origins from which an extract of it took no number at all; only this rule tells them apart.
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

Bits = NDArray[np.uint8]
"""One bit for each number of the targets, in key order, eight to a byte. The spare bits of the last byte are 0."""


@dataclass(frozen=True, slots=True)
class Node:
    """How a dataset gets its numbers, and its parents.

    A `shared` dataset holds what its only parent holds, a `union` what any of its parents holds. An `uploaded` dataset
    has numbers of its own, and its parents are the origin of those that they hold too. A dataset takes over its
    parents' numbers at `made_at`, without those erased before. An unsealed dataset has not done so yet.
    """

    content: Content
    parents: tuple[uuid.UUID, ...] = ()
    made_at: datetime = NOT_YET


Dag = dict[uuid.UUID, Node]
"""Datasets by id, every parent before its children."""


@dataclass(frozen=True, slots=True)
class NumbersByAncestor:
    """The numbers of the targets in some shards, and for each ancestor which of them come from it.

    A target counts as its own ancestor: the numbers of a collected dataset come from that dataset.
    """

    keys: Keys
    from_ancestor: Mapping[uuid.UUID, Bits]

    def counts(self) -> dict[uuid.UUID, int]:
        """How many numbers come from each ancestor."""
        return {ancestor_id: _count(bits) for ancestor_id, bits in self.from_ancestor.items()}

    def count(self, ancestors: Iterable[uuid.UUID]) -> int:
        """How many numbers come from at least one of `ancestors`. Ids of other datasets add nothing."""
        return _count(self._from_any(ancestors))

    def orphans(self, collected: Iterable[uuid.UUID]) -> NDArray[np.bool_]:
        """Which of `keys` come from none of the `collected` datasets."""
        return ~np.unpackbits(self._from_any(collected), count=len(self.keys)).astype(np.bool_)

    def _from_any(self, ancestors: Iterable[uuid.UUID]) -> Bits:
        found = _no_bits(len(self.keys))
        for ancestor_id in ancestors:
            if ancestor_id in self.from_ancestor:
                found |= self.from_ancestor[ancestor_id]
        return found


def ancestors_of(dag: Dag, targets: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """The targets and all their ancestors, every parent before its children."""
    wanted = set(targets)
    for dataset_id in reversed(dag):
        if dataset_id in wanted:
            wanted.update(dag[dataset_id].parents)
    return [dataset_id for dataset_id in dag if dataset_id in wanted]


def uploaded_sources_of(dag: Dag, targets: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """The uploaded datasets whose numbers together are the numbers of the targets."""
    wanted = set(targets)
    for dataset_id in reversed(dag):
        if dataset_id in wanted and dag[dataset_id].content is not Content.UPLOADED:
            wanted.update(dag[dataset_id].parents)
    return [dataset_id for dataset_id in dag if dataset_id in wanted and dag[dataset_id].content is Content.UPLOADED]


def held_bits(keys: Keys, stored_keys: Keys) -> Bits:
    """Which of `keys` an uploaded dataset holds, given its `stored_keys`; both sorted and without duplicates."""
    return np.packbits(isin_sorted(keys, stored_keys))


def trace_ancestors(
    dag: Dag, targets: Collection[uuid.UUID], keys: Keys, uploaded: Mapping[uuid.UUID, Bits]
) -> NumbersByAncestor:
    """Which of the targets' numbers, which are `keys`, come from which ancestor.

    `uploaded` gives for each uploaded dataset among `ancestors_of(dag, targets)` which of `keys` it holds. Numbers
    that no target holds never matter, so each dataset, however large, takes only one bit per number of the targets.
    """
    order = ancestors_of(dag, targets)
    held = _bits_of_datasets(dag, order, len(keys), uploaded)
    from_ancestor = {
        dataset_id: held[dataset_id] if dataset_id in targets else _no_bits(len(keys)) for dataset_id in order
    }
    # From the targets upwards: a number comes from a parent if the parent holds it and it comes from one of its
    # children. All numbers of a target come from that target, so nothing is added to a target's bits, which are also
    # those in `held`.
    for child_id in reversed(order):
        for parent_id in dag[child_id].parents:
            from_ancestor[parent_id] |= from_ancestor[child_id] & held[parent_id]
    return NumbersByAncestor(keys, from_ancestor)


def _bits_of_datasets(
    dag: Dag, order: Sequence[uuid.UUID], count: int, uploaded: Mapping[uuid.UUID, Bits]
) -> dict[uuid.UUID, Bits]:
    held: dict[uuid.UUID, Bits] = {}
    for dataset_id in order:
        if dag[dataset_id].content is Content.UPLOADED:
            held[dataset_id] = uploaded[dataset_id]
        else:
            held[dataset_id] = _no_bits(count)
            for parent_id in dag[dataset_id].parents:
                held[dataset_id] |= held[parent_id]
    return held


def _no_bits(count: int) -> Bits:
    return np.zeros((count + 7) // 8, np.uint8)


def _count(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum(dtype=np.int64))
