"""The task queue, for work that takes longer than a request: procrastinate, on the same PostgreSQL."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from fastapi import Depends
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job as QueuedJob
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import pending_tasks
from service.core.db import Database, connection_of
from service.core.resources import Resources, resource

Work = Callable[..., Awaitable[None]]


class TaskName(StrEnum):
    """The tasks that other modules ask for, also those below the module that does the work. Jobs have a `JobKind`."""

    COUNT_BLOCK_FILL = "count_block_fill"
    DELIVER_WEBHOOKS = "deliver_webhooks"
    FLAG_OBJECTIONS = "flag_objections"
    RELEASE_WAITING = "release_waiting"


class _Task(NamedTuple):
    name: str
    cron: str | None
    alone: bool
    until_done: bool
    work: Work


_TASKS: dict[str, _Task] = {}


def task(
    name: str, *, cron: str | None = None, alone: bool = False, until_done: bool = False
) -> Callable[[Work], Work]:
    """Register a function as the task `name`. With `cron` it runs at those minutes, and never twice at once.

    A task that runs `alone` waits until the previous one has ended, on whichever worker. One that runs `until_done` is
    started again after every failure (see `pending_tasks`), and may run twice at once if it takes long.

    The function receives the worker's resources, the queue among them, and the arguments that it was deferred with. It
    must be able to start over after it was killed.
    """

    def register(work: Work) -> Work:
        _TASKS[name] = _Task(name, cron, alone, until_done, work)
        return work

    return register


_BESIDE: list[Callable[[Resources], Awaitable[None]]] = []


def beside_tasks(work: Callable[[Resources], Awaitable[None]]) -> Callable[[Resources], Awaitable[None]]:
    """Register what every worker does beside its tasks, until it is cancelled. It must catch its own errors."""
    _BESIDE.append(work)
    return work


class _RetryInterrupted(BaseRetryStrategy):
    """Puts back the jobs that a worker interrupts when it is stopped. A job that raised an exception has failed.

    If its task is to run `until_done`, another job follows.
    """

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:
        """At once for an interrupted job. The next worker starts it over."""
        return RetryDecision(retry_at=None) if isinstance(exception, asyncio.CancelledError) else None


@asynccontextmanager
async def open_queue(dsn: str) -> AsyncIterator[App]:
    """The queue of a database, with every registered task."""
    queue = App(connector=PsycopgConnector(conninfo=dsn, min_size=1, max_size=4))
    for name, cron, alone, until_done, work in _TASKS.values():
        call = _with_resources(_until_done(work) if until_done else work)
        if cron is None:
            queue.task(name=name, pass_context=True, retry=_RetryInterrupted(), lock=name if alone else None)(call)
        else:
            periodic = queue.task(name=name, pass_context=True, queueing_lock=name)(_without_timestamp(call))
            queue.periodic(cron=cron)(periodic)
    async with queue.open_async():
        yield queue


def _with_resources(work: Work) -> Work:
    """`work` as procrastinate calls it: with a context that contains the worker's resources."""

    async def call(context: JobContext, **arguments: Any) -> None:
        resources: Resources = context.additional_context["resources"]
        await work(resources, **arguments)

    return call


def _until_done(work: Work) -> Work:
    """`work` as one attempt of a pending task, whose arguments are recorded with it."""

    async def attempt(resources: Resources, pending_id: str) -> None:
        database, row_id = resources.get(Database), uuid.UUID(pending_id)
        arguments = await pending_tasks.begin_attempt(database, row_id)
        if arguments is None:
            return
        error: Exception | None = None
        try:
            await work(resources, **arguments)
        except Exception as problem:  # noqa: BLE001 - it is logged, and the task is started again whatever it was
            error = problem
        await pending_tasks.end_attempt(database, row_id, error)

    return attempt


def _without_timestamp(call: Work) -> Work:
    """`call` for a periodic task. procrastinate passes the minute for which it runs, which no task needs."""

    async def call_periodically(context: JobContext, timestamp: int) -> None:
        await call(context)

    return call_periodically


async def defer(session: AsyncSession, queue: App, name: StrEnum, **arguments: Any) -> None:
    """Request a task in the transaction of `session`. It runs if that commits, and only then."""
    if _TASKS[name].until_done:
        arguments = {"pending_id": str(await pending_tasks.add_pending(session, name, arguments))}
    configured = queue.configure_task(name, connection=await connection_of(session), allow_unknown=False)
    await configured.defer_async(**arguments)


_WAITING = text("""
    SELECT EXISTS (SELECT FROM procrastinate_jobs
        WHERE status = 'todo' AND task_name <> :task AND (scheduled_at IS NULL OR scheduled_at <= now()))
""")


async def other_jobs_wait(session: AsyncSession, task: str) -> bool:
    """Whether a job of another task is waiting for a worker."""
    return bool(await session.scalar(_WAITING, {"task": task}))


async def run_worker(resources: Resources, patience: float = 10.0) -> None:
    """Run the tasks of the queue in `resources`, until cancelled.

    Jobs that have not ended `patience` seconds later are interrupted, and the next worker starts them over.
    """
    beside = [asyncio.create_task(_run(work, resources)) for work in _BESIDE]
    try:
        await resources.get(App).run_worker_async(
            concurrency=2,
            additional_context={"resources": resources},
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=1.0,
            shutdown_graceful_timeout=patience,
        )
    finally:
        for running in beside:
            running.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _run(work: Callable[[Resources], Awaitable[None]], resources: Resources) -> None:
    await work(resources)


@task("retry_stalled", cron="* * * * *")
async def retry_stalled(resources: Resources) -> None:
    """Retry the jobs of workers that were killed."""
    manager = resources.get(App).job_manager
    for job in await manager.get_stalled_jobs():
        await manager.retry_job(job)


@task("retry_pending_tasks", cron="* * * * *")
async def retry_pending_tasks(resources: Resources) -> None:
    """Start the tasks again that are not done yet and whose pause is over."""
    queue = resources.get(App)
    async with resources.get(Database).transaction() as session:
        connection = await connection_of(session)
        for pending_id, name in await pending_tasks.claim_due(session):
            configured = queue.configure_task(name, connection=connection, allow_unknown=False)
            await configured.defer_async(pending_id=str(pending_id))


QueueDep = Annotated[App, Depends(resource(App))]
