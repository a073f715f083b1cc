"""The operations on jobs, and how a running task reports its progress."""

import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.keys import is_living, owning_key
from service.core.clock import now
from service.core.db import Database, run
from service.core.errors import TITLES, TYPE_PREFIX, NotFound, Problem
from service.core.outages import is_outage
from service.core.paging import Page, read_slice
from service.core.readiness import Condition, look_for
from service.core.resources import Resources
from service.core.sweeps import sweep
from service.core.task_queue import defer
from service.job.models import Job, JobKind, JobState
from service.job.schemas import JobOut

log = logging.getLogger(__name__)


async def start_job(session: AsyncSession, queue: App, actor: Actor, kind: JobKind, subject_id: uuid.UUID) -> JobOut:
    """Record a job and defer the task named by its kind. Both take effect if the transaction commits."""
    job = Job(
        organisation_id=actor.organisation_id,
        through_id=actor.asserts_through_id,
        api_key_id=await owning_key(session, actor),
        kind=kind,
        subject_id=subject_id,
    )
    session.add(job)
    await session.flush()
    await defer(session, queue, kind, job_id=str(job.id))
    return JobOut.model_validate(job.model_dump())


async def list_jobs(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[JobOut]:
    """The jobs of the caller's organisation; the regulator sees all."""
    query = select(Job)
    if not actor.is_regulator:
        query = query.where(Job.organisation_id == actor.organisation_id)
    rows = await read_slice(session, query, after, limit, Job.id)
    return rows.page(JobOut.model_validate(row.model_dump()) for row in rows)


async def get_job(session: AsyncSession, actor: Actor, job_id: uuid.UUID) -> JobOut:
    """A job of the caller's organisation; the regulator sees all.

    Raises:
        NotFound: no job that the caller may see has this id.
    """
    job = await session.get(Job, job_id)
    if job is None or not (job.organisation_id == actor.organisation_id or actor.is_regulator):
        raise NotFound("job")
    return JobOut.model_validate(job.model_dump())


_HAS_UNFINISHED = text("SELECT EXISTS (SELECT FROM job WHERE subject_id = :id AND state IN ('waiting', 'running'))")


async def has_unfinished_job(session: AsyncSession, subject_id: uuid.UUID) -> bool:
    """Whether a job for a dataset is waiting or running."""
    return bool(await session.scalar(_HAS_UNFINISHED, {"id": subject_id}))


_ADVANCE = text("UPDATE job SET done = :done, total = :total WHERE id = :id")

# Reports at shorter intervals are skipped: nobody would notice them, and each is a durable write.
_REPORT_SECONDS = 0.25

ReportProgress = Callable[[int, int], Awaitable[None]]
Work = Callable[[Job, ReportProgress], Awaitable[None]]
Undo = Callable[[AsyncSession, Job], Awaitable[None]]


async def _leave_as_it_is(session: AsyncSession, job: Job) -> None:
    pass


async def run_job(database: Database, job_id: uuid.UUID, work: Work, undo: Undo = _leave_as_it_is) -> None:
    """Do `work` for a job, and record its state and progress.

    A `Problem` that the work raises is stored with the job. So is any other exception, but without its text, which may
    quote data. Nothing is raised again, because the queue would log it with its text. The transaction that records the
    failure also does `undo`.

    Raises:
        Exception: the database was away. The job is not finished, and this is to be called again.
    """
    begin = update(Job).where(col(Job.id) == job_id, col(Job.finished_at).is_(None)).returning(Job)
    async with database.transaction() as session:
        job = await session.scalar(begin.values(state=JobState.RUNNING, started_at=now()))
    if job is None:
        return
    progress = _Progress(database, job_id)
    problem: dict[str, Any] | None = None
    try:
        await work(job, progress.report)
    except Problem as refusal:
        problem = _document(refusal.status, refusal.slug, refusal.detail)
    except Exception as error:
        if is_outage(error):
            raise
        log.error("Job %s of kind %s failed: %s", job_id, job.kind, type(error).__name__)
        detail = "An unexpected error occurred. Try again. If it persists, report its time to the operator."
        problem = _document(500, "internal_error", detail)
    end = update(Job).where(col(Job.id) == job_id).values(_end(progress, problem))
    async with database.transaction() as session:
        if problem is not None:
            await undo(session, job)
        await run(session, end)


@dataclass
class _Progress:
    """How far the work of a job has got. It is stored from time to time, and at the end."""

    database: Database
    job_id: uuid.UUID
    done: int = 0
    total: int = 0
    _stored_at: float = field(default_factory=monotonic)

    async def report(self, done: int, total: int) -> None:
        """Store the progress, if it is time to. Much work ends before it is."""
        self.done, self.total = done, total
        if monotonic() - self._stored_at < _REPORT_SECONDS:
            return
        self._stored_at = monotonic()
        async with self.database.transaction() as session:
            await run(session, _ADVANCE, {"id": self.job_id, "done": done, "total": total})


def _document(status: int, slug: str, detail: str) -> dict[str, Any]:
    return {"type": TYPE_PREFIX + slug, "title": TITLES[status], "status": status, "detail": detail}


def _end(progress: _Progress, problem: dict[str, Any] | None) -> dict[str, Any]:
    """The columns that a job ends with."""
    ended = {"finished_at": now(), "total": progress.total}
    if problem is None:
        return ended | {"state": JobState.SUCCEEDED, "done": progress.total}
    return ended | {"state": JobState.FAILED, "done": progress.done, "problem": problem}


_WITHOUT_TASK = text("""
    SELECT id, kind FROM job WHERE state IN ('waiting', 'running') AND NOT EXISTS (
        SELECT FROM pending_task WHERE name = job.kind AND arguments ->> 'job_id' = job.id::text)
    ORDER BY id
""")


@sweep
async def resume_lost_jobs(resources: Resources) -> None:
    """Start the unfinished jobs again for which no task is recorded. The start of a job records it, so there are none.

    Damage, or a restored table, may still leave such jobs, and nobody could then seal, confirm or drop what they are
    about.
    """
    database, queue = resources.get(Database), resources.get(App)
    async with database.transaction() as session:
        lost = (await run(session, _WITHOUT_TASK)).all()
    for row in lost:
        log.error("Job %s of kind %s was lost, and is started again.", row.id, row.kind)
        async with database.transaction() as session:
            await defer(session, queue, JobKind(row.kind), job_id=str(row.id))


look_for(
    "jobs",
    """
    SELECT EXISTS (SELECT FROM job WHERE state IN ('waiting', 'running')
        AND coalesce(started_at, created_at) < now() - interval '3 minutes'
        AND NOT EXISTS (SELECT FROM pending_task WHERE name = job.kind AND arguments ->> 'job_id' = job.id::text))
    """,
    Condition.FAILED,
    "A job is not finished, and nothing works on it. Look at the worker's log.",
    "Something works on every job.",
)


async def follow_job(
    database: Database, actor: Actor, job_id: uuid.UUID, pause: Callable[[], Awaitable[None]]
) -> AsyncIterator[JobOut]:
    """Yield the job each time it has changed, until it is finished or the caller's key has ended.

    No connection is held while it pauses.
    """
    last: JobOut | None = None
    while True:
        async with database.transaction() as session:
            if not await is_living(session, actor.key_id):
                return
            job = await get_job(session, actor, job_id)
        if job != last:
            yield job
            last = job
        if job.finished_at is not None:
            return
        await pause()
