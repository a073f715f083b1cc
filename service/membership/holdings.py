"""What datasets hold, read in bulk: in key order, shard by shard, to be counted, compared and matched.

Every function works in the caller's transaction, in which several statements may see different states.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final, LiteralString, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.core.vocabulary import Content
from service.membership import blocks, runs
from service.membership.ancestry import Ancestry, Bits, Dag, ancestors_of, holding, sources_of, trace
from service.membership.models import SegmentState
from service.membership.pseudonym import Keys
from service.membership.store import Connection, rows_of

# The blocks of each segment end to end: one long value instead of thousands of rows. What is being merged or done with
# is in another segment besides.
_KEYS_OF: Final[LiteralString] = """
    SELECT wanted.*, stored.*
    FROM (SELECT segment_id, array_agg(place) AS places, array_agg(dataset_id) AS datasets
          FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = member.segment_id
          WHERE (dataset_id = ANY(%(datasets)s) OR %(datasets)s IS NULL) AND state = ANY(%(states)s)
          GROUP BY segment_id) AS wanted
    CROSS JOIN LATERAL (
        SELECT array_agg(level) AS levels, array_agg(lead) AS leads, array_agg(octet_length(keys)) AS lengths,
               string_agg(keys, '') AS keys, array_agg(octet_length(holders)) AS holder_lengths,
               string_agg(holders, '') AS holders
        FROM membership_block AS block
        WHERE block.segment_id = wanted.segment_id AND lead >= %(begin)s AND lead < %(end)s) AS stored
    WHERE stored.keys IS NOT NULL
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
) -> AsyncIterator[Stored]:
    """What these datasets, or all, store in one shard, segment by segment. Others of the segment are among it."""
    width = blocks.LEADS // blocks.SHARDS
    wanted = None if dataset_ids is None else list(dataset_ids)
    parameters = {"datasets": wanted, "states": list(states), "begin": shard * width, "end": (shard + 1) * width}
    async for _, places, datasets, *columns in rows_of(conn, _KEYS_OF, parameters):
        keys, holders = await asyncio.to_thread(_in_order, blocks.Joined(*columns))
        yield Stored(dict(zip(places, datasets, strict=True)), keys, holders)


def _in_order(joined: blocks.Joined) -> tuple[Keys, NDArray[np.uint16] | None]:
    keys, _, holders = blocks.unjoined(joined)
    # Blocks lie as they were written, in key order, unless one was written again behind the others.
    if np.all(np.diff(joined.leads) > 0):
        return keys, holders
    order = runs.order_of(keys)
    return keys[order], None if holders is None else holders[order]


async def keys_of(conn: Connection, dataset_ids: Collection[uuid.UUID], shard: int) -> dict[uuid.UUID, Keys]:
    """The sorted keys that each dataset stores in one shard; no keys for one that stores nothing there."""
    found: dict[uuid.UUID, Keys] = dict.fromkeys(dataset_ids, runs.no_keys())
    async for each in stored(conn, dataset_ids, shard, _READABLE):
        for place, dataset_id in each.datasets.items():
            found[dataset_id] = each.keys if each.holders is None else each.keys[each.holders == place]
    return found


async def content_of(conn: Connection, dag: Dag, dataset_id: uuid.UUID, shard: int) -> Keys:
    """The sorted keys of a sealed dataset, of whatever content, in one shard."""
    stored = await keys_of(conn, sources_of(dag, [dataset_id]), shard)
    return await asyncio.to_thread(runs.union, list(stored.values()))


async def shard_ancestry(conn: Connection, dag: Dag, targets: Collection[uuid.UUID], shard: int) -> Ancestry:
    """Which numbers of the `targets` in one shard come from which of their ancestors.

    Ancestors are read one at a time; of each only a bit for every number of the targets is kept.
    """
    stored = await keys_of(conn, sources_of(dag, targets), shard)
    keys = await asyncio.to_thread(runs.union, list(stored.values()))
    uploaded: dict[uuid.UUID, Bits] = {}
    for ancestor in ancestors_of(dag, targets):
        if dag[ancestor].content is Content.UPLOADED:
            read = stored if ancestor in stored else await keys_of(conn, [ancestor], shard)
            uploaded[ancestor] = await asyncio.to_thread(holding, keys, read.pop(ancestor))
    return trace(dag, targets, keys, uploaded)
