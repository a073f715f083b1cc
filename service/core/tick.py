"""Responses at full ticks: how long a response took does not say how much had to be read for it.

The tick is counted from the beginning of the work, not by the clock. A clock's tick would delay each response by half a
tick on average, and the mean of many would still show the difference.
"""

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

TICK_SECONDS: Final = 0.002
"""A lookup with nothing to show takes a multiple of this."""

# An event loop's own timer counts in whole milliseconds from when it is set, and so keeps the difference. A sleeping
# thread wakes to some microseconds. More lookups at once than threads wait in a queue.
_SLEEPERS: Final = ThreadPoolExecutor(32, thread_name_prefix="tick")


def next_tick(began: float, moment: float, seconds: float) -> float:
    """The first full tick after `moment`, counted from `began`; `seconds` is the length of a tick."""
    return began + seconds * (math.floor((moment - began) / seconds) + 1)


async def wait_for_tick(began: float, seconds: float = TICK_SECONDS) -> None:
    """Wait for the next full tick since `began`, a time of `time.monotonic`. The event loop serves others meanwhile."""
    due = next_tick(began, time.monotonic(), seconds)
    await asyncio.get_running_loop().run_in_executor(_SLEEPERS, _sleep_until, due)


def _sleep_until(due: float) -> None:
    while (left := due - time.monotonic()) > 0:
        time.sleep(left)
