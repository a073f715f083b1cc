"""Compaction when a benchmark wants it, and not before."""

import asyncio

from procrastinate.exceptions import AlreadyEnqueued

from benchmarks.http import Door, door
from benchmarks.service import Service
from service.core.task_queue import open_queue
from service.membership.compaction import compact

_TASK = "compact_memberships"
_DAY_SECONDS = 86_400
_TRIES = 50


def postpone(service: Service) -> None:
    """Keep the service from compacting by itself: while one such job waits for its day, the queue takes no second."""
    asyncio.run(_postpone(service.dsn))


async def _postpone(dsn: str) -> None:
    async with open_queue(dsn) as queue:
        waiting = queue.configure_task(_TASK, queueing_lock=_TASK, schedule_in={"seconds": _DAY_SECONDS})
        # At the turn of a minute the service's own job stands there, until the worker takes it.
        for _ in range(_TRIES):
            try:
                await waiting.defer_async(timestamp=0)
            except AlreadyEnqueued:
                await asyncio.sleep(0.2)
            else:
                return
    raise RuntimeError("The job of compaction waits all the time: is there no worker?")


def compact_all(service: Service) -> None:
    """Merge all that can be merged, without the rests that the service takes in between."""
    with door(service) as opened:
        opened.run(_compact)


async def _compact(opened: Door) -> None:
    async def without_rest(*_progress: object) -> None:
        """Go on at once."""

    await compact(opened.database, opened.ring, without_rest, thoroughly=True)
