"""What datasets hold, read in bulk: in key order, shard by shard, to be counted, compared and matched.

Every function works in the caller's transaction, in which several statements may see different states.
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
    holding,
    trace,
    uploaded_sources_of,
)
from service.membership.descent.dependents import contents, corrected
from service.membership.exclusion import erasures_in_shard
from service.membership.models import SegmentState
from service.membership.store import Connection
from service.number.keyring import Keys

# The datasets of each segment, and after them its blocks, as of one moment. What is being merged or done with is in
# another segment besides.
STORED: Final[LiteralString] = """
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


class Stored(NamedTuple):
    """What some datasets of one segment store in one shard: keys in order, once for each holder.

    `datasets` are the wanted ones by their place. `holders` are places, and None if the segment has one dataset.
    """

    datasets: dict[int, uuid.UUID]
    keys: Keys
    holders: NDArray[np.uint16] | None


async def stored(
    conn: Connection, dataset_ids: Collection[uuid.UUID] | None, shard: int, states: Sequence[SegmentState]
) -> list[Stored]:
    """What these datasets, or all, store in one shard, segment by segment. Others of the segment are among it."""
    async with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(STORED, in_shard(dataset_ids, shard, states))
        rows = await cursor.fetchall()
    return await asyncio.to_thread(by_segment, rows)


def in_shard(dataset_ids: Collection[uuid.UUID] | None, shard: int, states: Sequence[SegmentState]) -> dict[str, Any]:
    """The parameters with which `STORED` finds what these datasets, or all, store in one shard."""
    width = blocks.LEADS // blocks.SHARDS
    wanted = None if dataset_ids is None else list(dataset_ids)
    return {"datasets": wanted, "states": list(states), "begin": shard * width, "end": (shard + 1) * width}


def by_segment(rows: Sequence[tuple[Any, ...]]) -> list[Stored]:
    """What the rows of `STORED` tell, segment by segment."""
    members = {row[0]: dict(zip(row[1], row[2], strict=True)) for row in rows if row[1] is not None}
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row[1] is None:
            found.setdefault(row[0], []).append(row)
    return [Stored(members[segment_id], *_in_order(of_segment)) for segment_id, of_segment in found.items()]


def _in_order(rows: list[tuple[Any, ...]]) -> tuple[Keys, NDArray[np.uint16] | None]:
    # They lie as they were written, in key order, but for those that were written again behind the others.
    rows.sort(key=itemgetter(4))
    _, _, _, levels, leads, keys, holders = zip(*rows, strict=True)
    joined = blocks.Joined(levels, leads, list(map(len, keys)), b"".join(keys))
    if holders[0] is not None:
        joined = joined._replace(holder_lengths=list(map(len, holders)), holders=b"".join(holders))
    found, _, placed = blocks.unjoined(joined)
    return found, placed


async def keys_of(conn: Connection, dataset_ids: Collection[uuid.UUID], shard: int) -> dict[uuid.UUID, Keys]:
    """The sorted keys that each dataset stores in one shard; no keys for one that stores nothing there."""
    found: dict[uuid.UUID, Keys] = dict.fromkeys(dataset_ids, runs.no_keys())
    for each in await stored(conn, dataset_ids, shard, _READABLE):
        for place, dataset_id in each.datasets.items():
            found[dataset_id] = each.keys if each.holders is None else each.keys[each.holders == place]
    return found


async def content_in_shard(conn: Connection, dag: Dag, dataset_id: uuid.UUID, shard: int) -> Keys:
    """The sorted keys of a sealed dataset, of whatever content, in one shard: without what was erased from it."""
    _, keys, _ = await _contents(conn, dag, [dataset_id], shard, dag)
    return keys


class _Contents(NamedTuple):
    """What the sources of some datasets store in one shard, what these hold, and where in that erasures matter."""

    stored: dict[uuid.UUID, Keys]
    keys: Keys
    ended: dict[int, Erasures]


async def _contents(
    conn: Connection, dag: Dag, targets: Collection[uuid.UUID], shard: int, erasing: Collection[uuid.UUID]
) -> _Contents:
    """The contents of `targets`; what was erased from those of `erasing` counts."""
    stored = await keys_of(conn, uploaded_sources_of(dag, targets), shard)
    ended = await erasures_in_shard(conn, erasing, shard)
    return _Contents(stored, *await asyncio.to_thread(contents, dag, targets, stored, ended))


async def trace_shard(
    conn: Connection, dag: Dag, targets: Collection[uuid.UUID], shard: int, *, sealing: bool = False
) -> NumbersByAncestor:
    """Which numbers of the `targets` in one shard come from which of their ancestors.

    What was erased from a target is none of its numbers; what was erased from an ancestor came from there if the target
    had it before. While targets are being sealed, what their holder sends now counts, whatever it erased before.
    Ancestors are read one at a time; of each only a bit for every number of the targets is kept.
    """
    erasing = dag.keys() - set(targets) if sealing else dag.keys()
    stored, keys, ended = await _contents(conn, dag, targets, shard, erasing)
    uploaded: dict[uuid.UUID, Bits] = {}
    for ancestor in ancestors_of(dag, targets):
        if dag[ancestor].content is Content.UPLOADED:
            read = stored if ancestor in stored else await keys_of(conn, [ancestor], shard)
            uploaded[ancestor] = await asyncio.to_thread(holding, keys, read.pop(ancestor))
    found = trace(dag, targets, keys, uploaded)
    return corrected(found, dag, targets, uploaded, ended) if ended else found
