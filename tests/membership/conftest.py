"""One migrated database for all tests of memberships; each works in a transaction that is rolled back.

Hypothesis runs a test many times: a database for each run would cost more than the run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from service.number.keyring import KeyRing
from tests.conftest import temporary_database

Test = Callable[[AsyncConnection[Any]], Awaitable[None]]


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    """A key ring of a secret that everybody knows."""
    return KeyRing(bytes(range(32)))


@pytest.fixture(scope="session")
def membership_dsn(cluster: str) -> Iterator[str]:
    """The address of the database that these tests share."""
    with temporary_database(cluster) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def in_transaction(membership_dsn: str) -> Callable[[Test], None]:
    """Runs a test's coroutine in a transaction of its own, which leaves nothing behind."""

    def run(test: Test) -> None:
        async def connected() -> None:
            async with await AsyncConnection.connect(membership_dsn) as connection:
                await test(connection)
                await connection.rollback()

        asyncio.run(connected())

    return run
