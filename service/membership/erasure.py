"""Removes a number from what datasets store (GDPR Art. 17). Works in the caller's transaction.

Rows are rewritten without the key. The operator of the database expires its log and what it keeps of old rows: VACUUM
lets their room be used again, and VACUUM (FULL) leaves no byte of them.
"""

import uuid
from collections.abc import Collection
from typing import Final, LiteralString

import numpy as np
from numpy.typing import NDArray

from service.core import locks
from service.core.locks import Lock
from service.membership import blocks, encryption, runs, store
from service.membership.blocks import Block, BlockColumns
from service.membership.runs import Run
from service.membership.store import Connection, rows_of
from service.number.keyring import KeyRing, unpack_keys

# Also searches merging segments, to which the key may already have been copied, and retired segments that are not
# dropped yet. A loading segment belongs to an unsealed dataset, from which nothing is erased.
_BLOCKS_WITH_KEY: Final[LiteralString] = f"""
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
_UPDATE_MEMBER: Final[LiteralString] = """
    UPDATE segment_member SET number_count = %s, digest = %s WHERE segment_id = %s AND place = %s
"""


async def lock_erasures(conn: Connection) -> None:
    """Wait until no other transaction erases or decides what to erase, and keep others waiting until this one ends.

    Call this before locking any row.
    """
    await locks.take(conn, Lock.ERASURES)


async def erase(conn: Connection, ring: KeyRing, key: bytes, dataset_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Remove a key from what these sealed datasets store. Returns the datasets that stored it.

    Erasing transactions wait for each other. A transaction that erases several keys must take them in ascending order;
    otherwise it could wait for a merge that waits for it.
    """
    parameters = store.lookup_parameters(key) | {"datasets": list(dataset_ids)}
    # Transactions may lower the counts of the same datasets in any order.
    await lock_erasures(conn)
    await store.lock_shards(conn, [parameters["shard"]])
    rows = [row async for row in rows_of(conn, _BLOCKS_WITH_KEY, parameters)]
    stored_in: set[uuid.UUID] = set()
    # Pipelined: all statements are sent before the first result is awaited.
    async with conn.pipeline():
        for segment_id, *columns, is_live, places, datasets, counts, digests in rows:
            (block,) = encryption.decrypt_blocks(ring, [segment_id], [BlockColumns(*columns)])
            run, _ = blocks.unpack_blocks([block])
            erased = _find_memberships(run, key, places)
            if erased.any():
                await _rewrite(conn, ring, segment_id, block, run[~erased])
            for at in np.flatnonzero(erased).tolist() if is_live else ():
                member = places.index(runs.holders_of(run)[at])
                before = encryption.decrypt_digest(ring, datasets[member], counts[member], digests[member])
                left = before - runs.digest(run[at : at + 1])
                encrypted = encryption.encrypt_digest(ring, datasets[member], left)
                await conn.execute(_UPDATE_MEMBER, (left.count, encrypted, segment_id, places[member]))
                stored_in.add(datasets[member])
    return stored_in


def _find_memberships(run: Run, key: bytes, places: list[int]) -> NDArray[np.bool_]:
    """Which memberships of a run have this key and one of these holders."""
    wanted = unpack_keys(key)
    found: NDArray[np.bool_] = (run.keys.hi == wanted.hi) & (run.keys.lo == wanted.lo)
    return found & np.isin(runs.holders_of(run), places)


async def _rewrite(conn: Connection, ring: KeyRing, segment_id: int, old: BlockColumns, run: Run) -> None:
    """Replace a block by what is left of it, or delete it if nothing is left."""
    place = {"shard": blocks.shard_of(old.lead), "level": old.level, "lead": old.lead, "segment": segment_id}
    if not len(run):
        await conn.execute(_DELETE, place)
        return
    packed = list(blocks.pack_blocks(run, [Block(old.level, old.lead, 0, len(run))]))
    (new,) = encryption.encrypt_blocks(ring, segment_id, packed)
    columns = {"keys": new.keys, "holders": new.holders, "times": new.consented_at, "ids": new.record_ids}
    await conn.execute(_REWRITE, place | columns)
