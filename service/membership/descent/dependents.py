"""Who draws on the stored copies of one number, and on which nobody does any more. Pure.

A number is stored in uploaded datasets. Others share it, or hold copies of their own that came from there, and their
origin is proved by it: so a copy goes only after all these have gone (GDPR Art. 17).
"""

import uuid
from collections.abc import Collection, Mapping

import numpy as np

from service.core.erasures import Erasures, held_at
from service.core.vocabulary import Content
from service.membership import runs
from service.membership.descent.dag import Bits, Dag, Node, NumbersByAncestor
from service.number.keyring import Keys, unpack_keys


def sources(node: Node, ended: Erasures) -> list[uuid.UUID]:
    """The parents from which a dataset took over what they had, unless it was erased from them before."""
    return [parent for parent in node.parents if held_at(ended, parent, node.made_at)]


def drawing(dag: Dag, stored: Collection[uuid.UUID], ended: Erasures) -> set[uuid.UUID]:
    """The datasets that store a number and those that share it with them, also the `ended` ones."""
    found = set(stored)
    for dataset, node in dag.items():
        if node.content is not Content.UPLOADED and not found.isdisjoint(sources(node, ended)):
            found.add(dataset)
    return found


def descent(dag: Dag, targets: Collection[uuid.UUID], stored: Collection[uuid.UUID], ended: Erasures) -> set[uuid.UUID]:
    """Those of `targets` that have a number still, and all datasets from which they have it, also the `ended` ones.

    `dag` has the targets with their ancestors or, as well, all that was made of the datasets which store the number.
    """
    having = drawing(dag, stored, ended)
    found = having.intersection(targets) - ended.keys()
    for dataset in reversed(dag):
        if dataset in found:
            found.update(having.intersection(sources(dag[dataset], ended)))
    return found


def unneeded(
    dag: Dag, served: Collection[uuid.UUID], stored: Collection[uuid.UUID], ended: Erasures
) -> frozenset[uuid.UUID]:
    """Those of the datasets storing a number of which the stored copy serves nobody any more.

    `dag` has these and whatever was made of them; `served` are those of them that count as holdings. A copy is needed
    by such a dataset if that holds the number still, and has it from there.
    """
    return frozenset(stored) - descent(dag, served, stored, ended)


def contents(
    dag: Dag, targets: Collection[uuid.UUID], stored: Mapping[uuid.UUID, Keys], ended: Mapping[bytes, Erasures]
) -> tuple[Keys, dict[int, Erasures]]:
    """The sorted keys that targets hold, and by their places those of them that somebody erased.

    `stored` are the sorted keys of the `ancestry.uploaded_sources_of` the targets; `ended` has keys in ascending order.
    """
    keys = runs.union(list(stored.values()))
    if not ended:
        return keys, {}
    some = unpack_keys(b"".join(ended))
    holds = {dataset: runs.isin_sorted(some, of_dataset) for dataset, of_dataset in stored.items()}
    left, gone = {}, []
    for at, (key, of_number) in enumerate(ended.items()):
        if descent(dag, targets, [dataset for dataset, held in holds.items() if held[at]], of_number):
            left[key] = of_number
        else:
            gone.append(key)
    keys = keys[~runs.isin_sorted(keys, unpack_keys(b"".join(gone)))]
    places, _ = runs.pairs(keys, unpack_keys(b"".join(left)))
    return keys, dict(zip(places.tolist(), left.values(), strict=True))


def corrected(
    ancestry: NumbersByAncestor,
    dag: Dag,
    targets: Collection[uuid.UUID],
    uploaded: Mapping[uuid.UUID, Bits],
    ended: Mapping[int, Erasures],
) -> NumbersByAncestor:
    """What `trace` found of the same datasets, with heed to what was erased of some numbers, by their places in `keys`.

    There are few such, and each is gone through by itself.
    """
    found = {dataset: bits.copy() for dataset, bits in ancestry.from_ancestor.items()}
    for place, of_number in ended.items():
        byte, mask = place >> 3, np.uint8(0x80 >> (place & 7))
        storing = [dataset for dataset, bits in uploaded.items() if bits[byte] & mask]
        lineage = descent(dag, targets, storing, of_number)
        for dataset, bits in found.items():
            bits[byte] = bits[byte] | mask if dataset in lineage else bits[byte] & ~mask
    return NumbersByAncestor(ancestry.keys, found)
