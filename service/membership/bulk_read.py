"""Reads what datasets hold, in key order, some shards at a time: to count, compare and match numbers.

Every function works in the caller's transaction, in which successive statements may see different states.
"""

import asyncio
import uuid
from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any, Final, LiteralString, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import tuple_row

from service.core.erasures import Erasures
from service.core.vocabulary import Content
from service.membership import blocks, runs
from service.membership.descent.dag import (
    Bits,
    Dag,
    NumbersByAncestor,
    ancestors_of,
    held_bits,
    trace_ancestors,
    uploaded_sources_of,
)
from service.membership.descent.dependents import apply_erasures, held_keys
from service.membership.exclusion import erasures_in_shards
from service.membership.models import SegmentState
from service.membership.store import Connection, rows_of
from service.number.keyring import Keys

# The datasets of each segment, followed by its blocks, as of one moment. Merging and retired segments repeat what live
# segments store, hence the states.
STORED_KEYS: Final[LiteralString] = """
    WITH wanted AS MATERIALIZED (
        SELECT segment_id, array_agg(place) AS places, array_agg(dataset_id) AS datasets
        FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = member.segment_id
        WHERE (dataset_id = ANY(%(datasets)s) OR %(datasets)s IS NULL) AND state = ANY(%(states)s)
        GROUP BY segment_id)
    SELECT segment_id, places, datasets, NULL::int2 AS level, NULL::int4 AS lead, NULL::bytea AS keys, NULL::bytea
    FROM wanted
    UNION ALL
    SELECT block.segment_id, NULL, NULL, level, lead, keys, holders
    FROM wanted JOIN membership_block AS block
      ON block.segment_id = wanted.segment_id AND lead >= %(begin)s AND lead < %(end)s
"""
_READABLE: Final = [SegmentState.LIVE, SegmentState.LOADING]


class StoredKeys(NamedTuple):
    """The keys that one segment stores in some shards: in order, repeated for each dataset that holds them.

    `datasets` are the requested ones by their place. `holders` are the places of the datasets that hold each key, and
    None if the segment has a single dataset.
    """

    datasets: dict[int, uuid.UUID]
    keys: Keys
    holders: NDArray[np.uint16] | None


async def _read_stored_keys(
    conn: Connection, dataset_ids: Collection[uuid.UUID] | None, shards: range, states: Sequence[SegmentState]
) -> list[StoredKeys]:
    """What these datasets, or all, store in some shards, by segment, with keys of the segments' other datasets."""
    async with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(STORED_KEYS, range_parameters(dataset_ids, shards, states))
        rows = await cursor.fetchall()
    return await asyncio.to_thread(group_by_segment, rows)


def range_parameters(
    dataset_ids: Collection[uuid.UUID] | None, shards: range, states: Sequence[SegmentState]
) -> dict[str, Any]:
    """The parameters of `STORED_KEYS` for these datasets, or all, in some shards."""
    width = blocks.LEADS // blocks.SHARDS
    wanted = None if dataset_ids is None else list(dataset_ids)
    return {"datasets": wanted, "states": list(states), "begin": shards.start * width, "end": shards.stop * width}


def group_by_segment(rows: Sequence[tuple[Any, ...]]) -> list[StoredKeys]:
    """The rows of `STORED_KEYS`, unpacked segment by segment."""
    members = {row[0]: dict(zip(row[1], row[2], strict=True)) for row in rows if row[1] is not None}
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row[1] is None:
            found.setdefault(row[0], []).append(row)
    return [StoredKeys(members[segment_id], *_unpack_in_order(of_segment)) for segment_id, of_segment in found.items()]


def _unpack_in_order(rows: list[tuple[Any, ...]]) -> tuple[Keys, NDArray[np.uint16] | None]:
    # Rows arrive as they were written, in key order, except that rewritten rows come last.
    rows.sort(key=itemgetter(4))
    _, _, _, levels, leads, keys, holders = zip(*rows, strict=True)
    joined = blocks.JoinedBlocks(levels, leads, list(map(len, keys)), b"".join(keys))
    if holders[0] is not None:
        joined = joined._replace(holder_lengths=list(map(len, holders)), holders=b"".join(holders))
    unpacked_keys, _, unpacked_holders = blocks.unpack_joined(joined)
    return unpacked_keys, unpacked_holders


async def keys_in_shards(conn: Connection, dataset_ids: Collection[uuid.UUID], shards: range) -> dict[uuid.UUID, Keys]:
    """The sorted keys that each dataset stores in some shards, empty for a dataset that stores none there."""
    found: dict[uuid.UUID, Keys] = dict.fromkeys(dataset_ids, runs.no_keys())
    for stored in await _read_stored_keys(conn, dataset_ids, shards, _READABLE):
        for place, dataset_id in stored.datasets.items():
            found[dataset_id] = stored.keys if stored.holders is None else stored.keys[stored.holders == place]
    return found


async def content_in_shards(conn: Connection, dag: Dag, dataset_id: uuid.UUID, shards: range) -> Keys:
    """The sorted keys that a sealed dataset of any content holds in some shards, without those erased from it."""
    _, keys, _ = await _read_contents(conn, dag, [dataset_id], shards, dag)
    return keys


class _Contents(NamedTuple):
    """What the uploaded sources of some targets store in some shards, what the targets hold, and erasures by place."""

    stored_keys: dict[uuid.UUID, Keys]
    keys: Keys
    erasures_by_place: dict[int, Erasures]


async def _read_contents(
    conn: Connection, dag: Dag, targets: Collection[uuid.UUID], shards: range, erased_from: Collection[uuid.UUID]
) -> _Contents:
    """The contents of `targets`, counting only the erasures from the datasets `erased_from`."""
    stored_keys = await keys_in_shards(conn, uploaded_sources_of(dag, targets), shards)
    erasures_by_key = await erasures_in_shards(conn, erased_from, shards)
    return _Contents(stored_keys, *await asyncio.to_thread(held_keys, dag, targets, stored_keys, erasures_by_key))


async def trace_shards(
    conn: Connection, dag: Dag, targets: Collection[uuid.UUID], shards: range, *, sealing: bool = False
) -> NumbersByAncestor:
    """Which numbers of the `targets` in some shards come from which of their ancestors.

    A number erased from a target is not one of its numbers. A number erased from an ancestor came from there if the
    target took it over before. While targets are being sealed, what their holder sends now counts, whatever it erased
    before. Ancestors are read one at a time, and of each only one bit per number of the targets is kept.
    """
    erased_from = dag.keys() - set(targets) if sealing else dag.keys()
    stored_keys, keys, erasures_by_place = await _read_contents(conn, dag, targets, shards, erased_from)
    uploaded: dict[uuid.UUID, Bits] = {}
    for ancestor_id in ancestors_of(dag, targets):
        if dag[ancestor_id].content is Content.UPLOADED:
            known = stored_keys if ancestor_id in stored_keys else await keys_in_shards(conn, [ancestor_id], shards)
            uploaded[ancestor_id] = await asyncio.to_thread(held_bits, keys, known.pop(ancestor_id))
    found = trace_ancestors(dag, targets, keys, uploaded)
    if not erasures_by_place:
        return found
    return await asyncio.to_thread(apply_erasures, found, dag, targets, uploaded, erasures_by_place)


_STORED: Final[LiteralString] = """
    SELECT coalesce(sum(number_count), 0)::bigint FROM segment_member WHERE segment_id IN (
        SELECT segment_id FROM segment_member WHERE dataset_id = ANY(%(datasets)s) OR %(datasets)s IS NULL)
"""


async def count_stored(conn: Connection, dataset_ids: Collection[uuid.UUID] | None) -> int:
    """How many memberships the complete segments of these datasets, or all, store."""
    wanted = None if dataset_ids is None else list(dataset_ids)
    ((count,),) = [row async for row in rows_of(conn, _STORED, {"datasets": wanted})]
    return int(count)


async def ranges_to_trace(conn: Connection, dag: Dag, besides: int = 0) -> list[range]:
    """All shards, in ranges of which each is traced at once, given how many numbers are read `besides` those stored.

    Each range takes a transaction, statements and threads. For a small dataset these are all that takes time.
    """
    uploaded = [dataset_id for dataset_id, node in dag.items() if node.content is Content.UPLOADED]
    return blocks.equal_ranges(await count_stored(conn, uploaded) + besides, _TRACED_AT_ONCE)


# So many stored keys are traced at once, or one shard if it has more: little memory, and steps of milliseconds.
_TRACED_AT_ONCE: Final = 20_000
