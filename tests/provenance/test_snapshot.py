"""The snapshot that each process keeps: up to date right after a write, and never a mixture of two states."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, connection_of
from service.core.vocabulary import Content, DatasetState, Role
from service.dataset.models import Dataset
from service.membership import blocks, store
from service.membership.exclusion import exclude
from service.membership.runs import Run, digest
from service.number.keyring import KeyRing
from service.organisation.models import Organisation
from service.provenance.fact_reading import KnownIds, read_rows
from service.provenance.graph.rows import Rows
from service.provenance.snapshot import Snapshots, make_snapshot
from tests.provenance import oracle
from tests.provenance.stored import store_world
from tests.provenance.story import make_story

NUMBER = 33639984600
RING = KeyRing(bytes(range(32)))


@asynccontextmanager
async def databases(dsn: str, count: int) -> AsyncIterator[list[Database]]:
    """Pools of several processes."""
    opened = [Database(dsn, pool_size=4) for _ in range(count)]
    try:
        yield opened
    finally:
        for database in opened:
            await database.close()


async def add_holder(database: Database) -> uuid.UUID:
    """Add a broker."""
    broker = Organisation(asserted_by_id=None, occurred_at=now(), legal_name="B", country="FR", roles=[Role.BROKER])
    async with database.transaction() as session:
        session.add(broker)
    return broker.id


async def add_dataset(database: Database, holder: uuid.UUID) -> None:
    """Add a sealed dataset that stores the number, in one transaction."""
    dataset = Dataset(
        asserted_by_id=holder,
        occurred_at=now(),
        holder_id=holder,
        name="base",
        content=Content.UPLOADED,
        state=DatasetState.SEALED,
    )
    async with database.transaction() as session:
        session.add(dataset)
        await session.flush()
        connection = await connection_of(session)
        keys = RING.pseudonyms(np.array([NUMBER]))
        await store.stage(connection, RING, dataset.id, 1, 1, Run(keys))
        segment = await store.begin_segment(connection, dataset.id)
        await store.load_range(connection, RING, dataset.id, segment, range(blocks.SHARDS))
        await store.complete_segment(connection, RING, dataset.id, digest(Run(keys)))
        await store.unstage(connection, dataset.id)


async def count_both(snapshots: Snapshots) -> tuple[int, int]:
    """How many datasets the graph has, and how many store the number. They are equal in every state of these tests."""
    snapshot, held, _ = await snapshots.locate(RING, NUMBER)
    return len(snapshot.graph.facts.datasets), len(held)


def test_write_through_one_process_is_in_the_next_answer_of_another(dsn: str) -> None:
    async def run() -> None:
        async with databases(dsn, 2) as (writing, other):
            holder = await add_holder(writing)
            first, second = Snapshots(writing), Snapshots(other)
            for count in range(1, 6):
                await add_dataset(writing, holder)
                assert await count_both(second) == (count, count)
                assert await count_both(first) == (count, count)

    asyncio.run(run())


def test_erasure_through_one_process_is_in_the_next_answer_of_another_without_a_reload(
    dsn: str, reads: list[AsyncSession]
) -> None:
    async def run() -> None:
        async with databases(dsn, 2) as (writing, other):
            holder = await add_holder(writing)
            for _ in range(2):
                await add_dataset(writing, holder)
            snapshots = Snapshots(other)
            snapshot, held, ended = await snapshots.locate(RING, NUMBER)
            assert (len(held), ended) == (2, {})
            moment = now()
            async with writing.transaction() as session:
                first = [row.dataset_id for row in held[:1]]
                await exclude(await connection_of(session), RING.pseudonym(NUMBER), first, moment)
                # A second exclusion changes nothing.
                await exclude(await connection_of(session), RING.pseudonym(NUMBER), first)
            kept, still, ended = await snapshots.locate(RING, NUMBER)
            assert (kept, still, ended) == (snapshot, held, dict.fromkeys(first, moment))
            assert await snapshots.locate(RING, NUMBER + 1) == (kept, [], {})

    asyncio.run(run())
    assert len(reads) == 1


def test_locate_while_writers_race_readers_mixes_no_two_states(dsn: str) -> None:
    async def run() -> None:
        async with databases(dsn, 3) as (writing, first_process, second_process):
            holder = await add_holder(writing)
            seen: list[tuple[int, int]] = []

            async def write() -> None:
                for _ in range(6):
                    await add_dataset(writing, holder)

            async def read(database: Database, snapshots: Snapshots) -> None:
                while seen[-1:] != [(12, 12)]:
                    seen.append(await count_both(snapshots))

            readers = [
                read(database, snapshots)
                for database in (first_process, second_process)
                for snapshots in [Snapshots(database)] * 2
            ]
            await asyncio.gather(write(), write(), *readers)
            assert {datasets - held for datasets, held in seen} == {0}
            assert len(set(seen)) > 2

    asyncio.run(run())


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[AsyncSession]:
    """The sessions in which the whole graph was read."""
    sessions: list[AsyncSession] = []

    async def counted(session: AsyncSession, ids: KnownIds) -> Rows:
        sessions.append(session)
        return await read_rows(session, ids)

    monkeypatch.setattr("service.provenance.snapshot.read_rows", counted)
    return sessions


def test_locate_by_many_requests_of_a_stale_graph_reloads_once(dsn: str, reads: list[AsyncSession]) -> None:
    async def run() -> None:
        async with databases(dsn, 1) as (database,):
            await add_dataset(database, await add_holder(database))
            snapshots = Snapshots(database)
            found = await asyncio.gather(*(count_both(snapshots) for _ in range(8)))
            assert set(found) == {(1, 1)}

    asyncio.run(run())
    assert len(reads) == 1


def test_current_in_an_older_session_gives_its_state_and_keeps_the_later_snapshot(
    dsn: str, reads: list[AsyncSession]
) -> None:
    async def run() -> None:
        async with databases(dsn, 1) as (database,):
            holder = await add_holder(database)
            snapshots = Snapshots(database)
            async with database.snapshot() as reading:
                before = await snapshots.current(reading)
                await add_dataset(database, holder)
                assert await count_both(snapshots) == (1, 1)
                assert (await snapshots.current(reading)).graph.facts == before.graph.facts
            before_last = len(reads)
            assert await count_both(snapshots) == (1, 1)
            assert len(reads) == before_last

    asyncio.run(run())


def test_current_in_a_session_between_two_kept_versions_reads_only_what_changed(
    dsn: str, reads: list[AsyncSession]
) -> None:
    async def run() -> None:
        async with databases(dsn, 1) as (database,):
            holder = await add_holder(database)
            snapshots = Snapshots(database)
            assert await count_both(snapshots) == (0, 0)
            await add_dataset(database, holder)
            async with database.snapshot() as reading:
                # The session's state is that of its first statement.
                await (await connection_of(reading)).execute("SELECT")
                await add_dataset(database, holder)
                assert await count_both(snapshots) == (2, 2)
                between = await snapshots.current(reading)
            assert len(between.graph.facts.datasets) == 1
            assert await count_both(snapshots) == (2, 2)

    asyncio.run(run())
    assert len(reads) == 1


def test_locate_that_is_cancelled_leaves_those_who_share_its_reload(dsn: str) -> None:
    async def run() -> None:
        async with databases(dsn, 1) as (database,):
            await add_dataset(database, await add_holder(database))
            snapshots = Snapshots(database)
            sharing = [asyncio.create_task(count_both(snapshots)) for _ in range(4)]
            # The first of them has begun the reload that all share.
            while snapshots._forming is None:  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0)
            sharing[0].cancel()
            found = await asyncio.gather(*sharing, return_exceptions=True)
            assert isinstance(found[0], asyncio.CancelledError)
            assert found[1:] == [(1, 1)] * 3

    asyncio.run(run())


def test_read_rows_gives_the_graph_that_was_written(dsn: str) -> None:
    facts = oracle.rows_of(make_story().world)

    async def run() -> None:
        async with databases(dsn, 1) as (database,):
            async with database.transaction() as session:
                await store_world(session, facts)
            async with database.snapshot() as reading:
                found = make_snapshot(1, await read_rows(reading, {}))
        expected = make_snapshot(1, facts)
        assert found.visibility_index == expected.visibility_index
        assert found.graph.facts == expected.graph.facts

    asyncio.run(run())
