"""Holders that complete an erasure, and what the database keeps afterwards."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg

from service.access import operations as keys
from service.access.schemas import KeyIn
from service.core.db import Database
from service.core.resources import Resources
from service.dataset import erasure
from service.dataset.erasure import Erased
from service.dataset.losses import take_off_all_losses
from service.membership.fsck.check import Report, check
from service.number.keyring import KeyRing
from tests.builders import FICTION
from tests.callers import TRADE_SCOPES, Caller, Registry
from tests.conftest import MASTER_SECRET

RING = KeyRing(bytes.fromhex(MASTER_SECRET))
Result = TypeVar("Result")


def key_of(last_four: int) -> bytes:
    """The pseudonym of a number, given by its last four digits."""
    return RING.pseudonym(FICTION + last_four)


async def complete_in(database: Database, holder_id: uuid.UUID, last_four: int) -> Erased:
    """A holder completes the erasure of a number."""
    async with database.transaction() as session:
        return await erasure.exclude_holder(session, RING, key_of(last_four), holder_id)


def complete_erasure(dsn: str, holder: Caller, *last_fours: int) -> list[Erased]:
    """A holder completes the erasure of numbers, one after the other."""

    async def work(database: Database) -> list[Erased]:
        return [await complete_in(database, holder.id, last_four) for last_four in last_fours]

    return with_database(dsn, work)


def named(caller: Caller, role: str = "collector") -> str:
    """The id of an organisation without account, which a caller names."""
    # Nine digits in a row, which a name may not have, would stand in a few random ids.
    letters = uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))
    name = {"legal_name": f"Without account {letters}", "country": "FR", "roles": [role]}
    return str(caller.post("/v1/organisations", name)["id"])


def admitted(registry: Registry, dsn: str, organisation_id: str) -> Caller:
    """An organisation that was only named, once it has an account."""

    async def work(database: Database) -> Caller:
        async with database.transaction() as session:
            wanted = KeyIn(organisation_id=uuid.UUID(organisation_id), scopes=list(TRADE_SCOPES))
            made = await keys.issue_key(session, wanted)
        assert made.key is not None
        return Caller(registry.client, uuid.UUID(organisation_id), made.key)

    return with_database(dsn, work)


def with_database(dsn: str, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Run a coroutine with a pool of its own."""

    async def connected() -> Result:
        database = Database(dsn)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(connected())


def take_off_losses(dsn: str) -> None:
    """Run the task that lowers counts."""
    with_database(dsn, lambda database: take_off_all_losses(Resources(database)))


def read_exclusions(dsn: str) -> list[tuple[Any, ...]]:
    """The rows of the table of exclusions."""
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT key, dataset_id, erased_at FROM exclusion ORDER BY 1, 2").fetchall()


def check_memberships(dsn: str) -> Report:
    """What a check of all memberships finds."""
    return check(dsn, RING, lambda _rows, _total: None)
