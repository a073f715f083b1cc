"""Memberships in the database: the only door to them, and the only place of COPY.

Every function works in the caller's transaction and commits nothing.
"""

import asyncio
import struct
import uuid
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from service.core.vocabulary import Content
from service.membership import blocks
from service.membership.ancestry import Ancestry, Bits, Dag, ancestors_of, holding, sources_of, trace
from service.membership.blocks import TIME_BYTES, Run
from service.membership.pseudonym import KEY_BYTES, KeyRing, Keys, pack_keys, unpack_keys

Connection = AsyncConnection[Any]

# The binary format converts nothing, so the types must be those of the columns.
_COPY_RUN: Final = """
    COPY staged_run (dataset_id, shard, upload, run, keys, consented_at, record_ids) FROM STDIN (FORMAT BINARY)
"""
_RUN_TYPES: Final = ("uuid", "int2", "int8", "int4", "bytea", "bytea", "bytea")
_COPY_BLOCK: Final = """
    COPY membership_block (shard, level, bucket, dataset_id, keys, consented_at, record_ids)
    FROM STDIN (FORMAT BINARY)
"""
_BLOCK_TYPES: Final = ("int2", "int2", "int4", "uuid", "bytea", "bytea", "bytea")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a shard was loaded with: distinct numbers, duplicates left out, the span of the known consents."""

    count: int
    duplicates: int
    first_consented_at: datetime | None
    last_consented_at: datetime | None


class Held(NamedTuple):
    """One dataset that holds a number, and what it says of it."""

    dataset_id: uuid.UUID
    consented_at: datetime | None
    record_id: str | None


async def stage(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, upload: int, run_number: int, run: Run) -> None:
    """Keep a sorted chunk of a part until its dataset is sealed, one row a shard.

    Raises psycopg.errors.UniqueViolation if that upload staged a run of that number already.
    """
    async with conn.cursor() as cursor, cursor.copy(_COPY_RUN) as copy:
        copy.set_types(_RUN_TYPES)
        for shard, piece in blocks.shards(run):
            times = None if piece.consented_at is None else blocks.pack_times(piece.consented_at)
            sealed = _sealed(ring, piece, _run_context(dataset_id, shard, upload, run_number))
            await copy.write_row((dataset_id, shard, upload, run_number, pack_keys(piece.keys), times, sealed))


async def unstage(conn: Connection, dataset_id: uuid.UUID, upload: int | None = None) -> None:
    """Drop what one upload staged, or all that is staged of the dataset."""
    if upload is None:
        await conn.execute("DELETE FROM staged_run WHERE dataset_id = %s", (dataset_id,))
    else:
        await conn.execute("DELETE FROM staged_run WHERE dataset_id = %s AND upload = %s", (dataset_id, upload))


async def unstage_others(conn: Connection, dataset_id: uuid.UUID, uploads: Collection[int]) -> None:
    """Drop what is staged of the dataset except by these uploads."""
    await conn.execute(
        "DELETE FROM staged_run WHERE dataset_id = %s AND upload <> ALL(%s)", (dataset_id, list(uploads))
    )


async def level_of(conn: Connection, dataset_id: uuid.UUID) -> int:
    """The level that fits what is staged of a dataset: the one to `load` all its shards at."""
    # PostgreSQL knows the length of a value without reading it.
    query: LiteralString = """
        SELECT coalesce(sum(octet_length(keys)), 0)::bigint,
               coalesce(sum(octet_length(consented_at)), 0)::bigint,
               coalesce(sum(octet_length(record_ids)), 0)::bigint
        FROM staged_run WHERE dataset_id = %s
    """
    ((keys, times, record_ids),) = [row async for row in _rows(conn, query, (dataset_id,))]
    count = keys // KEY_BYTES
    return blocks.fit_level(count, (keys + times + record_ids) / max(count, 1))


async def staged_keys(conn: Connection, dataset_id: uuid.UUID, shard: int) -> Keys:
    """The sorted distinct keys staged in one shard: a recipient's file, to compare with what was declared."""
    query: LiteralString = "SELECT keys FROM staged_run WHERE dataset_id = %s AND shard = %s"
    sets = [unpack_keys(row[0]) async for row in _rows(conn, query, (dataset_id, shard))]
    return await asyncio.to_thread(blocks.union, sets)


async def load(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, shard: int, level: int) -> Loaded:
    """Merge what is staged of one shard into blocks. The runs stay, until `unstage` after the last shard.

    Raises psycopg.errors.UniqueViolation if the shard has been loaded before.
    """
    runs = [run async for run in _staged_runs(conn, ring, dataset_id, shard)]
    # Sorting takes so long that whoever shares this event loop would notice.
    run, duplicates = await asyncio.to_thread(blocks.merge, runs)
    async with conn.cursor() as cursor, cursor.copy(_COPY_BLOCK) as copy:
        copy.set_types(_BLOCK_TYPES)
        for row in _block_rows(ring, dataset_id, shard, level, run):
            await copy.write_row(row)
    known = None if run.consented_at is None else run.consented_at[run.consented_at > 0]
    if known is None or not len(known):
        return Loaded(len(run), duplicates, None, None)
    return Loaded(len(run), duplicates, _instant(int(known.min())), _instant(int(known.max())))


async def _staged_runs(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, shard: int) -> AsyncIterator[Run]:
    # In the order of the file, because of equal duplicates the first one stays.
    query: LiteralString = """
        SELECT upload, run, keys, consented_at, record_ids FROM staged_run
        WHERE dataset_id = %s AND shard = %s ORDER BY upload, run
    """
    async for upload, run_number, packed, times, sealed in _rows(conn, query, (dataset_id, shard)):
        keys, record_ids = unpack_keys(packed), None
        if sealed is not None:
            text = ring.unseal(sealed, _run_context(dataset_id, shard, upload, run_number))
            record_ids = blocks.unpack_record_ids(text, len(keys))
        yield Run(keys, None if times is None else blocks.unpack_times(times), record_ids)


def _block_rows(ring: KeyRing, dataset_id: uuid.UUID, shard: int, level: int, run: Run) -> Iterator[tuple[Any, ...]]:
    # Packed once for the shard and cut as bytes: there are tens of thousands of blocks.
    keys = memoryview(pack_keys(run.keys))
    times = None if run.consented_at is None else memoryview(blocks.pack_times(run.consented_at))
    for depth, bucket, start, end in blocks.cut(run, level):
        yield (
            shard,
            depth,
            bucket,
            dataset_id,
            keys[start * KEY_BYTES : end * KEY_BYTES],
            None if times is None else times[start * TIME_BYTES : end * TIME_BYTES],
            _sealed(ring, run[start:end], _block_context(dataset_id, depth, bucket)),
        )


def _sealed(ring: KeyRing, run: Run, context: bytes) -> bytes | None:
    return None if run.record_ids is None else ring.seal(blocks.pack_record_ids(run.record_ids), context)


# The blocks that hold one key. A block of any level may, so all 26 levels are probed, by the primary key.
_HOLDING: Final[LiteralString] = """
    SELECT block.dataset_id, block.level, block.bucket, block.keys, block.consented_at, block.record_ids
    FROM generate_series(5, 30) AS width (level)
    JOIN membership_block AS block
      ON block.shard = %(shard)s AND block.level = width.level
     AND block.bucket = %(lead)s >> (30 - width.level)
    WHERE position(%(key)s IN block.keys) > 0
"""
_LOOKUP: Final[LiteralString] = (
    f"SELECT version, holding.* FROM graph_version LEFT JOIN LATERAL ({_HOLDING}) AS holding ON true"  # noqa: S608
)


def _holding_parameters(key: bytes) -> dict[str, Any]:
    lead = int.from_bytes(key[:4]) >> (32 - blocks.DEEPEST_LEVEL)
    return {"key": key, "lead": lead, "shard": lead >> (blocks.DEEPEST_LEVEL - blocks.SHARD_BITS)}


async def lookup(conn: Connection, ring: KeyRing, key: bytes) -> tuple[int, list[Held]]:
    """The version of the graph and every dataset that stores this key, both as of the same moment."""
    rows = [row async for row in _rows(conn, _LOOKUP, _holding_parameters(key))]
    return rows[0][0], _held([row[1:] for row in rows if row[1] is not None], ring, key)


def _held(rows: Sequence[Sequence[Any]], ring: KeyRing, key: bytes) -> list[Held]:
    found = []
    for dataset_id, level, bucket, keys, times, sealed in rows:
        place = _place(key, keys)
        if place is None:
            continue
        seconds = 0 if times is None else int.from_bytes(times[place * TIME_BYTES :][:TIME_BYTES])
        record_id = None
        if sealed is not None:
            text = ring.unseal(sealed, _block_context(dataset_id, level, bucket))
            record_id = blocks.record_id_at(text, len(keys) // KEY_BYTES, place)
        found.append(Held(dataset_id, _instant(seconds) if seconds else None, record_id))
    return found


def _place(key: bytes, keys: bytes) -> int | None:
    """Where `key` is among `keys`; bytes that match across two neighbours are no key."""
    at = keys.find(key)
    while at % KEY_BYTES and at > 0:
        at = keys.find(key, at + 1)
    return None if at < 0 else at // KEY_BYTES


async def keys_of(conn: Connection, dataset_ids: Collection[uuid.UUID], shard: int) -> dict[uuid.UUID, Keys]:
    """The sorted keys that each dataset stores in one shard; no keys for one that stores nothing there."""
    pieces: dict[uuid.UUID, list[bytes]] = {dataset_id: [] for dataset_id in dataset_ids}
    query: LiteralString = """
        SELECT dataset_id, keys FROM membership_block WHERE dataset_id = ANY(%s) AND shard = %s
    """
    async for dataset_id, keys in _rows(conn, query, (list(pieces), shard)):
        pieces[dataset_id].append(keys)
    # Blocks do not overlap and keys are big-endian: blocks in the order of their bytes are in key order.
    return {dataset_id: unpack_keys(b"".join(sorted(found))) for dataset_id, found in pieces.items()}


async def unload(conn: Connection, dataset_id: uuid.UUID) -> None:
    """Remove every block of a dataset; what is staged of it stays."""
    await conn.execute("DELETE FROM membership_block WHERE dataset_id = %s", (dataset_id,))


async def content_of(conn: Connection, dag: Dag, dataset_id: uuid.UUID, shard: int) -> Keys:
    """The sorted keys of a sealed dataset, of whatever content, in one shard."""
    stored = await keys_of(conn, sources_of(dag, [dataset_id]), shard)
    return await asyncio.to_thread(blocks.union, list(stored.values()))


async def shard_ancestry(conn: Connection, dag: Dag, targets: Collection[uuid.UUID], shard: int) -> Ancestry:
    """Which numbers of the `targets` in one shard come from which of their ancestors.

    Ancestors are read one at a time; of each only a bit for every number of the targets is kept.
    """
    stored = await keys_of(conn, sources_of(dag, targets), shard)
    keys = await asyncio.to_thread(blocks.union, list(stored.values()))
    uploaded: dict[uuid.UUID, Bits] = {}
    for ancestor in ancestors_of(dag, targets):
        if dag[ancestor].content is Content.UPLOADED:
            read = stored if ancestor in stored else await keys_of(conn, [ancestor], shard)
            uploaded[ancestor] = await asyncio.to_thread(holding, keys, read.pop(ancestor))
    return trace(dag, targets, keys, uploaded)


async def _rows(conn: Connection, query: LiteralString, parameters: Any) -> AsyncIterator[tuple[Any, ...]]:
    async with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(query, parameters)
        async for row in cursor:
            yield row


def _run_context(dataset_id: uuid.UUID, shard: int, upload: int, run_number: int) -> bytes:
    return b"staged record ids" + struct.pack(">16sBQI", dataset_id.bytes, shard, upload, run_number)


def _block_context(dataset_id: uuid.UUID, level: int, bucket: int) -> bytes:
    return b"record ids" + struct.pack(">16sBI", dataset_id.bytes, level, bucket)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
