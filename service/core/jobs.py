"""Work that takes longer than a request: procrastinate, on the same PostgreSQL."""

from typing import Any

from procrastinate import App, Blueprint, PsycopgConnector
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import driver

# Features add their tasks to this blueprint where they define them; `service.tasks` gathers them at start.
blueprint = Blueprint()


def make_queue(dsn: str) -> App:
    """The queue over `dsn`, with every task that the blueprint holds; open it before use."""
    queue = App(connector=PsycopgConnector(conninfo=dsn, min_size=1, max_size=4))
    queue.add_tasks_from(blueprint, namespace="filiation")
    return queue


async def defer(session: AsyncSession, queue: App, task: str, **arguments: Any) -> None:
    """Ask for `task` in the transaction of `session`: it runs if that commits, and only then."""
    configured = queue.configure_task(f"filiation:{task}", connection=await driver(session))
    await configured.defer_async(**arguments)
