"""Matches a list of numbers with what datasets store: for screenings, objections and flags.

Blocks are read in key order, shard after shard, and compared with the sorted list. So every stored key is read once,
however long the list is. Memory holds the list and the few shards that are being read.
"""

import asyncio
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.core.db import Database
from service.membership import blocks, bulk_read, runs
from service.membership.blocks import SHARDS
from service.membership.bulk_read import StoredKeys
from service.membership.models import SegmentState
from service.membership.runs import matching_places
from service.number.keyring import Keys

# While one shard is compared here, the database reads another.
_READERS: Final = 2

Matches = dict[uuid.UUID, NDArray[np.intp]]
"""For each dataset that stores any of the keys, the places of the stored keys in the list, ascending."""


async def match_keys(database: Database, keys: Keys, dataset_ids: Collection[uuid.UUID] | None = None) -> Matches:
    """Which of the sorted, distinct `keys` each of these uploaded datasets stores; by default all datasets.

    A dataset may still store a number that was erased from it, for its dependents. So for a found number that has
    exclusions, ask `Descendants.datasets_holding` or an answer who holds it. Each reader sees a state of its own: a
    dataset that is sealed, or a number that is erased, in the meantime may be found or not.
    """
    edges = np.searchsorted(blocks.leads_of(keys), np.arange(SHARDS + 1) * (blocks.LEADS // SHARDS)).tolist()
    waiting = iter([shard for shard in range(SHARDS) if edges[shard] < edges[shard + 1]])
    found: dict[uuid.UUID, dict[int, NDArray[np.intp]]] = {}

    def read_shards() -> None:
        with database.bulk_snapshot() as connection, connection.cursor(binary=True) as cursor:
            for shard in waiting:
                first, last = edges[shard : shard + 2]
                parameters = bulk_read.shard_parameters(dataset_ids, shard, [SegmentState.LIVE])
                cursor.execute(bulk_read.STORED_KEYS, parameters)
                for dataset_id, places in match_rows(keys[first:last], cursor.fetchall()).items():
                    found.setdefault(dataset_id, {})[shard] = places + first

    await asyncio.gather(*(asyncio.to_thread(read_shards) for _ in range(_READERS)))
    return {
        dataset_id: np.concatenate([places_by_shard[shard] for shard in sorted(places_by_shard)])
        for dataset_id, places_by_shard in found.items()
    }


def match_rows(keys: Keys, rows: Sequence[tuple[Any, ...]]) -> Matches:
    """Which of the sorted, distinct `keys` of one shard each dataset stores, given the rows of `STORED_KEYS`."""
    found: Matches = {}
    for segment in bulk_read.group_by_segment(rows):
        found |= _match_segment(keys, segment)
    return found


def _match_segment(keys: Keys, stored: StoredKeys) -> Matches:
    """Which of `keys` the requested datasets of a segment store in one shard."""
    places, entries = matching_places(keys, stored.keys)
    if not len(places):
        return {}
    if stored.holders is None:
        return dict.fromkeys(stored.datasets.values(), places)
    # Sorted by holder once, so that thousands of datasets in a segment cost no more than a single one.
    holders = stored.holders[entries]
    order = np.lexsort((places, holders))
    holders, places = holders[order], places[order]
    starts = np.flatnonzero(~runs.equals_previous(holders))
    of_each = zip(holders[starts].tolist(), np.split(places, starts[1:]), strict=True)
    return {stored.datasets[holder]: found for holder, found in of_each if holder in stored.datasets}
