"""Work in threads: how much of one kind may wait, and what becomes of work that nobody waits for."""

import asyncio
import threading

import pytest

from service.core.errors import Overloaded
from service.core.threads import WorkThreads


def test_work_beyond_what_may_wait_is_refused_until_a_thread_ends() -> None:
    threads, release = WorkThreads("test", 1, 1), threading.Event()

    async def ask() -> None:
        begun = [asyncio.create_task(threads.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await threads.run(release.wait)
        # A caller that has gone leaves its thread at work.
        begun[0].cancel()
        await asyncio.gather(begun[0], return_exceptions=True)
        with pytest.raises(Overloaded):
            await threads.run(release.wait)
        release.set()
        assert await begun[1]
        assert await threads.run(lambda: 3) == 3

    asyncio.run(ask())


def test_exception_of_work_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(WorkThreads("test", 1, 1).run(lambda: 1 // 0))
