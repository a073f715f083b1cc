"""Compaction at the moment when a benchmark wants it."""

import asyncio

from procrastinate.exceptions import AlreadyEnqueued

from benchmarks.service import Service
from benchmarks.store import Store, open_store
from service.core.task_queue import open_queue
from service.membership.compaction import compact

_TASK = "compact_memberships"
_DAY_SECONDS = 86_400
_TRIES = 50


def postpone_compaction(service: Service) -> None:
    """Keep the service from compacting by itself: while a job waits for tomorrow, the queue accepts no second one."""
    asyncio.run(_postpone(service.dsn))


async def _postpone(dsn: str) -> None:
    async with open_queue(dsn) as queue:
        job = queue.configure_task(_TASK, queueing_lock=_TASK, schedule_in={"seconds": _DAY_SECONDS})
        # At the turn of a minute the service's own job is in the queue, until the worker takes it.
        for _ in range(_TRIES):
            try:
                await job.defer_async(timestamp=0)
            except AlreadyEnqueued:
                await asyncio.sleep(0.2)
            else:
                return
    raise RuntimeError("The compaction job stays in the queue: check that a worker runs.")


def compact_all(service: Service) -> None:
    """Merge everything that can be merged, without the pauses that the service makes in between."""
    with open_store(service) as store:
        store.run(_compact)


async def _compact(store: Store) -> None:
    async def without_pause(*_progress: object) -> None:
        """Go on at once."""

    await compact(store.database, store.ring, without_pause, thoroughly=True)
