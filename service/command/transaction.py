"""A transaction of a command on the configured database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from service.command.database import database
from service.core.db import Database
from service.core.settings import read_settings

Result = TypeVar("Result")


def in_transaction(operation: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Run an operation in a transaction on the configured database, and return its result."""
    settings = read_settings()

    async def run(dsn: str) -> Result:
        registry = Database(dsn, pool_size=1, limits=settings.request_limits())
        try:
            async with registry.transaction() as session:
                return await operation(session)
        finally:
            await registry.close()

    with database(settings) as dsn:
        return asyncio.run(run(dsn))
