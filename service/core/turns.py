"""The order in which the event loop serves requests: short questions first, long work in steps that take turns.

The loop resumes whatever is ready, in the order in which it became ready. A lookup is resumed a dozen times. If thirty
other requests were ready each time, it would wait for a step of each of them a dozen times.
"""

import asyncio
import types
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

Item = TypeVar("Item")
Result = TypeVar("Result")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_ITEMS_IN_A_TURN = 100
_FIRST: Final = "_served_first"


async def in_turns(items: Iterable[Item]) -> AsyncIterator[Item]:
    """The items, with a pause after each hundred. For work of at most 0.1 ms for each: more belongs into a thread."""
    for place, item in enumerate(items, 1):
        yield item
        if place % _ITEMS_IN_A_TURN == 0:
            await asyncio.sleep(0)


def served_first(endpoint: Endpoint) -> Endpoint:
    """Mark a route that answers a short question, for which somebody waits: it does not wait for turns."""
    setattr(endpoint, _FIRST, True)
    return endpoint


def is_served_first(endpoint: Callable[..., Any]) -> bool:
    """Whether a route is marked as one that does not wait for turns."""
    return getattr(endpoint, _FIRST, False)


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """Wait for no turns during the block: for steps that hold something for which those served first may wait."""
    before = _HURRIED.set(True)
    try:
        yield
    finally:
        _HURRIED.reset(before)


_HURRIED: Final = ContextVar("hurried", default=False)


class _Turns:
    """The turns of one event loop: one step in each of its rounds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._taken = False
        self._waiting = deque[asyncio.Future[None]]()

    def take(self) -> asyncio.Future[None] | None:
        """Take this round's turn, or return what is to be awaited for one."""
        if self._taken:
            self._waiting.append(turn := self._loop.create_future())
            return turn
        self._taken = True
        self._loop.call_soon(self._end_round)
        return None

    def _end_round(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._loop.call_soon(self._end_round)
                return
        self._taken = False


_TURNS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns]] = WeakKeyDictionary()


@types.coroutine
def step_by_step(work: Coroutine[Any, Any, Result]) -> Generator[Any, Any, Result]:
    """The result of `work`. Each of its steps, from one await to the next, waits for a turn among all such work."""
    loop = asyncio.get_running_loop()
    turns = _TURNS.get(loop) or _TURNS.setdefault(loop, _Turns(loop))
    resume: Callable[[], Any] = partial(work.send, None)
    while True:
        try:
            if not _HURRIED.get() and (turn := turns.take()) is not None:
                yield from turn
        except BaseException as problem:  # noqa: BLE001 - the work has to see its cancellation
            resume = partial(work.throw, problem)
        try:
            awaited = resume()
        except StopIteration as end:
            result: Result = end.value
            return result
        try:
            resume = partial(work.send, (yield awaited))
        except BaseException as problem:  # noqa: BLE001 - the work has to see its cancellation
            resume = partial(work.throw, problem)
