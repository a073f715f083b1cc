"""Work in threads, for what must not stand in the way of the event loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """What `work` gives, done in a thread. Whoever is cancelled meanwhile goes on only when the thread is done.

    A thread cannot be stopped, and must not write behind the back of whoever begins the same work anew.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise
