"""Memberships in the database: staging, loading and lookup. Only this module uses COPY.

Every function works in the caller's transaction and commits nothing.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
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
from service.membership.lookup_queries import LOOKUP, LOOKUP_MANY
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


# So many staged bytes are loaded at once. Each range costs two statements and a turn of a thread, however small it is.
LOADED_AT_ONCE: Final = 512 * 1024


class Segment(NamedTuple):
    """A segment to which blocks are being written, the level of its coarsest blocks, and the shards to load at once."""

    id: int
    level: int
    ranges: Sequence[range] = ()


@dataclass(frozen=True, slots=True)
class LoadedRange:
    """What was loaded into some shards: distinct numbers, duplicates left out, and the span of known consent times."""

    digest: Digest
    duplicates: int
    first_consented_at: datetime | None
    last_consented_at: datetime | None


class Membership(NamedTuple):
    """A dataset that stores a number, and what it states of that number's consent."""

    dataset_id: uuid.UUID
    consented_at: datetime | None
    record_id: str | None


class Contest(NamedTuple):
    """Since when the person contests an origin of the number, and when its collector answered."""

    contested_at: datetime
    answered_at: datetime | None


Contests = Mapping[uuid.UUID, Contest]
"""What the person contests and did not take back, by the collected dataset that gives the origin."""
NO_CONTESTS: Final[Contests] = {}


class LookupResult(NamedTuple):
    """Everything stored about a number, read by one statement.

    A dataset that the number was erased from may still store it for the copy's dependents.
    """

    version: int
    memberships: list[Membership]
    erasures: Erasures
    contests: Contests = NO_CONTESTS


class Stored(NamedTuple):
    """Which datasets store a number, without what they state of its consent, and its erasures."""

    dataset_ids: Sequence[uuid.UUID]
    erasures: Erasures


class ManyResult(NamedTuple):
    """What is stored about many numbers, in their order, read by one statement."""

    version: int
    numbers: list[Stored]


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


async def staged_keys(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, shards: range) -> Keys:
    """The sorted distinct keys staged in some shards: a recipient's own file, to compare with what was declared."""
    rows = [row async for row in rows_of(conn, _STAGED, (dataset_id, shards.start, shards.stop))]
    return await asyncio.to_thread(lambda: runs.union([run.keys for run in _staged_runs(ring, dataset_id, rows)]))


async def begin_segment(conn: Connection, dataset_id: uuid.UUID, at_once: int = LOADED_AT_ONCE) -> Segment:
    """Begin a segment for what is staged of a dataset, at the level that fits it. Drops an unfinished segment first.

    At most `at_once` staged bytes are to be loaded at once, or a single shard.
    """
    await drop_unfinished_segment(conn, dataset_id)
    # PostgreSQL knows the length of a stored value without reading it.
    query: LiteralString = """
        SELECT shard, sum(number_count)::bigint, sum(octet_length(content) - %s)::bigint
        FROM staged_run WHERE dataset_id = %s GROUP BY shard
    """
    staged = [row async for row in rows_of(conn, query, (encryption.STAGED_OVERHEAD, dataset_id))]
    count, size = sum(row[1] for row in staged), sum(row[2] for row in staged)
    level = blocks.fit_level(count, size / max(count, 1) - KEY_BYTES)
    query = """
        WITH begun AS (
            INSERT INTO membership_segment (state, level, created_at) VALUES (%s, %s, now()) RETURNING id)
        INSERT INTO segment_member (segment_id, place, dataset_id, number_count, digest)
        SELECT id, 0, %s, 0, '' FROM begun RETURNING segment_id
    """
    ((segment_id,),) = [row async for row in rows_of(conn, query, (SegmentState.LOADING, level, dataset_id))]
    return Segment(segment_id, level, list(blocks.shard_ranges({row[0]: row[2] for row in staged}, at_once)))


async def drop_unfinished_segment(conn: Connection, dataset_id: uuid.UUID) -> None:
    """Drop the segment of a dataset whose load was not completed. What is staged of the dataset stays."""
    query: LiteralString = """
        SELECT segment.id FROM segment_member AS member JOIN membership_segment AS segment ON segment.id = segment_id
        WHERE dataset_id = %s AND state = %s
    """
    unfinished = [row[0] async for row in rows_of(conn, query, (dataset_id, SegmentState.LOADING))]
    if unfinished:
        await conn.execute("DELETE FROM membership_block WHERE segment_id = ANY(%s)", (unfinished,))
        await conn.execute("DELETE FROM membership_segment WHERE id = ANY(%s)", (unfinished,))


async def load_range(
    conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, segment: Segment, shards: range
) -> LoadedRange:
    """Merge the staged runs of some shards into blocks. The runs stay until `unstage` is called after the last shard.

    The blocks are the same, however the shards are divided into ranges.

    Raises psycopg.errors.UniqueViolation if one of the shards has already been loaded.
    """
    staged = [row async for row in rows_of(conn, _STAGED, (dataset_id, shards.start, shards.stop))]
    # Sorting would block the event loop for too long.
    rows, loaded = await asyncio.to_thread(_merge_staged, ring, dataset_id, segment, staged)
    await _copy_blocks(conn, rows)
    return loaded


def load_range_in_thread(
    conn: BulkConnection, ring: KeyRing, dataset_id: uuid.UUID, segment: Segment, shards: range
) -> LoadedRange:
    """Like `load_range`, for large loads in a thread: the event loop would be woken for every few kilobytes."""
    with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        staged = cursor.execute(_STAGED, (dataset_id, shards.start, shards.stop)).fetchall()
        rows, loaded = _merge_staged(ring, dataset_id, segment, staged)
        with cursor.copy(_COPY_BLOCK) as copy:
            copy.set_types(_BLOCK_TYPES)
            for row in rows:
                copy.write_row(row)
    return loaded


def _merge_staged(
    ring: KeyRing, dataset_id: uuid.UUID, segment: Segment, staged: Sequence[tuple[Any, ...]]
) -> tuple[list[tuple[Any, ...]], LoadedRange]:
    """The rows of the blocks into which staged runs are merged, and what they contain."""
    run, duplicates = runs.merge(_staged_runs(ring, dataset_id, staged))
    rows = _block_rows(ring, segment, run)
    known = None if run.consented_at is None else run.consented_at[run.consented_at > 0]
    if known is None or not len(known):
        return rows, LoadedRange(runs.digest(run), duplicates, None, None)
    first, last = _from_unix(int(known.min())), _from_unix(int(known.max()))
    return rows, LoadedRange(runs.digest(run), duplicates, first, last)


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


# In each shard in the order of the file, because the first of equal duplicates stays.
_STAGED: Final[LiteralString] = """
    SELECT shard, upload, run, number_count, content FROM staged_run
    WHERE dataset_id = %s AND shard >= %s AND shard < %s ORDER BY shard, upload, run
"""


def _staged_runs(ring: KeyRing, dataset_id: uuid.UUID, rows: Sequence[tuple[Any, ...]]) -> list[Run]:
    """The staged runs of some shards, in each shard in the order of the file."""
    return [
        encryption.decrypt_staged(ring, dataset_id, (shard, upload, number), count, content)
        for shard, upload, number, count, content in rows
    ]


async def write_blocks(conn: Connection, ring: KeyRing, segment: Segment, run: Run) -> None:
    """Write a sorted run as blocks of a segment."""
    await _copy_blocks(conn, await asyncio.to_thread(_block_rows, ring, segment, run))


async def _copy_blocks(conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    async with conn.cursor() as cursor, cursor.copy(_COPY_BLOCK) as copy:
        copy.set_types(_BLOCK_TYPES)
        for row in rows:
            await copy.write_row(row)


def _block_rows(ring: KeyRing, segment: Segment, run: Run) -> list[tuple[Any, ...]]:
    packed = list(blocks.pack_blocks(run, blocks.cut_blocks(run, segment.level)))
    merged = run.holders is not None
    return [
        (blocks.shard_of(row.lead), row.level, row.lead, segment.id, merged, *row[2:])
        for row in encryption.encrypt_blocks(ring, [segment.id] * len(packed), packed)
    ]


def lookup_parameters(key: bytes) -> dict[str, Any]:
    """The parameters of `CANDIDATE_BLOCKS` for a key."""
    lead = blocks.lead_of(key)
    return {"key": key, "lead": lead, "shard": blocks.shard_of(lead)}


async def lookup(conn: Connection, ring: KeyRing, key: bytes) -> LookupResult:
    """The version of the graph, every dataset that stores this key, and its erasures, as of one moment."""
    parameters = lookup_parameters(key) | {"mark": ring.mark(key)}
    rows = [row async for row in rows_of(conn, LOOKUP, parameters)]
    version, datasets, times, contested, contested_at, answered_at, *_ = rows[0]
    memberships = _memberships(ring, [row[6:] for row in rows if row[6] is not None])
    contests = dict(zip(contested, map(Contest, contested_at, answered_at), strict=True)) if contested else NO_CONTESTS
    return LookupResult(version, memberships, _erasures(datasets, times), contests)


async def lookup_many(conn: Connection, keys: Sequence[bytes]) -> ManyResult:
    """The version of the graph and, for each of these keys, the datasets that store it and its erasures.

    All is as of one moment. There must be at least one key.
    """
    places = [lookup_parameters(key) for key in keys]
    columns = {f"{name}s": [place[name] for place in places] for name in ("key", "lead", "shard")}
    rows = [row async for row in rows_of(conn, LOOKUP_MANY, columns)]
    return ManyResult(rows[0][0], [Stored(stored, _erasures(datasets, times)) for _, stored, datasets, times in rows])


def _erasures(datasets: Sequence[uuid.UUID] | None, times: Sequence[datetime] | None) -> Erasures:
    return dict(zip(datasets, times, strict=True)) if datasets and times else NO_ERASURES


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
