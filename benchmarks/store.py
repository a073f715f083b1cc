"""The membership store, opened as the service opens it: for operations that have no route in the API yet."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.service import Service
from service.core.db import Database
from service.core.settings import Settings
from service.number.app_keyring import open_key_ring
from service.number.keyring import KeyRing

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Store:
    """The database and key ring of a process, and the event loop that runs its operations."""

    database: Database
    ring: KeyRing
    runner: asyncio.Runner

    def run(self, operation: Callable[["Store"], Awaitable[Result]]) -> Result:
        """The result of an operation."""

        async def run_operation() -> Result:
            return await operation(self)

        return self.runner.run(run_operation())


@contextmanager
def open_store(service: Service) -> Iterator[Store]:
    """The store of a running service, opened in this process."""
    # What the environment says of another registry on this machine must not count.
    settings = Settings(
        database_url=None,
        database_password=None,
        database_owner_url=None,
        database_owner_password=None,
        master_secret=None,
        data_dir=service.folder / "data",
    )
    with asyncio.Runner() as runner:
        store = Store(Database(service.dsn), open_key_ring(settings), runner)
        try:
            yield store
        finally:
            runner.run(store.database.close())
