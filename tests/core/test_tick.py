"""Responses at full ticks."""

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from service.core.tick import TICK_SECONDS, next_tick, wait_for_tick


@given(began=st.integers(0, 10**6), elapsed=st.integers(0, 10**4), length=st.integers(1, 10**3))
def test_next_tick_is_the_first_multiple_after_a_moment(began: int, elapsed: int, length: int) -> None:
    due = next_tick(began, began + elapsed, length)
    assert (due - began) % length == 0
    assert began + elapsed < due <= began + elapsed + length


def test_wait_for_tick_ends_after_the_tick_and_lets_others_run() -> None:
    async def wait() -> tuple[float, list[str]]:
        began, order = time.monotonic(), list[str]()

        async def other() -> None:
            order.append("other")

        beside = asyncio.create_task(other())
        await wait_for_tick(began)
        order.append("waited")
        await beside
        return time.monotonic() - began, order

    elapsed, order = asyncio.run(wait())
    assert elapsed >= TICK_SECONDS
    assert order == ["other", "waited"]
