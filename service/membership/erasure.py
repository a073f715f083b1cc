"""Erasure: a number leaves what datasets store of it (GDPR Art. 17). Works in the caller's transaction.

The rows are rewritten without the key; what the database keeps of old rows, and its log, is its operator's to expire:
VACUUM lets their room be used again, VACUUM (FULL) leaves no byte of them.
"""

import uuid
from collections.abc import Collection
from typing import Final, LiteralString

import numpy as np
from numpy.typing import NDArray

from service.core import locks
from service.core.locks import Lock
from service.membership import blocks, runs, store
from service.membership.blocks import Block, Columns
from service.membership.runs import Run
from service.membership.store import Connection, rows_of
from service.number.keyring import KeyRing, unpack_keys

# Also in a segment that is being merged, to which the key may have been copied already, and in one that is not dropped
# yet. What is being loaded belongs to a dataset that is not sealed.
_FOUND: Final[LiteralString] = f"""
    SELECT segment_id, level::int, lead, keys, holders, consented_at, record_ids, state = 'live', members.*
    FROM ({store.CANDIDATE_BLOCKS}) AS found
    CROSS JOIN LATERAL (
        SELECT state FROM membership_segment AS segment WHERE segment.id = found.segment_id OFFSET 0) AS segment
    CROSS JOIN LATERAL (
        SELECT array_agg(member.place) AS places, array_agg(dataset_id) AS datasets,
               array_agg(number_count) AS counts, array_agg(digest) AS digests
        FROM segment_member AS member
        WHERE member.segment_id = found.segment_id AND dataset_id = ANY(%(datasets)s)) AS members
    WHERE state <> 'loading' AND places IS NOT NULL
"""  # noqa: S608
_REWRITE: Final[LiteralString] = """
    UPDATE membership_block SET keys = %(keys)b, holders = %(holders)b, consented_at = %(times)b, record_ids = %(ids)b
    WHERE shard = %(shard)s AND level = %(level)s AND lead = %(lead)s AND segment_id = %(segment)s
"""
_DELETE: Final[LiteralString] = """
    DELETE FROM membership_block
    WHERE shard = %(shard)s AND level = %(level)s AND lead = %(lead)s AND segment_id = %(segment)s
"""
_COUNT_OUT: Final[LiteralString] = """
    UPDATE segment_member SET number_count = %s, digest = %s WHERE segment_id = %s AND place = %s
"""


async def lock_erasures(conn: Connection) -> None:
    """Wait until no other transaction erases or decides what to erase, and keep others waiting until this one ends.

    Whoever locks rows besides calls this first.
    """
    await locks.take(conn, Lock.ERASURES)


async def erase(conn: Connection, ring: KeyRing, key: bytes, dataset_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Remove a key from what these sealed datasets store, and give those of them that stored it.

    Transactions that erase wait for each other. Whoever erases several keys in one takes them in ascending order, so
    that no merge waits for it while it waits for that merge.
    """
    parameters = store.lookup_parameters(key) | {"datasets": list(dataset_ids)}
    # Two numbers may be counted out of the same datasets in whatever order.
    await lock_erasures(conn)
    await store.lock_shards(conn, [parameters["shard"]])
    found = [row async for row in rows_of(conn, _FOUND, parameters)]
    held: set[uuid.UUID] = set()
    # All is sent before the first answer is waited for.
    async with conn.pipeline():
        for segment_id, *columns, live, places, datasets, counts, digests in found:
            block = store.decrypt_record_ids(ring, segment_id, Columns(*columns))
            run, _ = blocks.unpacked([block])
            gone = _memberships(run, key, places)
            if gone.any():
                await _rewrite(conn, ring, segment_id, block, run[~gone])
            for at in np.flatnonzero(gone).tolist() if live else ():
                member = places.index(runs.holders_of(run)[at])
                left = store.unpack_digest(counts[member], digests[member]) - runs.digest(run[at : at + 1])
                await conn.execute(_COUNT_OUT, (left.count, store.pack_digest(left), segment_id, places[member]))
                held.add(datasets[member])
    return held


def _memberships(run: Run, key: bytes, places: list[int]) -> NDArray[np.bool_]:
    """Which memberships of a run are of this key and one of these holders."""
    wanted = unpack_keys(key)
    found: NDArray[np.bool_] = (run.keys.hi == wanted.hi) & (run.keys.lo == wanted.lo)
    return found & np.isin(runs.holders_of(run), places)


async def _rewrite(conn: Connection, ring: KeyRing, segment_id: int, old: Columns, run: Run) -> None:
    """Write a block anew with what is left of it, or remove it if nothing is."""
    place = {"shard": blocks.shard_of(old.lead), "level": old.level, "lead": old.lead, "segment": segment_id}
    if not len(run):
        await conn.execute(_DELETE, place)
        return
    (new,) = blocks.packed(run, [Block(old.level, old.lead, 0, len(run))])
    sealed = store.encrypt_record_ids(ring, segment_id, new)
    columns = {"keys": new.keys, "holders": new.holders, "times": new.consented_at, "ids": sealed}
    await conn.execute(_REWRITE, place | columns)
