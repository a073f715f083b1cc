"""Work in threads, for what must not stand in the way of the event loop."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")


# How long a thread that was interrupted may take to notice, before it is interrupted again.
_AGAIN_SECONDS: Final = 0.2


async def run_in_thread(work: Callable[[], Result], interrupt: Callable[[], None] | None = None) -> Result:
    """What `work` gives, done in a thread. Whoever is cancelled meanwhile goes on only when the thread is done.

    A thread cannot be stopped, and must not write behind the back of whoever begins the same work anew. `interrupt`
    ends what it may be waiting for: a statement of the database that waits for a lock might do so for ever.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        while not working.done():
            if interrupt is not None:
                await asyncio.to_thread(interrupt)
            await asyncio.wait([working], timeout=_AGAIN_SECONDS)
        # That it was interrupted is no news.
        working.exception()
        raise
