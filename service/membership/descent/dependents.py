"""The dependents of the stored copies of one number, and the copies that no longer have any. Pure.

A number is stored in uploaded datasets. Other datasets share a stored copy, or hold copies of their own that came from
it and whose origin it proves. So a copy is dropped only after all of these have erased the number (GDPR Art. 17).
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from service.core.erasures import Erasures, held_at
from service.core.vocabulary import Content
from service.membership import runs
from service.membership.descent.dag import Bits, Dag, Node, NumbersByAncestor
from service.number.keyring import Keys, unpack_keys


class Sharer(NamedTuple):
    """A dataset that stores no numbers of its own and shares those of a parent, as they were at `made_at`."""

    dataset_id: uuid.UUID
    made_at: datetime


Sharers = Mapping[uuid.UUID, Sequence[Sharer]]
"""For each parent the datasets that share its numbers."""


def sharers_in(dag: Dag) -> Sharers:
    """The sharers of each dataset of `dag`."""
    found: dict[uuid.UUID, list[Sharer]] = {}
    for dataset_id, node in dag.items():
        if node.content is not Content.UPLOADED:
            for parent_id in node.parents:
                found.setdefault(parent_id, []).append(Sharer(dataset_id, node.made_at))
    return found


def dependents_of(stored_in: Iterable[uuid.UUID], sharers: Sharers, erasures: Erasures) -> set[uuid.UUID]:
    """The datasets that store a number and all that share it with them, including those that have erased it since."""
    found: set[uuid.UUID] = set()
    waiting = list(stored_in)
    while waiting:
        dataset_id = waiting.pop()
        if dataset_id not in found:
            found.add(dataset_id)
            waiting += [
                sharer.dataset_id
                for sharer in sharers.get(dataset_id, ())
                if held_at(erasures, dataset_id, sharer.made_at)
            ]
    return found


def parents_with_number(node: Node, erasures: Erasures) -> list[uuid.UUID]:
    """The parents that a dataset may have taken a number from: it was not erased from them before."""
    return [parent_id for parent_id in node.parents if held_at(erasures, parent_id, node.made_at)]


def trace_number(
    dag: Dag, targets: Collection[uuid.UUID], stored_in: Collection[uuid.UUID], erasures: Erasures
) -> set[uuid.UUID]:
    """The `targets` that still hold a number and all datasets that they have it from, erased since or not.

    `dag` holds the targets and their ancestors. It may also hold all descendants of the datasets that store the number.
    """
    return _trace_number(dag, sharers_in(dag), targets, stored_in, erasures)


def _trace_number(
    dag: Dag, sharers: Sharers, targets: Collection[uuid.UUID], stored_in: Collection[uuid.UUID], erasures: Erasures
) -> set[uuid.UUID]:
    dependents = dependents_of(stored_in, sharers, erasures)
    found = dependents.intersection(targets) - erasures.keys()
    for dataset_id in reversed(dag):
        if dataset_id in found:
            found.update(dependents.intersection(parents_with_number(dag[dataset_id], erasures)))
    return found


def copies_no_longer_needed(
    dag: Dag, holding: Collection[uuid.UUID], stored_in: Collection[uuid.UUID], erasures: Erasures
) -> frozenset[uuid.UUID]:
    """The datasets whose stored copy of a number no longer has a dependent.

    `dag` holds the datasets that store the number and all their descendants. `holding` are those that count as holdings
    of it. A dataset that still holds the number needs the copy that it has the number from.
    """
    return frozenset(stored_in) - trace_number(dag, holding, stored_in, erasures)


def held_keys(
    dag: Dag,
    targets: Collection[uuid.UUID],
    stored_keys: Mapping[uuid.UUID, Keys],
    erasures_by_key: Mapping[bytes, Erasures],
) -> tuple[Keys, dict[int, Erasures]]:
    """The sorted keys that the targets hold, and the erasures of those keys that have any, by their place.

    `stored_keys` are the sorted keys of the targets' `dag.uploaded_sources_of`. `erasures_by_key` is in ascending order
    of the keys.
    """
    keys = runs.union(list(stored_keys.values()))
    if not erasures_by_key:
        return keys, {}
    erased_keys = unpack_keys(b"".join(erasures_by_key))
    stores = {dataset_id: runs.isin_sorted(erased_keys, stored) for dataset_id, stored in stored_keys.items()}
    # A dataset from which a number was erased stored it until then, even if that copy is gone.
    for place, erasures in enumerate(erasures_by_key.values()):
        for dataset_id in stores.keys() & erasures.keys():
            stores[dataset_id][place] = True
    once_stored = np.any(list(stores.values()), axis=0) & ~runs.isin_sorted(erased_keys, keys)
    if once_stored.any():
        keys = runs.union([keys, erased_keys[once_stored]])
    sharers = sharers_in(dag)
    still_held, gone = {}, []
    for place, (key, erasures) in enumerate(erasures_by_key.items()):
        stored_in = [dataset_id for dataset_id, is_stored in stores.items() if is_stored[place]]
        if _trace_number(dag, sharers, targets, stored_in, erasures):
            still_held[key] = erasures
        else:
            gone.append(key)
    keys = keys[~runs.isin_sorted(keys, unpack_keys(b"".join(gone)))]
    places, _ = runs.matching_places(keys, unpack_keys(b"".join(still_held)))
    return keys, dict(zip(places.tolist(), still_held.values(), strict=True))


def apply_erasures(
    found: NumbersByAncestor,
    dag: Dag,
    targets: Collection[uuid.UUID],
    uploaded: Mapping[uuid.UUID, Bits],
    erasures_by_place: Mapping[int, Erasures],
) -> NumbersByAncestor:
    """What `trace_ancestors` found for these datasets, corrected for the numbers that have erasures.

    These are few, so each is traced by itself. They are given by their place in `keys`.
    """
    sharers = sharers_in(dag)
    from_ancestor = {dataset_id: bits.copy() for dataset_id, bits in found.from_ancestor.items()}
    for place, erasures in erasures_by_place.items():
        byte, mask = place >> 3, np.uint8(0x80 >> (place & 7))
        stored_in = [dataset_id for dataset_id, bits in uploaded.items() if bits[byte] & mask or dataset_id in erasures]
        traced = _trace_number(dag, sharers, targets, stored_in, erasures)
        for dataset_id, bits in from_ancestor.items():
            bits[byte] = bits[byte] | mask if dataset_id in traced else bits[byte] & ~mask
    return NumbersByAncestor(found.keys, from_ancestor)
