"""The two ways of loading: in the caller's transaction, and in a thread with a connection of its own."""

import asyncio
import threading
import uuid
from functools import partial
from typing import LiteralString

import psycopg
import pytest

from service.core.db import Database, driver
from service.core.threads import in_thread
from service.membership import blocks, store
from service.membership.store import LoadedShard, Segment
from service.number.keyring import KeyRing
from tests.inspection import rows
from tests.kannel import wait_until
from tests.membership.builders import on, staged
from tests.membership.model import run_of

# Some twice, some with a consent or a name, some with neither.
LINES = [
    (33639980000 + n % 4_000, 1_700_000_000 + n if n % 3 else 0, f"opt-in-{n}" if n % 5 == 0 else None)
    for n in range(5_000)
]
BLOCKS: LiteralString = """
    SELECT level, lead, keys, consented_at, octet_length(record_ids) FROM membership_block
    WHERE segment_id = %s ORDER BY level, lead
"""
WAITING: LiteralString = "SELECT FROM pg_stat_activity WHERE wait_event = 'advisory'"


async def both(
    database: Database, ring: KeyRing
) -> tuple[uuid.UUID, Segment, list[LoadedShard], Segment, list[LoadedShard]]:
    one, other = [await staged(database, ring, run_of(ring, LINES), state="sealing") for _ in range(2)]
    async with database.transaction() as session:
        connection = await driver(session)
        here, there = await store.begin_segment(connection, one), await store.begin_segment(connection, other)
        in_turn = [await store.load_shard(connection, ring, one, here, shard) for shard in range(blocks.SHARDS)]
    with database.bulk_connection() as bulk:
        loads = [partial(store.load_shard_in_thread, bulk, ring, other, there, shard) for shard in range(blocks.SHARDS)]
        apart = [await in_thread(load) for load in loads]
    return other, here, in_turn, there, apart


def test_both_ways_write_the_same(dsn: str, ring: KeyRing) -> None:
    _, here, in_turn, there, apart = on(dsn, lambda database: both(database, ring))
    assert in_turn == apart
    assert sum(each.digest.count for each in apart) == 4_000
    stored = rows(dsn, BLOCKS, here.id)
    assert stored == rows(dsn, BLOCKS, there.id)
    assert len(stored) >= blocks.SHARDS


def test_a_shard_is_loaded_once_in_a_thread_too(dsn: str, ring: KeyRing) -> None:
    async def again(database: Database) -> None:
        dataset_id, _, _, segment, _ = await both(database, ring)
        with database.bulk_connection() as bulk, pytest.raises(psycopg.errors.UniqueViolation):
            await in_thread(partial(store.load_shard_in_thread, bulk, ring, dataset_id, segment, 0))

    on(dsn, again)


def test_whoever_is_cancelled_goes_on_when_the_thread_is_done() -> None:
    began, may_end, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait()
        done.set()

    async def cancel() -> None:
        waiting = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(began.wait)
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert done.is_set()

    asyncio.run(cancel())


def test_whoever_is_cancelled_does_not_wait_for_a_lock(dsn: str) -> None:
    async def cancel(database: Database) -> None:
        with database.bulk_connection() as holding, database.bulk_connection() as waiting:
            holding.execute("SELECT pg_advisory_lock(1)")
            query: LiteralString = "SELECT pg_advisory_lock(1)"
            blocked = asyncio.create_task(in_thread(partial(waiting.execute, query), waiting.cancel_safe))
            await asyncio.to_thread(wait_until, lambda: bool(rows(dsn, WAITING)), "nobody waits for the lock")
            blocked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(blocked, 20)

    on(dsn, cancel)
