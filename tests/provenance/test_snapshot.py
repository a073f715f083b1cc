"""What each process keeps of the graph: right the moment after a write, and never of two states at once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, driver
from service.core.vocabulary import Content, DatasetState, Role
from service.dataset.models import Dataset
from service.membership import blocks, store
from service.membership.exclusion import exclude
from service.membership.runs import Run, digest
from service.number.keyring import KeyRing
from service.organisation.models import Organisation
from service.provenance.graph.rows import Rows
from service.provenance.snapshot import Snapshots, make_snapshot, read_rows
from tests.provenance import oracle
from tests.provenance.stored import store_world
from tests.provenance.story import tell

NUMBER = 33639984600
RING = KeyRing(bytes(range(32)))


@asynccontextmanager
async def databases(dsn: str, count: int) -> AsyncIterator[list[Database]]:
    """As many pools as there are processes."""
    opened = [Database(dsn, pool_size=4) for _ in range(count)]
    try:
        yield opened
    finally:
        for database in opened:
            await database.close()


async def add_holder(database: Database) -> uuid.UUID:
    """A broker."""
    broker = Organisation(asserted_by_id=None, occurred_at=now(), legal_name="B", country="FR", roles=[Role.BROKER])
    async with database.transaction() as session:
        session.add(broker)
    return broker.id


async def add_dataset(database: Database, holder: uuid.UUID) -> None:
    """One more sealed dataset that stores the number, in one transaction."""
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
        connection = await driver(session)
        keys = RING.pseudonyms(np.array([NUMBER]))
        await store.stage(connection, RING, dataset.id, 1, 1, Run(keys))
        segment = await store.begin_segment(connection, dataset.id)
        for shard in range(blocks.SHARDS):
            await store.load_shard(connection, RING, dataset.id, segment, shard)
        await store.complete_segment(connection, dataset.id, digest(Run(keys)))
        await store.unstage(connection, dataset.id)


async def count_both(snapshots: Snapshots) -> tuple[int, int]:
    """How many datasets the graph has, and how many hold the number: the same in every state of these tests."""
    snapshot, held, _ = await snapshots.locate(RING, NUMBER)
    return len(snapshot.graph.facts.datasets), len(held)


def test_a_write_through_one_process_is_in_the_answers_of_another_at_once(dsn: str) -> None:
    async def run() -> None:
        async with databases(dsn, 2) as (one, other):
            holder = await add_holder(one)
            first, second = Snapshots(one), Snapshots(other)
            for count in range(1, 6):
                await add_dataset(one, holder)
                assert await count_both(second) == (count, count)
                assert await count_both(first) == (count, count)

    asyncio.run(run())


def test_what_is_erased_through_one_process_is_in_the_answers_of_another_without_a_new_graph(
    dsn: str, reads: list[AsyncSession]
) -> None:
    async def run() -> None:
        async with databases(dsn, 2) as (one, other):
            holder = await add_holder(one)
            for _ in range(2):
                await add_dataset(one, holder)
            snapshots = Snapshots(other)
            snapshot, held, ended = await snapshots.locate(RING, NUMBER)
            assert (len(held), ended) == (2, {})
            moment = now()
            async with one.transaction() as session:
                first = [row.dataset_id for row in held[:1]]
                await exclude(await driver(session), RING.pseudonym(NUMBER), first, moment)
                # A second time changes nothing of the first.
                await exclude(await driver(session), RING.pseudonym(NUMBER), first)
            kept, still, ended = await snapshots.locate(RING, NUMBER)
            assert (kept, still, ended) == (snapshot, held, dict.fromkeys(first, moment))
            assert await snapshots.locate(RING, NUMBER + 1) == (kept, [], {})

    asyncio.run(run())
    assert len(reads) == 1


def test_no_answer_mixes_two_states_while_writers_race_readers(dsn: str) -> None:
    async def run() -> None:
        async with databases(dsn, 3) as (writing, one, other):
            holder = await add_holder(writing)
            seen: list[tuple[int, int]] = []

            async def write() -> None:
                for _ in range(6):
                    await add_dataset(writing, holder)

            async def read(database: Database, snapshots: Snapshots) -> None:
                while seen[-1:] != [(12, 12)]:
                    seen.append(await count_both(snapshots))

            first, second = Snapshots(one), Snapshots(other)
            readers = [read(one, first), read(one, first), read(other, second), read(other, second)]
            await asyncio.gather(write(), write(), *readers)
            assert {datasets - held for datasets, held in seen} == {0}
            assert len(set(seen)) > 2

    asyncio.run(run())


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[AsyncSession]:
    """The sessions in which the whole graph was read."""
    sessions: list[AsyncSession] = []

    async def counted(session: AsyncSession) -> Rows:
        sessions.append(session)
        return await read_rows(session)

    monkeypatch.setattr("service.provenance.snapshot.read_rows", counted)
    return sessions


def test_requests_that_find_the_graph_stale_together_share_one_reload(dsn: str, reads: list[AsyncSession]) -> None:
    async def run() -> None:
        async with databases(dsn, 1) as (database,):
            await add_dataset(database, await add_holder(database))
            snapshots = Snapshots(database)
            found = await asyncio.gather(*(count_both(snapshots) for _ in range(8)))
            assert set(found) == {(1, 1)}

    asyncio.run(run())
    assert len(reads) == 1


def test_a_snapshot_session_gets_the_graph_that_it_sees_and_does_not_displace_a_later_one(
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


def test_the_graph_read_from_the_tables_is_the_one_that_was_written(dsn: str) -> None:
    facts = oracle.rows_of(tell().world)

    async def run() -> None:
        async with databases(dsn, 1) as (database,):
            async with database.transaction() as session:
                await store_world(session, facts)
            async with database.snapshot() as reading:
                found = make_snapshot(1, await read_rows(reading))
        expected = make_snapshot(1, facts)
        assert found.visibility_index == expected.visibility_index
        assert found.graph.facts == expected.graph.facts

    asyncio.run(run())
