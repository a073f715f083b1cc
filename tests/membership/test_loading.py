"""The two ways of loading: in the caller's transaction, and in a thread with its own connection."""

import asyncio
import threading
import uuid
from functools import partial
from typing import LiteralString

import psycopg
import pytest

from service.core.db import Database, connection_of
from service.core.threads import run_in_thread
from service.membership import blocks, store
from service.membership.store import LoadedShard, Segment
from service.number.keyring import KeyRing
from tests.inspection import rows
from tests.kannel import wait_until
from tests.membership.builders import run_of_lines, run_with_database, stage_run

# Some lines are duplicates, some have a consent time or a record id, some have neither.
LINES = [
    (33639980000 + place % 4_000, 1_700_000_000 + place if place % 3 else 0, None if place % 5 else f"opt-in-{place}")
    for place in range(5_000)
]
BLOCKS: LiteralString = """
    SELECT level, lead, keys, octet_length(consented_at), octet_length(record_ids) FROM membership_block
    WHERE segment_id = %s ORDER BY level, lead
"""
WAITING: LiteralString = "SELECT FROM pg_stat_activity WHERE wait_event = 'advisory'"


async def load_both_ways(
    database: Database, ring: KeyRing
) -> tuple[uuid.UUID, Segment, list[LoadedShard], Segment, list[LoadedShard]]:
    first, second = [await stage_run(database, ring, run_of_lines(ring, LINES), state="sealing") for _ in range(2)]
    async with database.transaction() as session:
        connection = await connection_of(session)
        here, there = await store.begin_segment(connection, first), await store.begin_segment(connection, second)
        in_transaction = [
            await store.load_shard(connection, ring, first, here, shard) for shard in range(blocks.SHARDS)
        ]
    with database.bulk_connection() as bulk:
        loads = [
            partial(store.load_shard_in_thread, bulk, ring, second, there, shard) for shard in range(blocks.SHARDS)
        ]
        in_threads = [await run_in_thread(load) for load in loads]
    return second, here, in_transaction, there, in_threads


def test_load_shard_in_a_transaction_or_in_a_thread_writes_the_same_blocks(dsn: str, ring: KeyRing) -> None:
    _, here, in_transaction, there, in_threads = run_with_database(dsn, lambda database: load_both_ways(database, ring))
    assert in_transaction == in_threads
    assert sum(shard.digest.count for shard in in_threads) == 4_000
    stored = rows(dsn, BLOCKS, here.id)
    assert stored == rows(dsn, BLOCKS, there.id)
    assert len(stored) >= blocks.SHARDS


def test_load_shard_in_thread_twice_is_refused(dsn: str, ring: KeyRing) -> None:
    async def again(database: Database) -> None:
        dataset_id, _, _, segment, _ = await load_both_ways(database, ring)
        with database.bulk_connection() as bulk, pytest.raises(psycopg.errors.UniqueViolation):
            await run_in_thread(partial(store.load_shard_in_thread, bulk, ring, dataset_id, segment, 0))

    run_with_database(dsn, again)


def test_in_thread_cancelled_ends_only_after_the_thread() -> None:
    began, may_end, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait()
        done.set()

    async def cancel() -> None:
        waiting = asyncio.create_task(run_in_thread(work))
        await asyncio.to_thread(began.wait)
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert done.is_set()

    asyncio.run(cancel())


def test_in_thread_cancelled_while_waiting_for_a_lock_ends_at_once(dsn: str) -> None:
    async def cancel(database: Database) -> None:
        with database.bulk_connection() as holding, database.bulk_connection() as waiting:
            holding.execute("SELECT pg_advisory_lock(1)")
            query: LiteralString = "SELECT pg_advisory_lock(1)"
            blocked = asyncio.create_task(run_in_thread(partial(waiting.execute, query), waiting.cancel_safe))
            await asyncio.to_thread(wait_until, lambda: bool(rows(dsn, WAITING)), "nobody waits for the lock")
            blocked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(blocked, 20)

    run_with_database(dsn, cancel)
