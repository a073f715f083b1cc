"""Every advisory lock of the service, and the order in which one transaction may take several.

Two transactions that take the same locks in different orders wait for each other until the database ends one of them.
So the order stands here, and a lock that is taken out of it is refused: always, not only when somebody else waits.

Two more locks are not taken through this module. Migrations hold `MIGRATION` for their whole connection, so that two
migrators run one after the other. The job queue keeps its own in its tables: a task that runs alone.
"""

import hashlib
from enum import IntEnum, unique
from typing import Any, Final, LiteralString

import psycopg
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import connection_of

# The locks below have two numbers each, which PostgreSQL keeps apart from those that have one.
MIGRATION: Final = 0x66696C69

# The first number of every lock is this and its place, so that another program's locks are hardly ever ours.
_SPACE: Final = 0x66696C00


@unique
class Lock(IntEnum):
    """What is locked, in the order in which it is taken. A lock with keys is taken in the ascending order of these."""

    COMPACTION_RUN = 1
    """The worker's compaction. Only tried: whoever finds it taken has nothing to do."""

    MERGE_CHOICE = 2
    """The choice of the segments that the next merge takes."""

    REGISTRATION_NUMBER = 3
    """One registration number, as a key: two organisations that register it at once."""

    VERIFICATION_LIMIT = 4
    """What the limits of codes count: one number, one address and one block of numbers, as keys."""

    OBJECTIONS = 5
    """The recording of objections and relays, and the search for numbers objected to before."""

    ERASURES = 6
    """The decision which stored copies an erasure removes. Rows of datasets are locked after it, never before."""

    SHARD = 7
    """What one shard stores, as a key."""

    def numbers(self, key: int = 0) -> tuple[int, int]:
        """The two numbers of this lock in the database; the second one is its key, from -2³¹ to 2³¹ - 1."""
        return _SPACE + self.value, key


class LockOrderError(RuntimeError):
    """A transaction takes a lock after one that comes later in the order: a mistake in the program."""


def key_of(text: str | bytes) -> int:
    """A lock's key for a text. Two texts of 4 billion have the same one, and then wait for each other in vain."""
    data = text.encode() if isinstance(text, str) else text
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), signed=True)


# What a transaction holds stands in a setting of its own, which ends with it, or with a savepoint that is rolled back,
# as the locks do. Each place in the order has eleven characters there, so that places are compared as texts.
_STATEMENT: Final[LiteralString] = """
    SELECT CASE
        WHEN strpos(held, %(place)s) > 0 THEN 'held'
        WHEN right(held, 11) > %(place)s COLLATE "C" THEN 'out of order'
        WHEN IT_IS_TAKEN THEN set_config('filiation.locks', held || %(place)s, true)
    END
    FROM (SELECT coalesce(current_setting('filiation.locks', true), '') AS held) AS of_transaction
"""
# The first function gives nothing, which reads as an empty text.
_TAKE: Final = _STATEMENT.replace("IT_IS_TAKEN", "pg_advisory_xact_lock(%(space)s::int, %(key)s::int)::text = ''")
_TRY: Final = _STATEMENT.replace("IT_IS_TAKEN", "pg_try_advisory_xact_lock(%(space)s::int, %(key)s::int)")


async def take(conn: psycopg.AsyncConnection[Any], lock: Lock, *keys: int) -> None:
    """Wait until no other transaction holds the lock, for any of these keys, and hold it until this one ends.

    Taking a lock again that the transaction holds already changes nothing.

    Raises:
        LockOrderError: the transaction holds one that comes later in the order.
    """
    for key in sorted(keys) or (0,):
        await _run(conn, _TAKE, lock, key)


async def take_in(session: AsyncSession, lock: Lock, *keys: int) -> None:
    """Take a lock in the transaction of `session` (see `take`)."""
    await take(await connection_of(session), lock, *keys)


async def try_to_take(session: AsyncSession, lock: Lock) -> bool:
    """Take a lock if no other transaction holds it, without waiting; whether it was taken."""
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
