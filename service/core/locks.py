"""Every advisory lock of the service, and the order in which a transaction may take several.

Two transactions that take the same locks in different orders wait for each other, until the database ends one of them.
So this module defines the order, and refuses a lock that is taken out of order, whether or not another transaction
waits.

Two more locks are not taken through this module. Migrations hold `MIGRATION` for their whole connection, so that two
migrators run one after the other. The task queue has locks in its own tables, for tasks that run alone.
"""

import hashlib
import secrets
from enum import IntEnum, unique
from typing import Any, Final, LiteralString

import psycopg
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import connection_of, run

# A lock with one number. PostgreSQL keeps those with two numbers, as all below have, separate from it.
MIGRATION: Final = 0x66696C69

# Every lock's first number is this plus its place in the order. Another program is unlikely to use the same.
_SPACE: Final = 0x66696C00


@unique
class Lock(IntEnum):
    """What is locked, in the order in which it is taken. Several keys of a lock are taken in ascending order."""

    COMPACTION_RUN = 1
    """The worker's compaction. It is only tried: a run that finds it taken has nothing to do."""

    MERGE_CHOICE = 2
    """The choice of the segments for the next merge."""

    REGISTRATION_NUMBER = 3
    """A registration number (the key), so that two organisations cannot be registered with it at once."""

    VERIFICATION_LIMIT = 4
    """What the limits of codes count: a number, an address and a number block (the keys)."""

    RECORDING = 5
    """The recording of objections. Each transaction takes a key of its own; who must not miss one waits for them."""

    NUMBER = 6
    """The objections to the use of a number (the key, from its mark)."""

    HOLDINGS = 7
    """What begins or ends the holdings of a holder (the key). Rows of datasets are locked after it, never before."""

    ERASURES = 8
    """The decision which stored copies an erasure drops. Rows of datasets are locked after it, never before."""

    SHARD = 9
    """What is stored of a shard (the key)."""

    CHANGE_SEQUENCE = 10
    """The numbering of changes. It is only tried: a worker that finds it taken has nothing to do."""

    def numbers(self, key: int = 0) -> tuple[int, int]:
        """The two numbers of this lock in the database. The second is its key, from -2³¹ to 2³¹ - 1."""
        return _SPACE + self.value, key


class LockOrderError(RuntimeError):
    """A transaction takes a lock after another that comes later in the order: a mistake in the program."""


def key_of(text: str | bytes) -> int:
    """A lock's key for a text. Rarely, two texts have the same key and wait for each other without need."""
    data = text.encode() if isinstance(text, str) else text
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), signed=True)


# A setting of the transaction records which locks it holds. It ends with the transaction, or with a savepoint that is
# rolled back, as the locks do. Each entry has eleven characters, so that entries are compared as texts.
_STATEMENT: Final[LiteralString] = """
    SELECT CASE
        WHEN strpos(held, %(place)s) > 0 THEN 'held'
        WHEN right(held, 11) > %(place)s COLLATE "C" THEN 'out of order'
        WHEN IT_IS_TAKEN THEN set_config('filiation.locks', held || %(place)s, true)
    END
    FROM (SELECT coalesce(current_setting('filiation.locks', true), '') AS held) AS of_transaction
"""
# The first function returns nothing, which reads as an empty text.
_TAKE: Final = _STATEMENT.replace("IT_IS_TAKEN", "pg_advisory_xact_lock(%(space)s::int, %(key)s::int)::text = ''")
_TRY: Final = _STATEMENT.replace("IT_IS_TAKEN", "pg_try_advisory_xact_lock(%(space)s::int, %(key)s::int)")


async def take(conn: psycopg.AsyncConnection[Any], lock: Lock, *keys: int) -> None:
    """Wait until no other transaction holds the lock, for any of these keys, and hold it until this one ends.

    Taking a lock again that the transaction already holds changes nothing.

    Raises:
        LockOrderError: the transaction holds a lock that comes later in the order.
    """
    for key in sorted(keys) or (0,):
        await _run(conn, _TAKE, lock, key)


async def take_in(session: AsyncSession, lock: Lock, *keys: int) -> None:
    """Take a lock in the transaction of `session` (see `take`)."""
    await take(await connection_of(session), lock, *keys)


async def take_own(session: AsyncSession, lock: Lock) -> None:
    """Hold a lock under a random key until the transaction ends, so that `wait_for_holders` waits for that end."""
    await take_in(session, lock, secrets.randbits(32) - (1 << 31))


_HOLDERS: Final = text("""
    SELECT CAST(objid AS bigint) AS key FROM pg_locks
    WHERE locktype = 'advisory' AND classid = :space AND objsubid = 2 AND granted AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


async def wait_for_holders(session: AsyncSession, lock: Lock) -> None:
    """Wait until every transaction that holds the lock now, under whatever key, has ended.

    Those that take it later do not wait for this transaction. What the others committed is visible to the statements
    that follow in this one.
    """
    found = await run(session, _HOLDERS, {"space": lock.numbers()[0]})
    keys = [row.key - (1 << 32) if row.key >= 1 << 31 else row.key for row in found]
    if keys:
        await take_in(session, lock, *keys)


async def try_to_take(session: AsyncSession, lock: Lock) -> bool:
    """Take a lock without waiting, if no other transaction holds it. Says whether it was taken."""
    return await _run(await connection_of(session), _TRY, lock, 0)


async def _run(conn: psycopg.AsyncConnection[Any], statement: LiteralString, lock: Lock, key: int) -> bool:
    space, key = lock.numbers(key)
    place = f"{lock.value:02x}{key + (1 << 31):08x} "
    cursor = await conn.execute(statement, {"space": space, "key": key, "place": place})
    row = await cursor.fetchone()
    assert row is not None
    if row[0] == "out of order":
        raise LockOrderError(f"{lock.name} is taken after a lock that comes later in the order.")
    return row[0] is not None
