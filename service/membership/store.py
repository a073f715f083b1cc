"""Memberships in the database: the only door to them, and the only place of COPY.

Every function works in the caller's transaction, and commits nothing.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from service.membership import blocks
from service.membership.ancestry import Ancestry, Bits, Dag, ancestors_of, holding, sources_of, trace
from service.membership.blocks import Run
from service.membership.pseudonym import KEY_BYTES, KeyRing, Keys, pack_keys, unpack_keys

Connection = AsyncConnection[Any]
# Column types of the binary COPY, which converts nothing.
_STAGED_TYPES: Final = ("uuid", "int2", "int4", "int4", "bytea", "bytea", "bytea")
_BLOCK_TYPES: Final = ("int2", "int2", "int4", "uuid", "bytea", "bytea", "bytea")
_TIME_BYTES: Final = 4


class Held(NamedTuple):
    """One dataset that holds a number, and what it says of it."""

    dataset_id: uuid.UUID
    consented_at: datetime | None
    record_id: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the staged runs of one shard: distinct numbers, duplicates left out, and known times of consent."""

    count: int
    duplicates: int
    first_consented_at: datetime | None
    last_consented_at: datetime | None


async def stage(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, part: int, run_number: int, run: Run) -> None:
    """Keep a sorted chunk of a part until its dataset is sealed, one row a shard.

    Raises psycopg.errors.UniqueViolation if that run of that part is staged already.
    """
    statement = "COPY staged_run (dataset_id, shard, part, run, keys, consented_at, record_ids) FROM STDIN (FORMAT BINARY)"
    async with conn.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(_STAGED_TYPES)
        for shard, places in blocks.shard_ranges(run.keys):
            context = _staged_context(dataset_id, shard, part, run_number)
            columns = _packed(ring, run[places], context)
            await copy.write_row((dataset_id, shard, part, run_number, *columns))


async def unstage(conn: Connection, dataset_id: uuid.UUID, part: int | None = None) -> None:
    """Drop what is staged of one part, or of the whole dataset."""
    await conn.execute(
        "DELETE FROM staged_run WHERE dataset_id = %s AND part = coalesce(%s, part)", (dataset_id, part)
    )


async def staged_count(conn: Connection, dataset_id: uuid.UUID) -> int:
    """How many numbers are staged, duplicates included."""
    count, _ = await _staged_size(conn, dataset_id)
    return count


async def level_of(conn: Connection, dataset_id: uuid.UUID) -> int:
    """The level to `load` the staged dataset at: the same for all its shards."""
    count, size = await _staged_size(conn, dataset_id)
    return blocks.fit_level(count, size / max(count, 1))


async def _staged_size(conn: Connection, dataset_id: uuid.UUID) -> tuple[int, int]:
    # The length of a value is known without fetching it.
    cursor = await conn.execute(
        "SELECT coalesce(sum(octet_length(keys)), 0)::bigint, coalesce(sum(octet_length(keys) "
        "+ coalesce(octet_length(consented_at), 0) + coalesce(octet_length(record_ids), 0)), 0)::bigint "
        "FROM staged_run WHERE dataset_id = %s",
        (dataset_id,),
    )
    (key_bytes, size), = await cursor.fetchall()
    return key_bytes // KEY_BYTES, size


async def staged_keys(conn: Connection, dataset_id: uuid.UUID, shard: int) -> Keys:
    """The sorted distinct keys staged in one shard: what a recipient uploaded, to be compared with what was declared."""
    rows = _rows(conn, "SELECT keys FROM staged_run WHERE dataset_id = %s AND shard = %s", (dataset_id, shard))
    return blocks.union([unpack_keys(keys) async for keys, in rows])


async def load(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, shard: int, level: int) -> Loaded:
    """Merge what is staged in one shard into blocks. What is staged stays, for `unstage` when all shards are done.

    Raises psycopg.errors.UniqueViolation if the shard has been loaded before.
    """
    runs = [run async for run in _staged_runs(conn, ring, dataset_id, shard)]
    # Sorting takes long enough to be felt by whoever else is served by this event loop.
    run, duplicates = await asyncio.to_thread(blocks.merge, runs)
    del runs
    statement = (
        "COPY membership_block (shard, level, bucket, dataset_id, keys, consented_at, record_ids) FROM STDIN (FORMAT BINARY)"
    )
    async with conn.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(_BLOCK_TYPES)
        for block in blocks.cut(run, level):
            columns = _packed(ring, block.run, _block_context(dataset_id, block.level, block.bucket))
            await copy.write_row((shard, block.level, block.bucket, dataset_id, *columns))
    return Loaded(len(run), duplicates, *_span(run))


async def _staged_runs(conn: Connection, ring: KeyRing, dataset_id: uuid.UUID, shard: int) -> AsyncIterator[Run]:
    # In the order of the file, so that of equal duplicates the first one stays.
    query = (
        "SELECT part, run, keys, consented_at, record_ids FROM staged_run "
        "WHERE dataset_id = %s AND shard = %s ORDER BY part, run"
    )
    async for part, run_number, keys, times, record_ids in _rows(conn, query, (dataset_id, shard)):
        yield _unpacked(ring, keys, times, record_ids, _staged_context(dataset_id, shard, part, run_number))


def _span(run: Run) -> tuple[datetime | None, datetime | None]:
    known = run.consented_at[run.consented_at > 0] if run.consented_at is not None else np.empty(0, np.uint32)
    return (_instant(int(known.min())), _instant(int(known.max()))) if len(known) else (None, None)


# Every dataset that holds one key: a block of each level may have it. The key is looked for in the bytes of the
# block; a match across two neighbouring pseudonyms would be a chance of 2^-120, and is refused by the alignment.
HOLDING: Final = """
    SELECT block.dataset_id, block.level, block.bucket, length(block.keys) AS size, found.at,
           get_byte(block.consented_at, found.at / 4) AS consented_at,
           block.record_ids
    FROM generate_series(5, 30) AS width (level)
"""


def holding_parameters(key: bytes) -> dict[str, Any]:
    """The parameters of `HOLDING` for one 16-byte key."""
    lead = int.from_bytes(key[:4]) >> (32 - blocks.DEEPEST_LEVEL)
    return {"key": key, "lead": lead, "shard": lead >> (blocks.DEEPEST_LEVEL - blocks.SHARD_BITS)}
