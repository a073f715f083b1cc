"""The database: UTC whatever its administrator set, and connections that survive a restart of the server."""

import asyncio
from urllib.parse import quote

import psycopg
import pytest

from service.core.db import Connection, Database, connection_of, driver_url
from tests.builders import open_dataset
from tests.callers import Registry
from tests.inspection import close_connections, rows


@pytest.fixture
def dsn(dsn: str) -> str:
    """The address of a database whose administrator set another time zone."""
    name = rows(dsn, "SELECT current_database()")[0][0]
    rows(dsn, f"ALTER DATABASE {name} SET TimeZone = 'Europe/Paris'")
    close_connections()
    assert rows(dsn, "SHOW TimeZone") == [("Europe/Paris",)]
    return dsn


def test_instants_are_utc_whatever_time_zone_the_database_has(registry: Registry) -> None:
    broker = registry.broker()
    made = open_dataset(broker, occurred_at="2024-06-06T10:00:00+02:00")
    assert made["occurred_at"] == "2024-06-06T08:00:00Z"
    assert broker.get(f"/v1/datasets/{made['id']}") == made


def test_driver_url_keeps_the_options_of_the_address() -> None:
    given = "postgresql://host/db?application_name=x&options=" + quote("-c search_path=registry")
    query = driver_url(given).query
    assert query["application_name"] == "x"
    assert query["options"] == "-c search_path=registry -c TimeZone=UTC -c jit=off"


async def _backend(connection: Connection) -> int:
    cursor = await connection.execute("SELECT pg_backend_pid()")
    return int((await cursor.fetchall())[0][0])


def test_without_transaction_on_dropped_connections_runs_again(dsn: str) -> None:
    async def run() -> None:
        database = Database(dsn)
        first = await asyncio.gather(*(database.without_transaction(_backend) for _ in range(8)))
        with psycopg.connect(dsn, autocommit=True) as connection:
            for backend in set(first):
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
        again = await asyncio.gather(*(database.without_transaction(_backend) for _ in range(8)))
        assert not set(first) & set(again)
        await database.close()

    asyncio.run(run())


def test_transaction_and_snapshot_on_dropped_connections_get_new_ones(dsn: str) -> None:
    async def run() -> None:
        database = Database(dsn)
        for begin in (database.transaction, database.snapshot, database.step):
            backends = []
            for _ in range(2):
                async with begin() as session:
                    backends.append(await _backend(await connection_of(session)))
                async with begin() as session:
                    assert await _backend(await connection_of(session)) == backends[-1]
                with psycopg.connect(dsn, autocommit=True) as connection:
                    connection.execute("SELECT pg_terminate_backend(%s, 5000)", (backends[-1],))
            assert backends[0] != backends[1]
        await database.close()

    asyncio.run(run())


def test_quick_snapshot_cancelled_at_any_moment_leaves_no_transaction_open(dsn: str) -> None:
    async def look(database: Database) -> None:
        async with database.quick_snapshot() as connection:
            await _backend(connection)

    async def states_after_cancellations(administrator: psycopg.Connection[tuple[str]]) -> list[tuple[str]]:
        database, states = Database(dsn, pool_size=1), []
        await look(database)
        for turns in range(40):
            looking = asyncio.create_task(look(database))
            # It waits for the server for more turns of the loop than its other steps take.
            for _ in range(turns):
                await asyncio.sleep(0)
            looking.cancel()
            await asyncio.wait([looking])
            backend = await database.without_transaction(_backend)
            states += administrator.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [backend]).fetchall()
        await database.close()
        return states

    with psycopg.connect(dsn, autocommit=True) as administrator:
        assert set(asyncio.run(states_after_cancellations(administrator))) == {("idle",)}


def test_without_transaction_with_a_failing_statement_raises_at_once(dsn: str) -> None:
    asked = []

    async def slow(connection: Connection) -> None:
        asked.append(connection)
        await connection.execute("SET statement_timeout = 1")
        await connection.execute("SELECT pg_sleep(1)")

    async def run() -> None:
        database = Database(dsn)
        with pytest.raises(psycopg.errors.QueryCanceled):
            await database.without_transaction(slow)
        await database.close()

    asyncio.run(run())
    assert len(asked) == 1
