"""Erasure: a number leaves what datasets store of it (GDPR Art. 17). Works in the caller's transaction.

The rows are rewritten without the key; what the database keeps of old rows, and its log, is its operator's to expire.
"""

import uuid
from collections.abc import Collection
from typing import Any, Final, LiteralString

import numpy as np

from service.membership import blocks, runs, store
from service.membership.blocks import Block, Columns
from service.membership.pseudonym import KeyRing, unpack_keys
from service.membership.runs import Digest, Run
from service.membership.store import Connection, rows_of

# Also in a segment that is being merged: of its sources the key may have been copied already.
_FOUND: Final[LiteralString] = f"""
    SELECT segment_id, level::int, lead, keys, holders, consented_at, record_ids, state = 'live', places, datasets
    FROM ({store.CANDIDATES}) AS found
    CROSS JOIN LATERAL (
        SELECT state FROM membership_segment AS segment WHERE segment.id = found.segment_id OFFSET 0) AS segment
    CROSS JOIN LATERAL (
        SELECT array_agg(member.place) AS places, array_agg(dataset_id) AS datasets FROM segment_member AS member
        WHERE member.segment_id = found.segment_id AND dataset_id = ANY(%(datasets)s)) AS member
    WHERE state IN ('live', 'merging') AND places IS NOT NULL
"""  # noqa: S608


async def erase(conn: Connection, ring: KeyRing, key: bytes, dataset_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Remove a key from what these datasets store, and give those of them that stored it.

    Whoever erases several keys in one transaction takes them in ascending order, so that none waits for another that
    waits for it.
    """
    parameters = store.place_of(key) | {"datasets": list(dataset_ids)}
    await store.hold_shards(conn, [parameters["shard"]])
    held: set[uuid.UUID] = set()
    for row in [row async for row in rows_of(conn, _FOUND, parameters)]:
        segment_id, live, places, datasets = row[0], *row[7:]
        columns = store.unseal_record_ids(ring, segment_id, Columns(*row[1:7]))
        run, _ = blocks.unpacked([columns])
        gone = _memberships(run, key, places)
        if not gone.any():
            continue
        await _rewrite(conn, ring, segment_id, columns, run[~gone])
        if live:
            listed = dict(zip(places, datasets, strict=True))
            erased = run[gone]
            for at, place in enumerate(runs.holders_of(erased).tolist()):
                await _count_out(conn, segment_id, place, runs.digest(erased[at : at + 1]))
                held.add(listed[place])
    return held


def _memberships(run: Run, key: bytes, places: list[int]) -> Any:
    """Which memberships of a run are of this key and one of these holders."""
    wanted = unpack_keys(key)
    return (run.keys.hi == wanted.hi) & (run.keys.lo == wanted.lo) & np.isin(runs.holders_of(run), places)


async def _rewrite(conn: Connection, ring: KeyRing, segment_id: int, old: Columns, run: Run) -> None:
    at = {"shard": blocks.shard_of(old.lead), "level": old.level, "lead": old.lead, "segment": segment_id}
    where: LiteralString = (
        "WHERE shard = %(shard)s AND level = %(level)s AND lead = %(lead)s AND segment_id = %(segment)s"
    )
    if not len(run):
        await conn.execute(f"DELETE FROM membership_block {where}", at)  # noqa: S608
        return
    (new,) = blocks.packed(run, [Block(old.level, old.lead, 0, len(run))])
    query: LiteralString = f"""
        UPDATE membership_block
        SET keys = %(keys)b, holders = %(holders)b, consented_at = %(times)b, record_ids = %(ids)b {where}
    """  # noqa: S608
    sealed = store.seal_record_ids(ring, segment_id, new)
    await conn.execute(query, at | {"keys": new.keys, "holders": new.holders, "times": new.consented_at, "ids": sealed})


async def _count_out(conn: Connection, segment_id: int, place: int, erased: Digest) -> None:
    query: LiteralString = """
        SELECT number_count, digest FROM segment_member WHERE segment_id = %s AND place = %s FOR UPDATE
    """
    ((count, digest),) = [row async for row in rows_of(conn, query, (segment_id, place))]
    left = store.unpack_digest(count, digest) - erased
    query = "UPDATE segment_member SET number_count = %s, digest = %s WHERE segment_id = %s AND place = %s"
    await conn.execute(query, (left.count, store.pack_digest(left), segment_id, place))
