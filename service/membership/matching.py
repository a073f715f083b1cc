"""Matches a list of numbers with what datasets store: for screenings, objections and flags.

Blocks are read in key order, range of shards after range, and compared with the sorted list. So every stored key is
read once, however long the list is. Memory holds the list and the few ranges that are being read.
"""

import asyncio
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.core.db import Database, connection_of
from service.membership import blocks, bulk_read, runs
from service.membership.blocks import SHARDS
from service.membership.bulk_read import StoredKeys
from service.membership.models import SegmentState
from service.membership.runs import matching_places
from service.membership.store import Connection, rows_of
from service.number.keyring import Keys

# While one range is compared here, the database reads another.
_READERS: Final = 2
# So many stored keys are read at once, some two megabytes, or one shard if it has more.
READ_AT_ONCE: Final = 100_000

Matches = dict[uuid.UUID, NDArray[np.intp]]
"""For each dataset that stores any of the keys, the places of the stored keys in the list, ascending."""


async def match_keys(
    database: Database, keys: Keys, dataset_ids: Collection[uuid.UUID] | None = None, at_once: int = READ_AT_ONCE
) -> Matches:
    """Which of the sorted, distinct `keys` each of these uploaded datasets stores; by default all datasets.

    A dataset may still store a number that was erased from it, for its dependents. So for a found number that has
    exclusions, ask `Descendants.datasets_holding` or an answer who holds it. Each reader sees a state of its own: a
    dataset that is sealed, or a number that is erased, in the meantime may be found or not. About `at_once` stored keys
    are read at once, or a shard if it has more.
    """
    if not len(keys):
        return {}
    async with database.snapshot() as session:
        connection = await connection_of(session)
        ranges = blocks.equal_ranges(await bulk_read.count_stored(connection, dataset_ids), at_once)
        if len(ranges) == 1:
            # So little that connections of their own would cost more than what they read.
            query, parameters = bulk_read.STORED_KEYS, _parameters(dataset_ids, ranges[0])
            rows = [row async for row in rows_of(connection, query, parameters)]
            return await asyncio.to_thread(match_rows, keys, rows)
    return await _match_ranges(database, keys, dataset_ids, ranges)


async def few_stored_keys(conn: Connection, dataset_ids: Collection[uuid.UUID], most: int) -> Keys | None:
    """The sorted keys of the segments that store these datasets, also those of other datasets; None if over `most`."""
    if await bulk_read.count_stored(conn, dataset_ids) > most:
        return None
    rows = [row async for row in rows_of(conn, bulk_read.STORED_KEYS, _parameters(dataset_ids, range(SHARDS)))]
    return runs.union([stored.keys for stored in bulk_read.group_by_segment(rows)])


def _parameters(dataset_ids: Collection[uuid.UUID] | None, shards: range) -> dict[str, Any]:
    return bulk_read.range_parameters(dataset_ids, shards, [SegmentState.LIVE])


async def _match_ranges(
    database: Database, keys: Keys, dataset_ids: Collection[uuid.UUID] | None, ranges: Sequence[range]
) -> Matches:
    """Like `match_keys`, range by range in threads."""
    edges = np.searchsorted(blocks.leads_of(keys), np.arange(SHARDS + 1) * (blocks.LEADS // SHARDS)).tolist()
    waiting = iter([shards for shards in ranges if edges[shards.start] < edges[shards.stop]])
    found: dict[uuid.UUID, dict[int, NDArray[np.intp]]] = {}

    def read_ranges() -> None:
        with database.bulk_snapshot() as connection, connection.cursor(binary=True) as cursor:
            for shards in waiting:
                first, last = edges[shards.start], edges[shards.stop]
                cursor.execute(bulk_read.STORED_KEYS, _parameters(dataset_ids, shards))
                for dataset_id, places in match_rows(keys[first:last], cursor.fetchall()).items():
                    found.setdefault(dataset_id, {})[first] = places + first

    await asyncio.gather(*(asyncio.to_thread(read_ranges) for _ in range(_READERS)))
    return {
        dataset_id: np.concatenate([places_by_first[first] for first in sorted(places_by_first)])
        for dataset_id, places_by_first in found.items()
    }


def match_rows(keys: Keys, rows: Sequence[tuple[Any, ...]]) -> Matches:
    """Which of the sorted, distinct `keys` of a range each dataset stores, given the rows of `STORED_KEYS`."""
    found: Matches = {}
    for segment in bulk_read.group_by_segment(rows):
        found |= _match_segment(keys, segment)
    return found


def _match_segment(keys: Keys, stored: StoredKeys) -> Matches:
    """Which of `keys` the requested datasets of a segment store in a range."""
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
