"""Work in threads, for what must not block the event loop."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")


# A thread that was interrupted has this long to notice, before it is interrupted again.
_INTERRUPT_SECONDS: Final = 0.2


async def run_in_thread(work: Callable[[], Result], interrupt: Callable[[], None] | None = None) -> Result:
    """The result of `work`, which runs in a thread. A caller that is cancelled waits until the thread has ended.

    A thread cannot be stopped, and must not write while another process starts the same work over. `interrupt` ends
    what it may be waiting for: a database statement that waits for a lock could do so for ever.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            if interrupt is not None:
                await asyncio.to_thread(interrupt)
            await asyncio.wait([working], timeout=_INTERRUPT_SECONDS)
        # The exception of an interrupted thread is of no interest, but must be read.
        working.exception()
        raise
