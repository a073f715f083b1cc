"""Sweeps: what was left behind is found again and started over, whatever interrupted it.

Each worker sweeps beside its tasks, so that long tasks do not hold it up; of several workers, one does at a time. A
sweep that fails does not stop the others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from procrastinate import App

from service.core import pending_tasks
from service.core.db import Database
from service.core.locks import Lock, try_to_take
from service.core.outages import is_outage
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.task_queue import restart, task

log = logging.getLogger(__name__)

Sweep = Callable[[Resources], Awaitable[None]]

_SWEEPS: Final[list[Sweep]] = []

HEARTBEATS_MISSED: Final = 3
"""A worker that has missed so many heartbeats counts as dead."""


def sweep(work: Sweep) -> Sweep:
    """Register what each sweep does. It must be able to start over after it was killed."""
    _SWEEPS.append(work)
    return work


async def sweep_regularly(resources: Resources) -> None:
    """Sweep for as long as a worker runs."""
    while True:
        await sweep_once(resources)
        await asyncio.sleep(resources.get(Settings).sweep_seconds)


@task("sweep")
async def sweep_once(resources: Resources) -> None:
    """Do every sweep once, unless another worker is doing so."""
    async with resources.get(Database).transaction() as session:
        if not await try_to_take(session, Lock.SWEEP):
            return
        for work in _SWEEPS:
            try:
                await work(resources)
            except Exception as problem:
                if is_outage(problem):
                    raise
                log.exception("A sweep failed: %s.", work.__name__)


@sweep
async def retry_stalled(resources: Resources) -> None:
    """Retry the jobs of workers that were killed, each on its own.

    After a standstill of the database or of this process, all workers look dead. So those that live get the time for a
    sign of life: two workers must not do the same job at once.
    """
    manager = resources.get(App).job_manager
    heartbeat = resources.get(Settings).heartbeat_seconds
    silent_for = HEARTBEATS_MISSED * heartbeat
    stalled = {job.id: job for job in await manager.get_stalled_jobs(seconds_since_heartbeat=silent_for)}
    if not stalled:
        return
    await asyncio.sleep(2 * heartbeat)
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=silent_for):
        if job.id not in stalled or job.worker_id != stalled[job.id].worker_id:
            continue
        try:
            await manager.retry_job(job)
        except Exception as problem:
            if is_outage(problem):
                raise
            log.exception("The stalled job %s of the task %s could not be retried.", job.id, job.task_name)


@sweep
async def retry_pending_tasks(resources: Resources) -> None:
    """Start the tasks again that are not done yet and whose pause is over."""
    queue = resources.get(App)
    async with resources.get(Database).transaction() as session:
        for pending_id, name in await pending_tasks.claim_due(session):
            await restart(session, queue, name, pending_id)


_KEPT_HOURS: Final = 7 * 24


@task("forget_failed_jobs", cron="37 4 * * *")
async def forget_failed_jobs(resources: Resources) -> None:
    """Delete the queue's record of jobs that failed a week ago."""
    manager = resources.get(App).job_manager
    await manager.delete_old_jobs(_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True)
