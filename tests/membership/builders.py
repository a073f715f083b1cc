"""Datasets and their numbers in the database, made by the store as the service makes them."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from psycopg import AsyncConnection

from service.core.db import Database, connection_of
from service.core.ids import uuid7
from service.membership import blocks, runs, store
from service.membership.runs import Digest, Run
from service.membership.store import LoadedRange
from service.number.keyring import KeyRing

Connection = AsyncConnection[Any]
Result = TypeVar("Result")

FIRST = 33639980000
"""The first number of a range that is reserved for fiction."""

Line = tuple[int, int, str | None]
"""The number, the consent time in Unix seconds (0 if unknown) and the record id of an uploaded line."""


def run_with_database(dsn: str, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Run a coroutine with a `Database` of its own."""

    async def connected() -> Result:
        database = Database(dsn)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(connected())


async def no_pause(*_progress: object) -> None:
    """Go on with the next step of a compaction at once."""


def consecutive_run(ring: KeyRing, count: int, begin: int = 0, *, consents: bool = False) -> Run:
    """A run of `count` consecutive numbers from `FIRST` + `begin` on."""
    keys = ring.pseudonyms(np.arange(FIRST + begin, FIRST + begin + count))
    if not consents:
        return runs.sorted_run(keys)
    times = np.arange(1_700_000_000, 1_700_000_000 + count, dtype=np.uint32) * (np.arange(count) % 7 > 0)
    record_ids = np.array([None, *(f"ref-{place}" for place in range(count))], np.object_)[:count]
    return runs.sorted_run(keys, times.astype(np.uint32), record_ids)


def run_of_lines(ring: KeyRing, lines: Sequence[Line]) -> Run:
    """The lines as a run, without a column that no line has a value for."""
    record_ids = np.full(len(lines), None, np.object_)
    record_ids[:] = [record_id for _, _, record_id in lines]
    return runs.sorted_run(
        ring.pseudonyms(np.array([number for number, _, _ in lines], np.int64)),
        np.array([time for _, time, _ in lines], np.uint32) if any(time for _, time, _ in lines) else None,
        record_ids if any(record_id for _, _, record_id in lines) else None,
    )


def from_unix(seconds: int) -> datetime | None:
    """The time of a line, None if it is unknown."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


async def new_dataset(connection: Connection) -> uuid.UUID:
    """An open uploaded dataset of a new holder."""
    holder_id, dataset_id = uuid7(), uuid7()
    await connection.execute(
        "INSERT INTO organisation (id, occurred_at, recorded_at, admitted_at, legal_name, country, roles) "
        "VALUES (%s, now(), now(), now(), 'Contact Direct SAS', 'FR', '{broker}')",
        (holder_id,),
    )
    await connection.execute(
        "INSERT INTO dataset (id, asserted_by_id, holder_id, occurred_at, recorded_at, name, content, state, "
        "default_region, time_zone, reconciling) "
        "VALUES (%s, %s, %s, now(), now(), 'base', 'uploaded', 'open', 'FR', 'Europe/Paris', false)",
        (dataset_id, holder_id, holder_id),
    )
    return dataset_id


async def stage_numbers(connection: Connection, ring: KeyRing, numbers: Sequence[int], part: int = 1) -> uuid.UUID:
    """A new dataset for which these numbers are staged."""
    dataset_id = await new_dataset(connection)
    run = runs.sorted_run(ring.pseudonyms(np.array(numbers, np.int64)))
    await store.stage(connection, ring, dataset_id, part, 1, run)
    return dataset_id


async def load_staged(connection: Connection, ring: KeyRing, dataset_id: uuid.UUID) -> list[LoadedRange]:
    """Load what is staged of a dataset, in the transaction of `connection`, so that lookups find it."""
    segment = await store.begin_segment(connection, dataset_id)
    loaded = [await store.load_range(connection, ring, dataset_id, segment, shards) for shards in segment.ranges]
    await store.complete_segment(connection, ring, dataset_id, sum((shards.digest for shards in loaded), Digest()))
    await store.unstage(connection, dataset_id)
    return loaded


async def store_numbers(connection: Connection, ring: KeyRing, numbers: Sequence[int]) -> uuid.UUID:
    """A new dataset that stores these numbers."""
    dataset_id = await stage_numbers(connection, ring, numbers)
    await load_staged(connection, ring, dataset_id)
    return dataset_id


async def stage_run(database: Database, ring: KeyRing, run: Run, *, state: str = "open") -> uuid.UUID:
    """A new dataset in this state for which a run is staged."""
    async with database.transaction() as session:
        connection = await connection_of(session)
        dataset_id = await new_dataset(connection)
        await connection.execute("UPDATE dataset SET state = %s WHERE id = %s", (state, dataset_id))
        await store.stage(connection, ring, dataset_id, 1, 1, run)
    return dataset_id


async def load_shards(database: Database, ring: KeyRing, dataset_id: uuid.UUID, shards: int = blocks.SHARDS) -> Digest:
    """Load the first `shards` shards of a dataset, eight in a transaction, without completing the segment."""
    async with database.transaction() as session:
        segment = await store.begin_segment(await connection_of(session), dataset_id)
    digest = Digest()
    for first in range(0, shards, 8):
        async with database.transaction() as session:
            connection = await connection_of(session)
            digest += (await store.load_range(connection, ring, dataset_id, segment, range(first, first + 8))).digest
    return digest


async def complete_dataset(database: Database, ring: KeyRing, dataset_id: uuid.UUID, digest: Digest) -> None:
    """Seal a loaded dataset, so that lookups find it."""
    async with database.transaction() as session:
        connection = await connection_of(session)
        await store.complete_segment(connection, ring, dataset_id, digest)
        await store.unstage(connection, dataset_id)
        query = "UPDATE dataset SET state = 'sealed', sealed_at = now(), number_count = %s WHERE id = %s"
        await connection.execute(query, (digest.count, dataset_id))


async def seal_run(database: Database, ring: KeyRing, run: Run) -> uuid.UUID:
    """A dataset sealed as the service does it, in several transactions between which others may read."""
    dataset_id = await stage_run(database, ring, run, state="sealing")
    await complete_dataset(database, ring, dataset_id, await load_shards(database, ring, dataset_id))
    return dataset_id
