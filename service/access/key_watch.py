"""What goes on for long after its request was admitted ends with the caller's key."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.keys import is_living, owning_key, refused_key
from service.core.db import Database
from service.core.response_limits import BrokenOff

log = logging.getLogger(__name__)

Item = TypeVar("Item")

_SECONDS: Final = 2.0


@asynccontextmanager
async def while_key_lives(database: Database, actor: Actor) -> AsyncIterator[None]:
    """End the block within seconds after the caller's key was revoked, or has expired without a replacement.

    Whatever the block waits for is interrupted. What it commits at its end calls `require_living` first.

    Raises:
        Unauthenticated: the key has ended.
    """
    limit = asyncio.timeout(None)
    try:
        async with limit:
            watching = asyncio.create_task(_watch(database, actor.key_id, limit))
            try:
                yield
            finally:
                watching.cancel()
                await asyncio.wait([watching])
    except TimeoutError:
        if limit.expired():
            raise refused_key() from None
        raise


async def _watch(database: Database, key_id: uuid.UUID, limit: asyncio.Timeout) -> None:
    while True:
        await asyncio.sleep(_SECONDS)
        try:
            async with database.transaction() as session:
                is_alive = await is_living(session, key_id)
        except Exception as problem:  # noqa: BLE001 - without the database nothing can be committed anyway
            log.warning("A key could not be looked at: %s.", type(problem).__name__)
            continue
        if not is_alive:
            limit.reschedule(0.0)
            return


async def items_while_key_lives(database: Database, actor: Actor, items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """The items of a response that is sent piece by piece.

    Raises:
        BrokenOff: the key has ended. The client notices that the response is not whole.
    """
    async for item in items:
        async with database.snapshot() as session:
            if not await is_living(session, actor.key_id):
                raise BrokenOff("the key of the caller ended before its response did")
        yield item


async def require_living(session: AsyncSession, actor: Actor) -> None:
    """Check the caller's key in a transaction. Until that ends, the key cannot be revoked.

    Raises:
        Unauthenticated: the key has ended since the request began.
    """
    await owning_key(session, actor)
    if not await is_living(session, actor.key_id):
        raise refused_key()
