"""Advisory locks: one order, and a refusal of any other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import LiteralString

import psycopg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.db import Database, connection_of
from service.core.locks import Lock, LockOrderError
from tests.inspection import rows, until, waiting_for_locks

HELD: LiteralString = """
    SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY objid
"""


def in_transaction(dsn: str, work: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """Do something in one transaction."""

    async def run() -> None:
        database = Database(dsn)
        try:
            async with database.transaction() as session:
                await work(session)
        finally:
            await database.close()

    asyncio.run(run())


def held_keys(dsn: str, lock: Lock) -> list[int]:
    """The keys under which anybody holds a lock."""
    return [key for (key,) in rows(dsn, HELD, lock.numbers()[0])]


def test_take_locks_in_order_holds_them_until_the_transaction_ends(dsn: str) -> None:
    async def work(session: AsyncSession) -> None:
        await locks.take_in(session, Lock.REGISTRATION_NUMBER)
        await locks.take(await connection_of(session), Lock.SHARD, 7, 3)
        assert held_keys(dsn, Lock.REGISTRATION_NUMBER) == [0]
        assert held_keys(dsn, Lock.SHARD) == [3, 7]

    in_transaction(dsn, work)
    assert held_keys(dsn, Lock.REGISTRATION_NUMBER) == []
    assert held_keys(dsn, Lock.SHARD) == []


def test_take_a_lock_out_of_order_is_refused(dsn: str) -> None:
    async def work(session: AsyncSession) -> None:
        await locks.take_in(session, Lock.SHARD, 1)
        await locks.take(await connection_of(session), Lock.REGISTRATION_NUMBER)

    with pytest.raises(LockOrderError, match="REGISTRATION_NUMBER is taken after"):
        in_transaction(dsn, work)


def test_take_a_lower_key_after_a_higher_one_is_refused(dsn: str) -> None:
    async def work(session: AsyncSession) -> None:
        await locks.take_in(session, Lock.SHARD, 2)
        await locks.take_in(session, Lock.SHARD, 1)

    with pytest.raises(LockOrderError, match="SHARD is taken after"):
        in_transaction(dsn, work)


def test_take_negative_keys_in_order_is_allowed(dsn: str) -> None:
    async def work(session: AsyncSession) -> None:
        await locks.take_in(session, Lock.VERIFICATION_LIMIT, 2**31 - 1, -(2**31), 0)

    in_transaction(dsn, work)


def test_take_a_held_lock_again_is_allowed_after_later_ones(dsn: str) -> None:
    async def work(session: AsyncSession) -> None:
        await locks.take_in(session, Lock.ERASURES)
        await locks.take_in(session, Lock.SHARD, 1)
        await locks.take_in(session, Lock.ERASURES)

    in_transaction(dsn, work)


def test_take_after_a_savepoint_that_was_rolled_back_forgets_its_locks(dsn: str) -> None:
    async def work(session: AsyncSession) -> None:
        savepoint = await session.begin_nested()
        await locks.take_in(session, Lock.SHARD, 1)
        await savepoint.rollback()
        await locks.take_in(session, Lock.REGISTRATION_NUMBER)

    in_transaction(dsn, work)


def test_try_to_take_a_lock_that_another_holds_is_refused_without_waiting(dsn: str) -> None:
    found: list[bool] = []

    async def work(session: AsyncSession) -> None:
        found.append(await locks.try_to_take(session, Lock.COMPACTION_RUN))

    in_transaction(dsn, work)
    with psycopg.connect(dsn) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", Lock.COMPACTION_RUN.numbers())
        in_transaction(dsn, work)
    assert found == [True, False]


def test_wait_for_holders_waits_for_those_of_now_and_not_for_later_ones(dsn: str) -> None:
    """A later holder neither waits for the one who waits, nor is waited for."""

    async def run() -> None:
        database = Database(dsn)

        async def wait() -> None:
            async with database.transaction() as session:
                await locks.wait_for_holders(session, Lock.RECORDING)

        try:
            async with database.transaction() as later:
                async with database.transaction() as holding:
                    await locks.take_own(holding, Lock.RECORDING)
                    waiting = asyncio.create_task(wait())
                    await asyncio.to_thread(until, lambda: waiting_for_locks(dsn) == 1)
                    await locks.take_own(later, Lock.RECORDING)
                    assert not waiting.done()
                await waiting
                assert len(held_keys(dsn, Lock.RECORDING)) == 1
        finally:
            await database.close()

    asyncio.run(run())
