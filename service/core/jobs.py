"""Work that takes longer than a request: procrastinate, on the same PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast

import procrastinate
from fastapi import Depends, Request
from procrastinate import App, Blueprint, PsycopgConnector
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import driver

# Features add their tasks to this blueprint where they define them; `service.main` imports them all.
blueprint = Blueprint()

NAMESPACE = "filiation"


@asynccontextmanager
async def open_queue(dsn: str) -> AsyncIterator[App]:
    """The queue over `dsn`, with every task that the blueprint holds."""
    queue = App(connector=PsycopgConnector(conninfo=dsn, min_size=1, max_size=4))
    queue.add_tasks_from(blueprint, namespace=NAMESPACE)
    async with queue.open_async():
        yield queue


async def defer(session: AsyncSession, queue: App, task: str, **arguments: Any) -> None:
    """Ask for `task` in the transaction of `session`: it runs if that commits, and only then."""
    configured = queue.configure_task(f"{NAMESPACE}:{task}", connection=await driver(session), allow_unknown=False)
    await configured.defer_async(**arguments)


async def work(queue: App, context: dict[str, Any], *, until_empty: bool = False) -> None:
    """Do what the queue holds, and go on (or, with `until_empty`, return) when it is empty."""
    await queue.run_worker_async(
        concurrency=2,
        wait=not until_empty,
        additional_context=context,
        install_signal_handlers=False,
        delete_jobs="successful",
        fetch_job_polling_interval=1.0,
        shutdown_graceful_timeout=10.0,
    )


@blueprint.periodic(cron="* * * * *")
@blueprint.task(name="retry_stalled", queueing_lock="retry_stalled", pass_context=True)
async def retry_stalled(context: procrastinate.JobContext, timestamp: int) -> None:
    """Start again what a worker that was killed has left behind. Every task can begin anew and ends the same."""
    for job in await context.app.job_manager.get_stalled_jobs():
        await context.app.job_manager.retry_job(job)


def _queue_of(request: Request) -> App:
    return cast(App, request.app.state.queue)


QueueDep = Annotated[App, Depends(_queue_of)]
