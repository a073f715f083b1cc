"""As whom the service works in its database, and how long it may keep others waiting there."""

import asyncio
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from sqlalchemy import text

from service.core.db import Database, connection_of, run
from service.core.embedded import roles
from service.core.settings import Settings
from service.core.task_queue import open_queue
from service.core.time_limits import TimeLimits
from tests.callers import Registry
from tests.conftest import as_service
from tests.inspection import rows

SAID: LiteralString = """
    SELECT current_user, current_setting('is_superuser') AS superuser,
           current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
           current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('jit') AS jit
"""
LIMITS = TimeLimits(statement=7, lock=3)
EXPECTED = ("filiation", "off", "7s", "3s", "7s", "off")


def test_roles_of_service_and_owner_have_no_power_beyond_the_database(cluster: str) -> None:
    query: LiteralString = """
        SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
               EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) FROM pg_roles
        WHERE rolname NOT LIKE 'pg\\_%%' AND rolname <> %s ORDER BY 1
    """
    assert rows(cluster, query, roles.ADMINISTRATOR) == [
        (name, False, False, False, False, False, False) for name in (roles.SERVICE, roles.OWNER)
    ]


def test_connections_of_the_running_service_are_those_of_its_role(registry: Registry, dsn: str) -> None:
    registry.broker().get("/v1/datasets")
    query: LiteralString = """
        SELECT DISTINCT usename::text FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
          AND usename <> %s
    """
    # The test itself looks as the administrator.
    assert rows(dsn, query, roles.ADMINISTRATOR) == [(roles.SERVICE,)]


def test_service_owns_nothing(dsn: str) -> None:
    query: LiteralString = "SELECT relname FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner WHERE rolname = %s"
    assert rows(dsn, query, roles.SERVICE) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE own (a int)",
        "DROP TABLE dataset",
        "ALTER TABLE dataset ADD COLUMN a int",
        "ALTER TABLE objection DISABLE TRIGGER ALL",
        "TRUNCATE objection CASCADE",
        "SET session_replication_role = replica",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('PG_VERSION')",
        "CREATE ROLE other",
        "CREATE DATABASE other",
    ],
)
def test_service_may_not_change_schema_or_server(dsn: str, statement: LiteralString) -> None:
    with (
        psycopg.connect(as_service(dsn), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_every_kind_of_connection_has_its_limits_and_waits_for_no_machine_code(dsn: str) -> None:
    async def ask() -> list[tuple[str, ...]]:
        database = Database(as_service(dsn), 2, LIMITS)
        said = []
        for opened in (database.transaction(), database.step(), database.snapshot()):
            async with opened as session:
                said.append(tuple((await run(session, text(SAID))).one()))

        async def asked(connection: psycopg.AsyncConnection[tuple[str, ...]]) -> tuple[str, ...]:
            return (await (await connection.execute(SAID)).fetchall())[0]

        said.append(await database.without_transaction(asked))
        with database.bulk_connection() as connection:
            said += connection.execute(SAID).fetchall()
        with database.bulk_snapshot() as connection:
            said += connection.execute(SAID).fetchall()
        await database.close()
        async with open_queue(as_service(dsn), LIMITS) as queue:
            (row,) = await queue.connector.execute_query_all_async(SAID)
            said.append(tuple(row.values()))
        return said

    assert asyncio.run(ask()) == [EXPECTED] * 7


def test_statement_and_wait_and_idle_transaction_beyond_the_limits_end(dsn: str) -> None:
    async def exceed() -> None:
        database = Database(as_service(dsn), 2, TimeLimits(statement=0.05, lock=0.01))
        other = Database(as_service(dsn), 2)
        try:
            async with database.transaction() as session:
                with pytest.raises(psycopg.errors.QueryCanceled):
                    await (await connection_of(session)).execute("SELECT pg_sleep(60)")
            async with other.transaction() as holding:
                await (await connection_of(holding)).execute("SELECT pg_advisory_xact_lock(1)")
                async with database.transaction() as session:
                    with pytest.raises(psycopg.errors.LockNotAvailable):
                        await (await connection_of(session)).execute("SELECT pg_advisory_xact_lock(1)")
        finally:
            await database.close()
            await other.close()

    asyncio.run(exceed())


def test_compose_gives_the_same_roles_and_rights() -> None:
    compose = (Path(__file__).parents[2] / "docker-compose.yml").read_text()
    statements = [*roles.CREATION, roles.creation_of("filiation"), *roles.GRANTS]
    assert [statement for statement in statements if statement not in compose] == []
    assert f"//{roles.SERVICE}@" in compose
    assert f"//{roles.OWNER}@" in compose


def test_settings_give_requests_jobs_and_migrations_limits_of_their_own() -> None:
    settings = Settings.model_construct()
    kinds = settings.request_limits(), settings.job_limits(), settings.migration_limits()
    assert len(set(kinds)) == 3
    assert settings.request_limits().statement < settings.job_limits().statement
