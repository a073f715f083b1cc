"""Work in threads, for what must not block the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

from service.core.errors import Overloaded

Result = TypeVar("Result")


# A thread that was interrupted has this long to notice, before it is interrupted again.
_INTERRUPT_SECONDS: Final = 0.2
# Threads of their own: all others may be the ones that wait.
_INTERRUPTING: Final = ThreadPoolExecutor(2, "interrupt")


async def run_in_thread(work: Callable[[], Result], interrupt: Callable[[], None] | None = None) -> Result:
    """The result of `work`, which runs in a thread. A caller that is cancelled waits until the thread has ended.

    A thread cannot be stopped, and must not write while another process starts the same work over. `interrupt` ends
    what it may be waiting for: a database statement that waits for a lock could do so for ever. Who cancels it twice
    waits no less.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        interrupting = asyncio.create_task(_interrupt(working, interrupt))
        while not interrupting.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(interrupting)
        raise


async def _interrupt(working: asyncio.Future[Result], interrupt: Callable[[], None] | None) -> None:
    """Interrupt a thread until it has ended."""
    loop = asyncio.get_running_loop()
    while not working.done():
        if interrupt is not None:
            await loop.run_in_executor(_INTERRUPTING, interrupt)
        await asyncio.wait([working], timeout=_INTERRUPT_SECONDS)
    # The exception of an interrupted thread is of no interest, but must be read.
    working.exception()


class WorkThreads:
    """Threads for one kind of work that requests ask for, and that would hold up the event loop.

    The other threads of a process stay free for the rest. Only so much may wait, because whatever is cheap to ask for
    and takes long to make would fill the memory of a process, and all of its time.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, name)
        self._most, self._begun = threads + waiting, 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`. The thread goes on if the caller is cancelled, so `work` may write nothing.

        Raises:
            Overloaded: too many others already wait for such work.
        """
        if self._begun >= self._most:
            raise Overloaded("overloaded", "Too many requests of this kind are being served. Try again in a moment.")
        self._begun += 1
        working = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # Counted until the thread has ended, not until nobody waits for it any more.
        working.add_done_callback(self._end)
        return await asyncio.shield(working)

    def _end(self, working: asyncio.Future[Any]) -> None:
        self._begun -= 1
        if not working.cancelled():
            working.exception()
