"""Every advisory lock of the service, and the order in which a transaction may take several.

Two transactions that take the same locks in different orders wait for each other, until the database ends one of them.
So this module defines the order, and refuses a lock that is taken out of order, whether or not another transaction
waits.

Three more locks are not for transactions. Migrations hold `MIGRATION` for their whole connection, so that two migrators
run one after the other. One worker at a time holds `INBOUND` (see `alone`). The task queue has locks in its own tables,
for tasks that run alone.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from enum import IntEnum, unique
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database, connection_of, run

# A lock with one number. PostgreSQL keeps those with two numbers, as all below have, separate from it.
MIGRATION: Final = 0x66696C69

INBOUND: Final = 0x66696C6A
"""Held by the worker that takes what telephones send."""

# Every lock's first number is this plus its place in the order. Another program is unlikely to use the same.
_SPACE: Final = 0x66696C00


@unique
class Lock(IntEnum):
    """What is locked, in the order in which it is taken. Several keys of a lock are taken in ascending order."""

    REPEATED_REQUEST = 0
    """The first request with an `Idempotency-Key` (the key). It is only tried: a second one is refused meanwhile."""

    SWEEP = 1
    """The search for work that was left behind. It is only tried: a worker that finds it taken has nothing to do."""

    COMPACTION_RUN = 2
    """The worker's compaction. It is only tried: a run that finds it taken has nothing to do."""

    MERGE_CHOICE = 3
    """The choice of the segments for the next merge."""

    REGISTRATION_NUMBER = 4
    """A registration number (the key), so that two organisations cannot be registered with it at once."""

    ORGANISATION_NAME = 5
    """A name of organisations in a country (the key), so that two cannot be registered with it at once unasked."""

    SUCCESSION = 6
    """Who succeeds whom. An heir's key for what an organisation held is issued under it, and ends by a correction."""

    VERIFICATION_LIMIT = 7
    """What the limits of codes count: a number, an address and a number block (the keys)."""

    RECORDING = 8
    """The recording of objections. Each transaction takes a key of its own; who must not miss one waits for them."""

    NUMBER = 9
    """The objections to the use of a number (the key, from its mark)."""

    HOLDINGS = 10
    """What begins or ends the holdings of a holder (the key). Rows of datasets are locked after it, never before."""

    ERASURES = 11
    """The decision which stored copies an erasure drops. Rows of datasets are locked after it, never before."""

    SHARD = 12
    """What is stored of a shard (the key)."""

    CHANGE_SEQUENCE = 13
    """The numbering of changes. It is only tried: a worker that finds it taken has nothing to do."""

    CODE_RESERVE = 14
    """The reserve of codes that are sent to persons."""

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
_HELD: Final[LiteralString] = "coalesce(current_setting('filiation.locks', true), '')"
# All locks of a call are taken by one statement, in the order of the arrays.
_TAKE: Final[LiteralString] = f"""
    WITH missing AS MATERIALIZED (
        SELECT place, space, key
        FROM unnest(%(places)s::text[], %(spaces)s::int[], %(keys)s::int[]) AS asked (place, space, key)
        WHERE strpos({_HELD}, place) = 0)
    SELECT CASE
        WHEN (SELECT bool_or(right({_HELD}, 11) > place COLLATE "C") FROM missing) THEN 'out of order'
        WHEN (SELECT count(pg_advisory_xact_lock(space, key)) FROM missing) > 0
        THEN set_config('filiation.locks', {_HELD} || (SELECT string_agg(place, '') FROM missing), true)
    END
"""  # noqa: S608  (a constant of this module)
_TRY: Final[LiteralString] = f"""
    SELECT CASE
        WHEN strpos({_HELD}, %(place)s) > 0 THEN 'held'
        WHEN right({_HELD}, 11) > %(place)s COLLATE "C" THEN 'out of order'
        WHEN pg_try_advisory_xact_lock(%(space)s::int, %(key)s::int)
        THEN set_config('filiation.locks', {_HELD} || %(place)s, true)
    END
"""


class _Place(NamedTuple):
    """A lock under one of its keys: its place in the order, and its two numbers in the database."""

    place: str
    space: int
    key: int


def _place(lock: Lock, key: int) -> _Place:
    return _Place(f"{lock.value:02x}{key + (1 << 31):08x} ", *lock.numbers(key))


async def take(conn: psycopg.AsyncConnection[Any], lock: Lock, *keys: int) -> None:
    """Wait until no other transaction holds the lock, for any of these keys, and hold it until this one ends.

    Taking a lock again that the transaction already holds changes nothing.

    Raises:
        LockOrderError: the transaction holds a lock that comes later in the order.
    """
    await _take(conn, {_place(lock, key) for key in keys or (0,)})


async def _take(conn: psycopg.AsyncConnection[Any], wanted: Iterable[_Place]) -> None:
    places, spaces, keys = zip(*sorted(wanted), strict=True)
    cursor = await conn.execute(_TAKE, {"places": list(places), "spaces": list(spaces), "keys": list(keys)})
    _refuse_out_of_order(await cursor.fetchone(), places)


@asynccontextmanager
async def taking(conn: psycopg.AsyncConnection[Any], *wanted: tuple[Lock, int]) -> AsyncIterator[None]:
    """Take several locks, each under a key, and send them together with the statements of the block (see `take`).

    Nothing may be read before the end of the block. What its statements find is what they find with the locks held.
    """
    places, spaces, keys = zip(*sorted({_place(lock, key) for lock, key in wanted}), strict=True)
    async with conn.pipeline():
        cursor = await conn.execute(_TAKE, {"places": list(places), "spaces": list(spaces), "keys": list(keys)})
        yield
    _refuse_out_of_order(await cursor.fetchone(), places)


async def take_in(session: AsyncSession, lock: Lock, *keys: int) -> None:
    """Take a lock in the transaction of `session` (see `take`)."""
    await take(await connection_of(session), lock, *keys)


async def take_own(session: AsyncSession, lock: Lock, *then: tuple[Lock, int]) -> None:
    """Hold a lock under a random key until the transaction ends, so that `wait_for_holders` waits for that end.

    Then take other locks, each under a key, by the same statement (see `take`).
    """
    own = _place(lock, secrets.randbits(32) - (1 << 31))
    await _take(await connection_of(session), {own, *(_place(other, key) for other, key in then)})


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


async def try_to_take(session: AsyncSession, lock: Lock, key: int = 0) -> bool:
    """Take a lock without waiting, if no other transaction holds it. Says whether it was taken."""
    wanted = _place(lock, key)
    cursor = await (await connection_of(session)).execute(_TRY, wanted._asdict())
    row = await cursor.fetchone()
    _refuse_out_of_order(row, [wanted.place])
    return row is not None and row[0] is not None


def _refuse_out_of_order(row: tuple[Any, ...] | None, places: Sequence[str]) -> None:
    if row is not None and row[0] == "out of order":
        names = ", ".join(sorted({Lock(int(place[:2], 16)).name for place in places}))
        raise LockOrderError(f"{names} is taken after a lock that comes later in the order.")


_SECONDS_BETWEEN_TRIES: Final = 2.0


@asynccontextmanager
async def alone(database: Database, number: int) -> AsyncIterator[None]:
    """Hold a lock that is not for transactions, on a connection of its own, as soon as no other process holds it.

    If that connection dies, another process may take the lock while this one goes on. So what both do must be harmless.
    """
    async with database.own_connection() as connection:
        while True:
            taken = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [number])).fetchone()
            if taken == (True,):
                break
            await asyncio.sleep(_SECONDS_BETWEEN_TRIES)
        yield


_IS_HELD: Final[LiteralString] = """
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 0 AND objid = %s AND objsubid = 1 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


async def is_held(connection: psycopg.AsyncConnection[Any], number: int) -> bool:
    """Whether a process holds a lock that is not for transactions (see `alone`)."""
    ((held,),) = await (await connection.execute(_IS_HELD, [number])).fetchall()
    return bool(held)
