"""A worker that is stopped ends, also if its work does not notice, and whatever it leaves is done by the next worker.

Python and libraries lose cancellations at rare moments. Here, work loses them at every moment.
"""

import asyncio
import os
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import supervision, task_queue, worker
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.supervision import end
from service.core.task_queue import open_queue
from service.core.threads import run_in_thread
from service.core.worker import run_worker
from service.main import running
from tests.inspection import defer, rows, until

STOPS = int(os.environ.get("STOPS", "5"))
SEED = int(os.environ.get("SEED", "17"))
NEVER = 1000


async def lose(cancellations: int, release: asyncio.Event | None = None) -> None:
    """Last until `release`, and end only at the cancellation after so many."""
    release = release or asyncio.Event()
    for _ in range(cancellations + 1):
        try:
            await release.wait()
            return
        except asyncio.CancelledError:
            pass
    raise asyncio.CancelledError


@given(lost=st.lists(st.integers(0, 3)), abandoned=st.integers(0, 2))
def test_tasks_that_lose_cancellations_end_and_others_are_abandoned(lost: list[int], abandoned: int) -> None:
    async def run() -> None:
        release = asyncio.Event()
        ending = [asyncio.create_task(lose(times)) for times in lost]
        others = [asyncio.create_task(lose(NEVER, release)) for _ in range(abandoned)]
        await asyncio.sleep(0)
        assert await end(*ending) == []
        assert set(await end(*others, within=0.002)) == set(others)
        assert all(task.cancelled() for task in ending)
        release.set()
        await asyncio.gather(*others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervision, "_CANCEL_AGAIN_SECONDS", 0.001)
        asyncio.run(run())


def test_thread_whose_caller_is_cancelled_twice_is_waited_for() -> None:
    began, interrupted, release = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        release.wait()

    async def run() -> None:
        caller = asyncio.create_task(run_in_thread(work, interrupted.set))
        await asyncio.to_thread(began.wait)
        for _ in range(2):
            caller.cancel()
            await asyncio.to_thread(interrupted.wait)
        assert not caller.done()
        release.set()
        await asyncio.wait([caller])
        assert caller.cancelled()

    asyncio.run(run())


def test_worker_that_is_stopped_ends_whatever_its_work_does(
    dsn: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing, never = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def loses(_: Resources) -> None:
        losing.release()
        await lose(2)

    async def never_ends(_: Resources) -> None:
        never.release()
        await lose(NEVER, release)

    for work in (loses, never_ends):
        monkeypatch.setitem(task_queue._TASKS, work.__name__, task_queue._Task(work.__name__, None, False, False, work))
        defer(dsn, work.__name__)
    monkeypatch.setattr(worker, "_BESIDE", [loses, never_ends])
    release = asyncio.Event()

    async def run() -> None:
        async with running(settings, dsn, settings.job_limits()) as resources, open_queue(dsn, by_clock=False) as queue:
            resources.add(queue)
            working = asyncio.create_task(run_worker(resources, patience=0))
            for _ in range(2):
                await losing.acquire()
                await never.acquire()
            working.cancel()
            await asyncio.wait([working])
            release.set()

    asyncio.run(run())
    left = rows(dsn, "SELECT task_name, status::text, scheduled_at > now() FROM procrastinate_jobs")
    assert sorted(left) == [("loses", "todo", False), ("never_ends", "todo", True)]


def test_worker_that_is_stopped_at_any_moment_ends_and_loses_no_job(dsn: str, settings: Settings) -> None:
    moments = random.Random(SEED)
    tasks = ("sweep", "compact_memberships", "retry_webhooks", "take_off_losses", "watch_keys")

    async def run(turns: int | None) -> None:
        async with running(settings, dsn, settings.job_limits()) as resources, open_queue(dsn, by_clock=False) as queue:
            resources.add(queue)
            working = asyncio.create_task(run_worker(resources))
            if turns is None:
                await asyncio.to_thread(until, lambda: not rows(dsn, "SELECT FROM procrastinate_jobs"))
            else:
                for _ in range(turns):
                    await asyncio.sleep(0)
            working.cancel()
            await asyncio.wait([working])

    for _ in range(STOPS):
        name = moments.choice(tasks)
        defer(dsn, name, **({} if name == "sweep" else {"timestamp": 0}))
        asyncio.run(run(moments.randrange(4000)))
    asyncio.run(run(None))
