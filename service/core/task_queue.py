"""The task queue, for work that takes longer than a request: procrastinate, on the same PostgreSQL.

`worker` runs its tasks, and `sweeps` starts those again that were left behind.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Depends
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import pending_tasks
from service.core.db import Database, connection_of, libpq_parameters
from service.core.outages import is_outage
from service.core.resources import Resources, resource
from service.core.supervision import end
from service.core.time_limits import TimeLimits

log = logging.getLogger(__name__)

Work = Callable[..., Awaitable[None]]


class TaskName(StrEnum):
    """The tasks that other modules ask for, also those below the module that does the work. Jobs have a `JobKind`."""

    COUNT_BLOCK_FILL = "count_block_fill"
    DELIVER_WEBHOOKS = "deliver_webhooks"
    FLAG_OBJECTIONS = "flag_objections"
    RECOUNT_DATASETS = "recount_datasets"
    RELEASE_WAITING = "release_waiting"
    SEND_UNREAD_RELAYS = "send_unread_relays"


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
    started again after every failure (see `pending_tasks`).

    The function receives the worker's resources, the queue among them, and the arguments that it was deferred with. It
    must be able to start over after it was killed.
    """

    def register(work: Work) -> Work:
        _TASKS[name] = _Task(name, cron, alone, until_done, work)
        return work

    return register


class WorkerContext(NamedTuple):
    """What a worker gives to each job: the resources, and where the job's work is listed for as long as it runs."""

    resources: Resources
    works: set[asyncio.Task[None]]


class Abandoned(Exception):
    """Work that was to end did not, so that its worker has left it alone."""


_LONGEST_RETRY_SECONDS: Final = 60
# Until then, work that was abandoned has ended with its process.
_ABANDONED_SECONDS: Final = 60
# Before each attempt to record how a job ended.
_RECORD_PAUSES: Final = (0.0, 0.5)
# A worker that stops must not wait longer for a database that is away.
_POOL_SECONDS: Final = 1.0
# Its pool would wait longer after each failed attempt. When it gives up, the next use of the pool is an attempt.
_RECONNECT_SECONDS: Final = 2.0


class _Retries(BaseRetryStrategy):
    """Puts back the jobs that a stopping worker interrupts or abandons, and those that an outage of the database ends.

    A job that raised any other exception has failed. If its task is to run `until_done`, another job follows.
    """

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:
        """At once for an interrupted job, later for an abandoned one, and ever later for one that an outage ended."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_at=None)
        if isinstance(exception, Abandoned):
            return RetryDecision(retry_in={"seconds": _ABANDONED_SECONDS})
        if is_outage(exception):
            return RetryDecision(retry_in={"seconds": min(2 ** min(job.attempts, 10), _LONGEST_RETRY_SECONDS)})
        return None


class _PatientJobs(JobManager):
    """Records how a job ended also if the connection is lost just then, and never fails for a periodic job.

    A job whose end was not recorded would count as running for as long as its worker lives. So `on_unrecorded` is
    called, which ends the worker: what it left is then taken for stalled, and is started over.
    """

    def __init__(self, connector: PsycopgConnector) -> None:
        super().__init__(connector)
        self.on_unrecorded: Callable[[], object] = _do_nothing

    async def finish_job(self, job: QueuedJob, status: Status, delete_job: bool) -> None:
        await self._record(lambda: JobManager.finish_job(self, job, status, delete_job))

    async def retry_job(
        self,
        job: QueuedJob,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        try:
            await self._record(lambda: JobManager.retry_job(self, job, retry_at, priority, queue, lock))
        except (UniqueViolation, AlreadyEnqueued):
            # The next run of this periodic task is waiting already, and does what this one would do.
            await self.finish_job(job, Status.FAILED, delete_job=True)

    async def _record(self, record: Callable[[], Awaitable[None]]) -> None:
        for attempt, pause in enumerate(_RECORD_PAUSES):
            await asyncio.sleep(pause)
            try:
                return await record()
            except UniqueViolation:
                raise
            except ConnectorException as problem:
                if not is_outage(problem):
                    if attempt:
                        # It was recorded at the first attempt, and only the reply was lost.
                        return None
                    raise
                if attempt == len(_RECORD_PAUSES) - 1:
                    self.on_unrecorded()
                    raise
        return None


@contextmanager
def on_unrecorded(queue: App, end: Callable[[], object]) -> Iterator[None]:
    """Call `end` during the block if the end of a job cannot be recorded."""
    jobs = queue.job_manager
    assert isinstance(jobs, _PatientJobs)
    jobs.on_unrecorded = end
    try:
        yield
    finally:
        jobs.on_unrecorded = _do_nothing


def _do_nothing() -> None:
    pass


@asynccontextmanager
async def open_queue(dsn: str, limits: TimeLimits | None = None, *, by_clock: bool = True) -> AsyncIterator[App]:
    """The queue of a database, with every registered task. Unless `by_clock`, periodic tasks run on request only."""
    connector = PsycopgConnector(
        min_size=1,
        max_size=4,
        timeout=_POOL_SECONDS,
        reconnect_timeout=_RECONNECT_SECONDS,
        kwargs=libpq_parameters(dsn, limits),
    )
    queue = App(connector=connector)
    queue.job_manager = _PatientJobs(connector)
    for name, cron, alone, until_done, work in _TASKS.values():
        call = _with_resources(_until_done(work) if until_done else work)
        if cron is None:
            queue.task(name=name, pass_context=True, retry=_Retries(), lock=name if alone else None)(call)
        else:
            periodic = queue.task(name=name, pass_context=True, retry=_Retries(), queueing_lock=name)(
                _without_timestamp(call)
            )
            if by_clock:
                queue.periodic(cron=cron)(periodic)
    async with queue.open_async():
        yield queue


def _with_resources(work: Work) -> Work:
    """`work` as procrastinate calls it: with the context of the worker (`WorkerContext`).

    procrastinate interrupts a job once, and waits for it without end. So the work is a task of its own, which `end`
    ends or abandons.
    """

    async def call(context: JobContext, **arguments: Any) -> None:
        worker = WorkerContext(**context.additional_context)
        name = f"The task {context.job.task_name}"
        working = asyncio.create_task(_call(work, worker.resources, arguments), name=name)
        worker.works.add(working)
        working.add_done_callback(worker.works.discard)
        try:
            await _until_ended(working)
        except Abandoned:
            raise
        except Exception as problem:
            if is_outage(problem):
                log.info("An outage of the database ended the task %s. It is retried.", context.job.task_name)
            else:
                log.exception("The task %s failed.", context.job.task_name)
            raise

    return call


async def _call(work: Work, resources: Resources, arguments: dict[str, Any]) -> None:
    await work(resources, **arguments)


async def _until_ended(working: asyncio.Task[None]) -> None:
    """Wait for a job's work. If this is cancelled, end it first.

    Raises:
        Abandoned: it did not end.
    """
    try:
        # Unlike the work itself, this loses no cancellation.
        await asyncio.shield(working)
    except asyncio.CancelledError:
        try:
            await end(working)
        finally:
            if not working.done():
                raise Abandoned from None
        if working.cancelled() or working.exception() is not None:
            raise


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
        except Exception as problem:  # the task is started again whatever it was
            # The queue repeats it sooner than the pauses of pending tasks.
            if is_outage(problem):
                raise
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


async def restart(session: AsyncSession, queue: App, name: str, pending_id: uuid.UUID) -> None:
    """Put a pending task into the queue again, in the transaction of `session`."""
    configured = queue.configure_task(name, connection=await connection_of(session), allow_unknown=False)
    await configured.defer_async(pending_id=str(pending_id))


async def other_jobs_wait(session: AsyncSession, task: str) -> bool:
    """Whether a job of another task is waiting for a worker."""
    return bool(await session.scalar(_WAITING, {"task": task}))


QueueDep = Annotated[App, Depends(resource(App))]
