"""Compaction when a benchmark wants it, and not before."""

import asyncio

from benchmarks.door import Door, door
from benchmarks.service import Service
from service.core.jobs import open_queue
from service.membership.compaction import compact

_TASK = "compact_memberships"
_DAY_SECONDS = 86_400


def postpone(service: Service) -> None:
    """Keep the service from compacting by itself: while one such job waits for its day, the queue takes no second."""
    asyncio.run(_postpone(service.dsn))


async def _postpone(dsn: str) -> None:
    async with open_queue(dsn) as queue:
        waiting = queue.configure_task(_TASK, queueing_lock=_TASK, schedule_in={"seconds": _DAY_SECONDS})
        await waiting.defer_async(timestamp=0)


def compact_all(service: Service) -> None:
    """Merge all that can be merged, without the rests that the service takes in between."""
    with door(service) as opened:
        opened.run(_compact)


async def _compact(opened: Door) -> None:
    async def without_rest(*_progress: object) -> None:
        """Go on at once."""

    await compact(opened.database, opened.ring, without_rest, thoroughly=True)
