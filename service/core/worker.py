"""The worker: runs the tasks of the queue, and what goes on beside them, until it is stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from procrastinate import App

from service.core.resources import Resources
from service.core.settings import Settings
from service.core.supervision import END_SECONDS, end, keep_running
from service.core.sweeps import HEARTBEATS_MISSED, sweep_regularly
from service.core.task_queue import WorkerContext, on_unrecorded

Beside = Callable[[Resources], Awaitable[None]]

_BESIDE: Final[list[Beside]] = [sweep_regularly]

PATIENCE_SECONDS: Final = 2.0
"""How long a worker that is stopped waits for its jobs. It interrupts the others, and the next worker repeats them."""

_RECORD_SECONDS: Final = 1.0
"""How long it then waits until the queue has recorded how the jobs ended."""


def stop_seconds(patience: float = PATIENCE_SECONDS) -> float:
    """After how many seconds a worker that is cancelled has ended, whatever its jobs do."""
    return patience + _RECORD_SECONDS + 2 * END_SECONDS


def beside_tasks(work: Beside) -> Beside:
    """Register what every worker does beside its tasks, until it is cancelled. It begins again whenever it ends."""
    _BESIDE.append(work)
    return work


async def run_worker(
    resources: Resources, patience: float = PATIENCE_SECONDS, give_up_after: float | None = None
) -> None:
    """Run the tasks of the queue in `resources`, until cancelled. A worker that ends for any other reason comes back.

    Jobs that have not ended `patience` seconds after the cancellation are interrupted, and the next worker starts them
    over. So it does with jobs that do not end even then: they are abandoned.

    Raises:
        GivenUp: the worker has not run for `give_up_after` seconds.
    """
    beside = [
        asyncio.create_task(keep_running(f"work {work.__name__}", partial(_call, work, resources)), name=work.__name__)
        for work in _BESIDE
    ]
    keeping = asyncio.create_task(keep_running("worker", partial(_run_once, resources, patience), give_up_after))
    try:
        await asyncio.shield(keeping)
    finally:
        keeping.cancel()
        await asyncio.gather(asyncio.wait([keeping]), end(*beside))


async def _call(work: Beside, resources: Resources) -> None:
    await work(resources)


async def _run_once(resources: Resources, patience: float) -> None:
    queue, heartbeat = resources.get(App), resources.get(Settings).heartbeat_seconds
    context = WorkerContext(resources, set())
    running = asyncio.create_task(
        queue.run_worker_async(
            concurrency=2,
            additional_context=context._asdict(),
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=1.0,
            shutdown_graceful_timeout=patience,
            update_heartbeat_interval=heartbeat,
            stalled_worker_timeout=HEARTBEATS_MISSED * heartbeat,
        ),
        name="The worker",
    )
    with on_unrecorded(queue, running.cancel):
        try:
            await asyncio.shield(running)
        finally:
            # The queue waits for its jobs as long as they take, and for the database.
            running.cancel()
            await asyncio.wait([running], timeout=patience + END_SECONDS + _RECORD_SECONDS)
            await end(running, *context.works)
