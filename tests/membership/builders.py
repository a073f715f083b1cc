"""A database with something of everything that memberships consist of, to be damaged and made good again."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, TypeVar

import numpy as np
import psycopg
from psycopg import sql

from service.core.db import Database, driver
from service.membership import blocks, runs, store
from service.membership.compaction import compact
from service.membership.fsck.check import Report, check
from service.membership.runs import Digest, Run
from service.number.app_keyring import require_same_secret
from service.number.keyring import KeyRing
from tests.conftest import temporary_database
from tests.membership.test_store import new_dataset

Result = TypeVar("Result")

FIRST = 33639980000
TABLES = (
    "dataset",
    "membership_segment",
    "segment_member",
    "membership_block",
    "staged_run",
    "pseudonym_key",
    "exclusion",
)


@dataclass(frozen=True)
class World:
    """A database with something of everything: its address, its datasets and their segments."""

    dsn: str
    datasets: dict[str, uuid.UUID]
    segments: dict[str, int]


def run_of(ring: KeyRing, count: int, begin: int = 0, *, consents: bool = False) -> Run:
    """A run of consecutive numbers of the range that is kept for fiction."""
    keys = ring.pseudonyms(np.arange(FIRST + begin, FIRST + begin + count))
    if not consents:
        return runs.sorted_run(keys)
    times = np.arange(1_700_000_000, 1_700_000_000 + count, dtype=np.uint32) * (np.arange(count) % 7 > 0)
    names = np.array([None, *(f"ref-{n}" for n in range(count))], np.object_)[:count]
    return runs.sorted_run(keys, times.astype(np.uint32), names)


async def staged(database: Database, ring: KeyRing, run: Run, *, state: str = "open") -> uuid.UUID:
    async with database.transaction() as session:
        connection = await driver(session)
        dataset_id = await new_dataset(connection)
        await connection.execute("UPDATE dataset SET state = %s WHERE id = %s", (state, dataset_id))
        await store.stage(connection, ring, dataset_id, 1, 1, run)
    return dataset_id


async def loaded(database: Database, ring: KeyRing, dataset_id: uuid.UUID, shards: int = blocks.SHARDS) -> Digest:
    async with database.transaction() as session:
        segment = await store.begin_segment(await driver(session), dataset_id)
    digest = Digest()
    for first in range(0, shards, 8):
        async with database.transaction() as session:
            for shard in range(first, first + 8):
                digest += (await store.load_shard(await driver(session), ring, dataset_id, segment, shard)).digest
    return digest


async def sealed(database: Database, ring: KeyRing, run: Run) -> uuid.UUID:
    """A dataset that is sealed as the service does it, in transactions that others may look between."""
    dataset_id = await staged(database, ring, run, state="sealing")
    await completed(database, dataset_id, await loaded(database, ring, dataset_id))
    return dataset_id


async def completed(database: Database, dataset_id: uuid.UUID, digest: Digest) -> None:
    """Let lookups find a dataset that is loaded."""
    async with database.transaction() as session:
        connection = await driver(session)
        await store.complete_segment(connection, dataset_id, digest)
        await store.unstage(connection, dataset_id)
        query = "UPDATE dataset SET state = 'sealed', sealed_at = now(), number_count = %s WHERE id = %s"
        await connection.execute(query, (digest.count, dataset_id))


async def no_pause(*_progress: object) -> None:
    """Go on at once."""


async def fill(database: Database, ring: KeyRing) -> dict[str, uuid.UUID]:
    await require_same_secret(database, ring)
    datasets = {
        f"small {n}": await sealed(database, ring, run_of(ring, 400, 100 * n, consents=n > 0)) for n in range(3)
    }
    await compact(database, ring, no_pause, thoroughly=True)
    datasets["large"] = await sealed(database, ring, run_of(ring, 9000))
    datasets["consented"] = await sealed(database, ring, run_of(ring, 2000, 500, consents=True))
    datasets["open"] = await staged(database, ring, run_of(ring, 300, consents=True))
    datasets["empty"] = await staged(database, ring, run_of(ring, 0))
    datasets["sealing"] = await staged(database, ring, run_of(ring, 300, consents=True), state="sealing")
    await loaded(database, ring, datasets["sealing"], shards=16)
    datasets["received"] = await staged(database, ring, run_of(ring, 300), state="sealed")
    async with database.transaction() as session:
        query = "UPDATE dataset SET content = 'shared', reconciling = true WHERE id = %s"
        await (await driver(session)).execute(query, (datasets["received"],))
    return datasets


def on(dsn: str, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Run a coroutine with a pool of its own."""

    async def connected() -> Result:
        database = Database(dsn)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(connected())


@contextmanager
def made(cluster: str, ring: KeyRing) -> Iterator[World]:
    """A world, with a copy of all of it that may be damaged."""
    with temporary_database(cluster) as dsn:
        datasets = on(dsn, lambda database: fill(database, ring))
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE SCHEMA sound")
            for table in TABLES:
                connection.execute(sql.SQL("CREATE TABLE sound.{0} AS TABLE {0}").format(sql.Identifier(table)))
            query = "SELECT dataset_id, segment_id FROM segment_member"
            segments: dict[uuid.UUID, int] = dict(connection.execute(query).fetchall())
        yield World(dsn, datasets, {name: segments[each] for name, each in datasets.items() if each in segments})


@contextmanager
def made_good(world: World) -> Iterator[World]:
    """The world, in which whatever is changed during the block is as it was afterwards."""
    yield world
    with psycopg.connect(world.dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in TABLES:
            restore = "DELETE FROM {0}; INSERT INTO {0} SELECT * FROM sound.{0}"
            connection.execute(sql.SQL(restore).format(sql.Identifier(table)))


def change(world: World, statement: LiteralString, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Damage a world as nobody may: without a look at foreign keys. What the last statement gives."""
    with psycopg.connect(world.dsn, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET session_replication_role = replica")
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def checked(world: World, ring: KeyRing) -> Report:
    """What a check of a world finds."""
    return check(world.dsn, ring, lambda _rows, _total: None)


def case_name(case: object) -> str:
    """What a case is called by: the same in every process, however a set is ordered in it."""
    return case[:60] if isinstance(case, str) else ",".join(sorted(map(str, case))) if isinstance(case, set) else ""
