"""Work that goes on, again and again, while something else is measured."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any


@contextmanager
def repeated(act: Callable[[], Any], pause: float = 0.0, first_pause: float = 0.0) -> Iterator[Sequence[None]]:
    """During the block, `act` is done again and again, with pauses in seconds. The list grows each time.

    A failure is raised at the end of the block.
    """
    ended, times = Event(), list[None]()

    def repeat() -> None:
        ended.wait(first_pause)
        while not ended.is_set():
            act()
            times.append(None)
            ended.wait(pause)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(repeat)
        try:
            yield times
        finally:
            ended.set()
        running.result()


@contextmanager
def all_repeated(acts: Sequence[Callable[[], Any]], pause: float = 0.0) -> Iterator[Sequence[Sequence[None]]]:
    """During the block, all `acts` are done again and again, side by side. They begin in turn within a pause."""
    with ExitStack() as stack:
        yield [stack.enter_context(repeated(act, pause, pause * place / len(acts))) for place, act in enumerate(acts)]
