"""Watches the event loops that serve requests: nothing in them may compute for long, because all others wait for it.

What counts is the processor time of the loop's thread, and not the clock. A slow machine takes more of it for the same
work, and so does one whose cores are shared: by as much as it then takes for work that is always the same. The
garbage collector's time is left out: in a process of tests it visits what all of them left behind.
"""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

from starlette.types import Receive, Scope, Send

from service.core.middleware import OutermostMiddleware

# Code is written to take a fifth of it.
MOST_SECONDS: Final = 0.1
# What `_same_work` takes on a quiet core of 2026.
_SAME_WORK_SECONDS: Final = 0.0035

_collecting = threading.local()
_loops: Final[WeakSet[asyncio.AbstractEventLoop]] = WeakSet()
_found: Final[list[str]] = []


def install() -> None:
    """Begin to watch every loop of this process from its first request on."""
    run, serve = asyncio.Handle._run, OutermostMiddleware.__call__

    def watched_run(handle: Any) -> None:
        collected, began = getattr(_collecting, "seconds", 0.0), time.thread_time()
        run(handle)
        took = time.thread_time() - began - (getattr(_collecting, "seconds", 0.0) - collected)
        # Asked last, because the first request is watched too.
        if took > MOST_SECONDS and handle._loop in _loops and took / _slowness() > MOST_SECONDS:
            _found.append(f"{took * 1000:.0f} ms in {_name(handle._callback)}")

    async def watched_serve(self: OutermostMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _loops.add(asyncio.get_running_loop())
        await serve(self, scope, receive, send)

    asyncio.Handle._run = watched_run  # type: ignore[assignment, method-assign]
    OutermostMiddleware.__call__ = watched_serve  # type: ignore[method-assign]
    gc.callbacks.append(_count_collection)


def _slowness() -> float:
    """How many times as long as on a quiet core work takes now, and at least 1."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        _same_work()
        times.append(time.thread_time() - began)
    return max(sorted(times)[1] / _SAME_WORK_SECONDS, 1.0)


def _same_work() -> None:
    found = {}
    for place in range(20_000):
        found[str(place)] = place * place


def _count_collection(phase: str, _: dict[str, int]) -> None:
    if phase == "start":
        _collecting.began = time.thread_time()
    elif hasattr(_collecting, "began"):
        _collecting.seconds = getattr(_collecting, "seconds", 0.0) + time.thread_time() - _collecting.began


def _name(callback: Callable[..., Any] | None) -> str:
    """What ran: of a task its coroutine, with the route if it serves a request."""
    task = getattr(callback, "__self__", None)
    if not isinstance(task, asyncio.Task):
        return repr(callback)
    coroutine: Any = task.get_coro()
    where: list[str] = []
    while coroutine is not None and len(where) < 40:
        where.append(getattr(coroutine, "__qualname__", repr(coroutine)))
        coroutine = getattr(coroutine, "cr_await", None)
    return " > ".join([task.get_name(), *where])


def take_findings() -> list[str]:
    """What was found since the last call."""
    found = _found.copy()
    _found.clear()
    return found
