"""The membership store as the service itself opens it: for work that has no address in the API yet."""

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
class Door:
    """A process's database and key ring, and the event loop in which it works."""

    database: Database
    ring: KeyRing
    runner: asyncio.Runner

    def run(self, work: Callable[["Door"], Awaitable[Result]]) -> Result:
        """What `work` gives."""

        async def working() -> Result:
            return await work(self)

        return self.runner.run(working())


@contextmanager
def door(service: Service) -> Iterator[Door]:
    """The store of a running service, opened beside it."""
    # Whatever else this machine is set up for is not meant.
    settings = Settings(
        database_url=None, master_secret=None, master_secret_file=None, data_dir=service.folder / "data"
    )
    with asyncio.Runner() as runner:
        opened = Door(Database(service.dsn), open_key_ring(settings), runner)
        try:
            yield opened
        finally:
            runner.run(opened.database.close())
