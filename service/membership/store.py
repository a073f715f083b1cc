"""Memberships in the database: staging, loading and lookup. Only this module uses COPY.

Every function works in the caller's transaction and commits nothing.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from service.core import locks
from service.core.erasures import NO_ERASURES, Erasures
from service.core.locks import Lock
from service.membership import blocks, encryption, runs
from service.membership.blocks import BlockColumns
from service.membership.models import SegmentState
from service.membership.runs import Digest, Run
from service.number.keyring import KEY_BYTES, KeyRing, Keys

Connection = AsyncConnection[Any]
BulkConnection = psycopg.Connection[Any]

# The binary format does not convert, so the types must be those of the columns.
_COPY_RUN: Final = """
    COPY staged_run (dataset_id, shard, upload, run, number_count, content) FROM STDIN (FORMAT BINARY)
"""
_RUN_TYPES: Final = ("uuid", "int2", "int8", "int4", "int4", "bytea")
_COPY_BLOCK: Final = """
    COPY membership_block (shard, level, lead, segment_id, merged, keys, holders, consented_at, record_ids)
    FROM STDIN (FORMAT BINARY)
"""
_BLOCK_TYPES: Final = ("int2", "int2", "int4", "int4", "bool", "bytea", "bytea", "bytea", "bytea")


class Segment(NamedTuple):
    """A segment to which blocks are being written, and the level of its coarsest blocks."""

    id: int
    level: int


@dataclass(frozen=True, slots=True)
class LoadedShard:
    """What was loaded into a shard: distinct numbers, duplicates left out, and the span of known consent times."""

    digest: Digest
    duplicates: int
    first_consented_at: datetime | None
    last_consented_at: datetime | None


class Membership(NamedTuple):
    """A dataset that stores a number, and what it states of that number's consent."""

    dataset_id: uuid.UUID
    consented_at: datetime | None
    record_id: str | None


class LookupResult(NamedTuple):
    """Everything stored about a number, read by one statement.

    A dataset that the number was erased from may still store it for the copy's dependents.
    """

    version: int
    memberships: list[Membership]
    erasures: Erasures


async def stage(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, upload: int, first: int, run: Run) -> int:
    """Keep a chunk of a part until its dataset is sealed. Its rows are numbered from `first`; returns the next number.

    The chunk must be ordered by `blocks.group_by_shard`. Raises psycopg.errors.UniqueViolation if the upload already
    has a row with one of these numbers.
    """
    rows = await asyncio.to_thread(_staged_rows, ring, dataset_id, upload, first, run)
    async with conn.cursor() as cursor, cursor.copy(_COPY_RUN) as copy:
        copy.set_types(_RUN_TYPES)
        for row in rows:
            await copy.write_row(row)
    return max((row[3] for row in rows), default=first - 1) + 1


def _staged_rows(ring: KeyRing, dataset_id: uuid.UUID, upload: int, first: int, run: Run) -> list[tuple[Any, ...]]:
    rows = []
    for shard, number, start, end in blocks.page_pieces(run):
        place = (shard, upload, first + number)
        content = encryption.encrypt_staged(ring, dataset_id, place, run[start:end])
        rows.append((dataset_id, *place, end - start, content))
    return rows


async def unstage(conn: Connection, dataset_id: uuid.UUID, upload: int | None = None) -> None:
    """Drop what one upload has staged, or everything staged of the dataset."""
    if upload is None:
        await conn.execute("DELETE FROM staged_run WHERE dataset_id = %s", (dataset_id,))
    else:
        await conn.execute("DELETE FROM staged_run WHERE dataset_id = %s AND upload = %s", (dataset_id, upload))


async def unstage_except(conn: Connection, dataset_id: uuid.UUID, uploads: Collection[int]) -> None:
    """Drop everything staged of the dataset, except by these uploads."""
    await conn.execute(
        "DELETE FROM staged_run WHERE dataset_id = %s AND upload <> ALL(%s)", (dataset_id, list(uploads))
    )


async def staged_keys(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, shard: int) -> Keys:
    """The sorted distinct keys staged in one shard: a recipient's own file, to compare with what was declared."""
    rows = [row async for row in rows_of(conn, _STAGED, (dataset_id, shard))]
    return await asyncio.to_thread(
        lambda: runs.union([run.keys for run in _staged_runs(ring, dataset_id, shard, rows)])
    )


async def begin_segment(conn: Connection, dataset_id: uuid.UUID) -> Segment:
    """Begin a segment for what is staged of a dataset, at the level that fits it. Drops an unfinished segment first."""
    await drop_unfinished_segment(conn, dataset_id)
    # PostgreSQL knows the length of a stored value without reading it.
    query: LiteralString = """
        SELECT coalesce(sum(number_count), 0)::bigint, coalesce(sum(octet_length(content) - %s), 0)::bigint
        FROM staged_run WHERE dataset_id = %s
    """
    ((count, size),) = [row async for row in rows_of(conn, query, (encryption.STAGED_OVERHEAD, dataset_id))]
    level = blocks.fit_level(count, size / max(count, 1) - KEY_BYTES)
    query = """
        WITH begun AS (
            INSERT INTO membership_segment (state, level, created_at) VALUES (%s, %s, now()) RETURNING id)
        INSERT INTO segment_member (segment_id, place, dataset_id, number_count, digest)
        SELECT id, 0, %s, 0, '' FROM begun RETURNING segment_id
    """
    ((segment_id,),) = [row async for row in rows_of(conn, query, (SegmentState.LOADING, level, dataset_id))]
    return Segment(segment_id, level)


async def drop_unfinished_segment(conn: Connection, dataset_id: uuid.UUID) -> None:
    """Drop the segment of a dataset whose load was not completed. What is staged of the dataset stays."""
    query: LiteralString = """
        SELECT segment.id FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = segment_id
        WHERE dataset_id = %s AND state = %s
    """
    unfinished = [row[0] async for row in rows_of(conn, query, (dataset_id, SegmentState.LOADING))]
    await conn.execute("DELETE FROM membership_block WHERE segment_id = ANY(%s)", (unfinished,))
    await conn.execute("DELETE FROM membership_segment WHERE id = ANY(%s)", (unfinished,))


async def load_shard(
    conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, segment: Segment, shard: int
) -> LoadedShard:
    """Merge the staged runs of one shard into blocks. The runs stay until `unstage` is called after the last shard.

    Raises psycopg.errors.UniqueViolation if the shard has already been loaded.
    """
    rows = [row async for row in rows_of(conn, _STAGED, (dataset_id, shard))]
    # Sorting would block the event loop for too long.
    run, duplicates = await asyncio.to_thread(_merge_staged, ring, dataset_id, shard, rows)
    await write_blocks(conn, ring, segment, run)
    return _loaded_shard(run, duplicates)


def load_shard_in_thread(
    conn: BulkConnection, ring: KeyRing, dataset_id: uuid.UUID, segment: Segment, shard: int
) -> LoadedShard:
    """Like `load_shard`, for large loads in a thread: the event loop would be woken for every few kilobytes."""
    with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        rows = cursor.execute(_STAGED, (dataset_id, shard)).fetchall()
        run, duplicates = _merge_staged(ring, dataset_id, shard, rows)
        with cursor.copy(_COPY_BLOCK) as copy:
            copy.set_types(_BLOCK_TYPES)
            for row in _block_rows(ring, segment, run):
                copy.write_row(row)
    return _loaded_shard(run, duplicates)


def _merge_staged(ring: KeyRing, dataset_id: uuid.UUID, shard: int, rows: Sequence[tuple[Any, ...]]) -> tuple[Run, int]:
    return runs.merge(_staged_runs(ring, dataset_id, shard, rows))


def _loaded_shard(run: Run, duplicates: int) -> LoadedShard:
    known = None if run.consented_at is None else run.consented_at[run.consented_at > 0]
    if known is None or not len(known):
        return LoadedShard(runs.digest(run), duplicates, None, None)
    first, last = _from_unix(int(known.min())), _from_unix(int(known.max()))
    return LoadedShard(runs.digest(run), duplicates, first, last)


async def complete_segment(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, digest: Digest) -> None:
    """Let lookups find a dataset after every shard of it has been loaded."""
    query: LiteralString = """
        UPDATE membership_segment SET state = %s WHERE state = %s AND id IN (
            SELECT segment_id FROM segment_member WHERE dataset_id = %s) RETURNING id
    """
    parameters = (SegmentState.LIVE, SegmentState.LOADING, dataset_id)
    ((segment_id,),) = [row async for row in rows_of(conn, query, parameters)]
    query = "UPDATE segment_member SET number_count = %s, digest = %s WHERE segment_id = %s"
    await conn.execute(query, (digest.count, encryption.encrypt_digest(ring, dataset_id, digest), segment_id))


async def lock_shards(conn: Connection, shards: Iterable[int]) -> None:
    """Wait until no other transaction changes what these shards store, and keep others waiting until this one ends."""
    await locks.take(conn, Lock.SHARD, *shards)


async def drop_blocks(conn: Connection, segment_ids: Sequence[int], shard: int) -> None:
    """Delete the blocks of these segments in one shard."""
    query: LiteralString = "DELETE FROM membership_block WHERE segment_id = ANY(%s) AND lead >= %s AND lead < %s"
    width = blocks.LEADS // blocks.SHARDS
    await conn.execute(query, (list(segment_ids), shard * width, (shard + 1) * width))


# In the order of the file, because the first of equal duplicates stays.
_STAGED: Final[LiteralString] = """
    SELECT upload, run, number_count, content FROM staged_run
    WHERE dataset_id = %s AND shard = %s ORDER BY upload, run
"""


def _staged_runs(ring: KeyRing, dataset_id: uuid.UUID, shard: int, rows: Sequence[tuple[Any, ...]]) -> list[Run]:
    """The staged runs of one shard, in the order of the file."""
    return [
        encryption.decrypt_staged(ring, dataset_id, (shard, upload, number), count, content)
        for upload, number, count, content in rows
    ]


async def write_blocks(conn: Connection, ring: KeyRing, segment: Segment, run: Run) -> None:
    """Write a sorted run as blocks of a segment."""
    rows = await asyncio.to_thread(_block_rows, ring, segment, run)
    async with conn.cursor() as cursor, cursor.copy(_COPY_BLOCK) as copy:
        copy.set_types(_BLOCK_TYPES)
        for row in rows:
            await copy.write_row(row)


def _block_rows(ring: KeyRing, segment: Segment, run: Run) -> list[tuple[Any, ...]]:
    packed = list(blocks.pack_blocks(run, blocks.cut_blocks(run, segment.level)))
    merged = run.holders is not None
    return [
        (blocks.shard_of(row.lead), row.level, row.lead, segment.id, merged, *row[2:])
        for row in encryption.encrypt_blocks(ring, segment.id, packed)
    ]


# The blocks that hold a key. A block of any level may hold it, so all 26 levels are probed by the primary key. If the
# bytes match across two neighbouring keys, each key is compared instead; random keys never make that necessary.
CANDIDATE_BLOCKS: Final[LiteralString] = """
    SELECT block.*, place.place
    FROM generate_series(5, 30) AS width (level)
    JOIN membership_block AS block
      ON block.shard = %(shard)s AND block.level = width.level
     AND block.lead = %(lead)s >> (30 - width.level) << (30 - width.level)
    CROSS JOIN LATERAL (
        SELECT substr(%(key)s, 1 + width.level / 8) AS rest, 16 - width.level / 8 AS size) AS stored
    CROSS JOIN LATERAL (SELECT position(stored.rest IN block.keys) - 1 AS at) AS first
    CROSS JOIN LATERAL (
        SELECT CASE WHEN at %% size = 0 THEN at / size ELSE (
            SELECT n / size FROM generate_series(0, octet_length(block.keys) - 1, size) AS n
            WHERE substr(block.keys, n + 1, size) = rest) END AS place) AS place
    WHERE first.at >= 0 AND place.place IS NOT NULL
"""
# The memberships of the key in each block. In a segment of a single dataset there is one, at the place of the key. In a
# segment of several datasets, the block's list of holders states where the key's memberships begin. They end where the
# next key's begin, or with the list.
_MEMBERSHIPS_OF_KEY: Final[LiteralString] = f"""
    SELECT (SELECT dataset_id FROM segment_member AS member
            WHERE member.segment_id = found.segment_id AND member.place = holder.place) AS dataset_id,
           found.segment_id, found.level, found.lead, entry.at, total,
           substr(consented_at, 1, 16) || substr(consented_at, 16 + 4 * entry.at + 1, 4) AS consented_at, record_ids
    FROM ({CANDIDATE_BLOCKS}) AS found
    CROSS JOIN LATERAL (
        SELECT octet_length(keys) / (16 - level / 8) AS keys_here, octet_length(holders) / 2 AS shorts) AS size
    CROSS JOIN LATERAL (SELECT coalesce(shorts - keys_here, keys_here) AS total) AS sum
    CROSS JOIN LATERAL generate_series(
        coalesce(get_byte(holders, 2 * place) * 256 + get_byte(holders, 2 * place + 1), place),
        CASE WHEN holders IS NULL THEN place
             WHEN place + 1 = keys_here THEN total - 1
             ELSE get_byte(holders, 2 * place + 2) * 256 + get_byte(holders, 2 * place + 3) - 1 END) AS entry (at)
    CROSS JOIN LATERAL (
        SELECT coalesce(get_byte(holders, 2 * (keys_here + entry.at)) * 256
                      + get_byte(holders, 2 * (keys_here + entry.at) + 1), 0) AS place) AS holder
    WHERE (SELECT state FROM membership_segment AS segment WHERE segment.id = found.segment_id) = 'live'
"""  # noqa: S608
STORING_DATASETS: Final[LiteralString] = f"SELECT dataset_id FROM ({_MEMBERSHIPS_OF_KEY}) AS membership"  # noqa: S608
# Erasures are read once, not for each membership. As a rule there are none.
_LOOKUP: Final[LiteralString] = f"""
    SELECT version, erasure.*, membership.*
    FROM graph_version
    CROSS JOIN (
        SELECT array_agg(dataset_id) AS datasets, array_agg(erased_at) AS times FROM exclusion WHERE key = %(key)s
    ) AS erasure
    LEFT JOIN LATERAL ({_MEMBERSHIPS_OF_KEY}) AS membership ON true
"""  # noqa: S608


def lookup_parameters(key: bytes) -> dict[str, Any]:
    """The parameters of `CANDIDATE_BLOCKS` for a key."""
    lead = blocks.lead_of(key)
    return {"key": key, "lead": lead, "shard": blocks.shard_of(lead)}


async def lookup(conn: Connection, ring: KeyRing, key: bytes) -> LookupResult:
    """The version of the graph, every dataset that stores this key, and its erasures, as of one moment."""
    rows = [row async for row in rows_of(conn, _LOOKUP, lookup_parameters(key))]
    version, datasets, times, *_ = rows[0]
    erasures = dict(zip(datasets, times, strict=True)) if datasets else NO_ERASURES
    return LookupResult(version, _memberships(ring, [row[3:] for row in rows if row[3] is not None]), erasures)


def _memberships(ring: KeyRing, rows: Sequence[tuple[Any, ...]]) -> list[Membership]:
    # All times together cost one call. Most lookups of one number find some dozens.
    times = iter(encryption.decrypt_times_at(ring, [(row[6], row[4]) for row in rows if row[6] is not None]))
    found = []
    for dataset_id, segment_id, level, lead, at, total, time, encrypted_ids in rows:
        seconds = 0 if time is None else next(times)
        record_id = None
        if encrypted_ids is not None:
            block = BlockColumns(level, lead, b"", None, None, encrypted_ids)
            record_id = blocks.record_id_at(encryption.decrypt_record_ids(ring, segment_id, block) or b"", total, at)
        found.append(Membership(dataset_id, _from_unix(seconds) if seconds else None, record_id))
    return found


async def rows_of(conn: Connection, query: LiteralString, parameters: Any) -> AsyncIterator[tuple[Any, ...]]:
    """The rows of a query, in the binary format."""
    async with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(query, parameters)
        async for row in cursor:
            yield row


def _from_unix(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
