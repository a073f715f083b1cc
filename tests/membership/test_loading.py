"""Loading in ranges of shards, in two ways: in the caller's transaction, and in a thread with its own connection."""

import asyncio
import threading
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, LiteralString

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from service.core.db import Database, connection_of
from service.core.threads import run_in_thread
from service.membership import blocks, store
from service.membership.runs import Digest
from service.membership.store import LoadedRange, Segment
from service.number.keyring import KeyRing
from tests.inspection import rows
from tests.kannel import wait_until
from tests.membership.builders import Line, new_dataset, run_of_lines, run_with_database, stage_run

Connection = AsyncConnection[Any]
InTransaction = Callable[[Callable[[Connection], Awaitable[None]]], None]

# Some lines are duplicates, some have a consent time or a record id, some have neither.
LINES = [
    (33639980000 + place % 4_000, 1_700_000_000 + place if place % 3 else 0, None if place % 5 else f"opt-in-{place}")
    for place in range(5_000)
]
RANGES = [range(8), range(8, 9), range(9, blocks.SHARDS)]
BLOCKS: LiteralString = """
    SELECT level, lead, keys, octet_length(consented_at), octet_length(record_ids) FROM membership_block
    WHERE segment_id = %s ORDER BY level, lead
"""
STAGED: LiteralString = """
    SELECT shard, sum(octet_length(content) - 29)::bigint FROM staged_run WHERE dataset_id = %s GROUP BY shard
"""
WAITING: LiteralString = """
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'
"""


async def load_both_ways(
    database: Database, ring: KeyRing
) -> tuple[uuid.UUID, Segment, list[LoadedRange], Segment, list[LoadedRange]]:
    first, second = [await stage_run(database, ring, run_of_lines(ring, LINES), state="sealing") for _ in range(2)]
    async with database.transaction() as session:
        connection = await connection_of(session)
        here, there = await store.begin_segment(connection, first), await store.begin_segment(connection, second)
        in_transaction = [await store.load_range(connection, ring, first, here, shards) for shards in RANGES]
    with database.bulk_connection() as bulk:
        loads = [partial(store.load_range_in_thread, bulk, ring, second, there, shards) for shards in RANGES]
        in_threads = [await run_in_thread(load) for load in loads]
    return second, here, in_transaction, there, in_threads


def test_load_range_in_a_transaction_or_in_a_thread_writes_the_same_blocks(dsn: str, ring: KeyRing) -> None:
    _, here, in_transaction, there, in_threads = run_with_database(dsn, lambda database: load_both_ways(database, ring))
    assert in_transaction == in_threads
    assert sum(loaded.digest.count for loaded in in_threads) == 4_000
    stored = rows(dsn, BLOCKS, here.id)
    assert stored == rows(dsn, BLOCKS, there.id)
    assert len(stored) >= blocks.SHARDS


async def load_in_ranges(
    connection: Connection, ring: KeyRing, lines: Sequence[Line], at_once: int
) -> tuple[LoadedRange, list[Any]]:
    """Load these lines in ranges of so many bytes. Returns what was loaded in all, and the blocks."""
    dataset_id = await new_dataset(connection)
    for number, begin in enumerate(range(0, len(lines), 1_000)):
        chunk = blocks.group_by_shard(run_of_lines(ring, lines[begin : begin + 1_000]))
        await store.stage(connection, ring, dataset_id, 1, 100 * number, chunk)
    segment = await store.begin_segment(connection, dataset_id, at_once)
    staged = await connection.execute(STAGED, (dataset_id,))
    sizes = Counter(dict(await staged.fetchall()))
    assert [shard for shards in segment.ranges for shard in shards] == list(range(blocks.SHARDS))
    assert all(sum(sizes[shard] for shard in shards) <= at_once or len(shards) == 1 for shards in segment.ranges)
    loaded = [await store.load_range(connection, ring, dataset_id, segment, shards) for shards in segment.ranges]
    found = await connection.execute(BLOCKS, (segment.id,))
    firsts = [part.first_consented_at for part in loaded if part.first_consented_at]
    lasts = [part.last_consented_at for part in loaded if part.last_consented_at]
    digest = sum((part.digest for part in loaded), Digest())
    duplicates = sum(part.duplicates for part in loaded)
    total = LoadedRange(digest, duplicates, min(firsts, default=None), max(lasts, default=None))
    return total, await found.fetchall()


@settings(max_examples=8, deadline=None)
@given(count=st.integers(0, 6_000), first=st.integers(0, 9), at_once=st.integers(0, 120_000))
def test_load_in_ranges_of_any_size_writes_the_same_blocks_as_shard_by_shard(
    count: int, first: int, at_once: int, ring: KeyRing, in_transaction: InTransaction
) -> None:
    async def test(connection: Connection) -> None:
        lines = (LINES * 2)[first : first + count]
        by_shard = await load_in_ranges(connection, ring, lines, 0)
        assert await load_in_ranges(connection, ring, lines, at_once) == by_shard
        assert await load_in_ranges(connection, ring, lines, 10**9) == by_shard

    in_transaction(test)


def test_load_range_in_thread_twice_is_refused(dsn: str, ring: KeyRing) -> None:
    async def again(database: Database) -> None:
        dataset_id, _, _, segment, _ = await load_both_ways(database, ring)
        with database.bulk_connection() as bulk, pytest.raises(psycopg.errors.UniqueViolation):
            await run_in_thread(partial(store.load_range_in_thread, bulk, ring, dataset_id, segment, range(1)))

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
