"""Matching a list of numbers with what datasets hold: for screening, for objections, for proof.

Blocks stream by in key order, shard after shard, and are compared with the sorted list: every stored key is read once,
however long the list is. A few shards are read at a time, and memory holds these and the list.
"""

import asyncio
import uuid
from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.core.db import Database
from service.membership import blocks, bulk_read
from service.membership.blocks import SHARDS
from service.membership.bulk_read import Stored
from service.membership.models import SegmentState
from service.membership.runs import pairs
from service.number.keyring import Keys

# While one shard is compared here, the database reads another.
_READERS: Final = 2

Matches = dict[uuid.UUID, NDArray[np.intp]]
"""For each dataset that stores any of the keys, the places of those that it stores, ascending."""


async def match(database: Database, keys: Keys, dataset_ids: Collection[uuid.UUID] | None = None) -> Matches:
    """Which of the sorted, distinct `keys` are stored by each of these uploaded datasets, or by each that there is.

    What was erased from a dataset may be stored for others still: of a number found here that has exclusions (see
    `exclusion.excluded`), who holds it is told by `drawing` and its kin, or by an answer.
    Each reader sees a state of its own: what is sealed or erased meanwhile may be found or not.
    """
    edges = np.searchsorted(blocks.leads_of(keys), np.arange(SHARDS + 1) * (blocks.LEADS // SHARDS)).tolist()
    waiting = iter([shard for shard in range(SHARDS) if edges[shard] < edges[shard + 1]])
    found: dict[uuid.UUID, dict[int, NDArray[np.intp]]] = {}

    def read_some() -> None:
        with database.bulk_snapshot() as connection, connection.cursor(binary=True) as cursor:
            for shard in waiting:
                first, last = edges[shard : shard + 2]
                cursor.execute(bulk_read.STORED, bulk_read.in_shard(dataset_ids, shard, [SegmentState.LIVE]))
                for segment in bulk_read.by_segment(cursor.fetchall()):
                    for dataset_id, places in _held(keys[first:last], segment).items():
                        found.setdefault(dataset_id, {})[shard] = places + first

    await asyncio.gather(*(asyncio.to_thread(read_some) for _ in range(_READERS)))
    return {
        dataset_id: np.concatenate([by_shard[shard] for shard in sorted(by_shard)])
        for dataset_id, by_shard in found.items()
    }


def _held(keys: Keys, stored: Stored) -> Matches:
    """Which of `keys` the wanted datasets of a segment store in one shard."""
    places, entries = pairs(keys, stored.keys)
    if stored.holders is None:
        return dict.fromkeys(stored.datasets.values(), places) if len(places) else {}
    # Together by holder, so that thousands of datasets in a segment cost no more than one.
    holders = stored.holders[entries]
    order = np.lexsort((places, holders))
    holders, places = holders[order], places[order]
    edges = np.flatnonzero(np.concatenate(([True], holders[1:] != holders[:-1], [True])))
    return {
        stored.datasets[holder]: places[first:last]
        for holder, first, last in zip(holders[edges[:-1]].tolist(), edges[:-1], edges[1:], strict=True)
        if holder in stored.datasets
    }
