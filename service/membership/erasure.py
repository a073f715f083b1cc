"""Removes a number from what datasets store (GDPR Art. 17). Works in the caller's transaction.

Rows are rewritten without the key. The operator of the database expires its log and what it keeps of old rows: VACUUM
lets their room be used again, and VACUUM (FULL) leaves no byte of them.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Final, LiteralString, NamedTuple

import numpy as np
from psycopg.rows import tuple_row

from service.core import locks
from service.core.locks import Lock
from service.membership import blocks, encryption, runs, store
from service.membership.blocks import Block, BlockColumns
from service.membership.lookup_queries import CANDIDATE_BLOCKS
from service.membership.runs import Digest, Run
from service.membership.store import Connection
from service.number.keyring import KeyRing, unpack_keys

# Also searches merging segments, to which the key may already have been copied, and retired segments that are not
# dropped yet. A loading segment belongs to an unsealed dataset, from which nothing is erased.
_BLOCKS_WITH_KEY: Final[LiteralString] = f"""
    SELECT segment_id, level::int, lead, keys, holders, consented_at, record_ids, state = 'live', members.*
    FROM ({CANDIDATE_BLOCKS}) AS found
    CROSS JOIN LATERAL (
        SELECT state FROM membership_segment AS segment WHERE segment.id = found.segment_id OFFSET 0) AS segment
    CROSS JOIN LATERAL (
        SELECT array_agg(member.place) AS places, array_agg(dataset_id) AS datasets,
               array_agg(number_count) AS counts, array_agg(digest) AS digests
        FROM segment_member AS member
        WHERE member.segment_id = found.segment_id AND dataset_id = ANY(%(datasets)s)) AS members
    WHERE state <> 'loading' AND places IS NOT NULL
"""  # noqa: S608
# All blocks in one statement, and all members: each further statement costs a tenth of a millisecond.
_REWRITE: Final[LiteralString] = """
    UPDATE membership_block AS block
    SET keys = left_over.keys, holders = left_over.holders, consented_at = left_over.times, record_ids = left_over.ids
    FROM unnest(%(levels)s::smallint[], %(leads)s::int[], %(segments)s::int[], %(keys)b::bytea[], %(holders)b::bytea[],
                %(times)b::bytea[], %(ids)b::bytea[]) AS left_over (level, lead, segment_id, keys, holders, times, ids)
    WHERE block.shard = %(shard)s AND block.level = left_over.level AND block.lead = left_over.lead
      AND block.segment_id = left_over.segment_id
"""
_REWRITTEN: Final = ("levels", "leads", "keys", "holders", "times", "ids")
_DELETE: Final[LiteralString] = """
    DELETE FROM membership_block
    WHERE shard = %(shard)s AND level = %(level)s AND lead = %(lead)s AND segment_id = %(segment)s
"""
_UPDATE_MEMBERS: Final[LiteralString] = """
    UPDATE segment_member AS member SET number_count = left_over.number_count, digest = left_over.digest
    FROM unnest(%(segments)s::int[], %(places)s::int[], %(counts)s::bigint[], %(digests)b::bytea[])
         AS left_over (segment_id, place, number_count, digest)
    WHERE member.segment_id = left_over.segment_id AND member.place = left_over.place
"""


class _Stored(NamedTuple):
    """A stored block that may hold the key, and the datasets of its segment from which the key is erased."""

    segment_id: int
    block: BlockColumns
    is_live: bool
    places: list[int]
    datasets: list[uuid.UUID]
    counts: list[int]
    digests: list[bytes]


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
    left_over: list[tuple[_Stored, Run]] = []
    members: list[tuple[_Stored, int, Digest]] = []
    for stored in await _lock_and_find(conn, ring, key, dataset_ids):
        run, _ = blocks.unpack_blocks([stored.block])
        erased = _find_memberships(run, key, stored.places)
        if erased:
            left_over.append((stored, run[np.delete(np.arange(len(run)), erased)]))
        if stored.is_live:
            holders = runs.holders_of(run)
            members += [(stored, stored.places.index(holders[at]), runs.digest(run[at : at + 1])) for at in erased]
    # All statements are sent before the first result is awaited.
    async with conn.pipeline():
        await _rewrite(conn, ring, left_over)
        await _lower_counts(conn, ring, members)
    return {stored.datasets[member] for stored, member, _ in members}


async def _lock_and_find(
    conn: Connection, ring: KeyRing, key: bytes, dataset_ids: Collection[uuid.UUID]
) -> list[_Stored]:
    """The blocks that may hold the key, decrypted. Nobody else changes them until the transaction ends."""
    parameters = store.lookup_parameters(key) | {"datasets": list(dataset_ids)}
    async with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        # Transactions may lower the counts of the same datasets in any order.
        async with locks.taking(conn, (Lock.ERASURES, 0), (Lock.SHARD, parameters["shard"])):
            await cursor.execute(_BLOCKS_WITH_KEY, parameters)
        rows = await cursor.fetchall()
    segment_ids, columns = [row[0] for row in rows], [BlockColumns(*row[1:7]) for row in rows]
    decrypted = encryption.decrypt_blocks(ring, segment_ids, columns)
    return [_Stored(row[0], block, *row[7:]) for row, block in zip(rows, decrypted, strict=True)]


def _find_memberships(run: Run, key: bytes, places: list[int]) -> list[int]:
    """Where the memberships of a run are that have this key and one of these holders."""
    wanted = unpack_keys(key)
    found = np.flatnonzero((run.keys.hi == wanted.hi) & (run.keys.lo == wanted.lo))
    holders = runs.holders_of(run)
    return [at for at in found.tolist() if holders[at] in places]


async def _rewrite(conn: Connection, ring: KeyRing, left_over: Sequence[tuple[_Stored, Run]]) -> None:
    """Replace blocks of one shard by what is left of them, and delete those of which nothing is left."""
    packed: list[tuple[int, BlockColumns]] = []
    for (segment_id, old, *_), run in left_over:
        if len(run):
            packed += [(segment_id, new) for new in blocks.pack_blocks(run, [Block(old.level, old.lead, 0, len(run))])]
        else:
            place = {"shard": blocks.shard_of(old.lead), "level": old.level, "lead": old.lead, "segment": segment_id}
            await conn.execute(_DELETE, place)
    if packed:
        segment_ids = [segment_id for segment_id, _ in packed]
        new = encryption.encrypt_blocks(ring, segment_ids, [block for _, block in packed])
        parameters = dict(zip(_REWRITTEN, map(list, zip(*new, strict=True)), strict=True))
        shard = {"shard": blocks.shard_of(new[0].lead)}
        await conn.execute(_REWRITE, shard | {"segments": segment_ids} | parameters)


async def _lower_counts(conn: Connection, ring: KeyRing, members: Sequence[tuple[_Stored, int, Digest]]) -> None:
    """Take a membership out of the count and the digest of each of these members, given by its place in the lists."""
    left = []
    for stored, member, digest in members:
        before = encryption.decrypt_digest(ring, stored.datasets[member], stored.counts[member], stored.digests[member])
        left.append((before - digest, stored.datasets[member]))
    if left:
        parameters = {
            "segments": [stored.segment_id for stored, _, _ in members],
            "places": [stored.places[member] for stored, member, _ in members],
            "counts": [digest.count for digest, _ in left],
            "digests": [encryption.encrypt_digest(ring, dataset_id, digest) for digest, dataset_id in left],
        }
        await conn.execute(_UPDATE_MEMBERS, parameters)
