"""Work in steps that take turns: what it returns and raises, and how many of its steps others have to wait for."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from service.core.turns import in_a_hurry, step_by_step

STEPS, WORKS = 20, 10


async def in_steps(count: int, done: list[None]) -> int:
    for _ in range(count):
        done.append(None)
        await asyncio.sleep(0)
    return count


async def greatest_count_between_two_rounds(works: list[Coroutine[Any, Any, int]], done: list[None]) -> int:
    """How many steps of `works` are done, at most, between two resumptions of a task that waits for no turns."""
    running = [asyncio.create_task(work) for work in works]
    counts, before = [0], 0
    while not all(task.done() for task in running):
        await asyncio.sleep(0)
        counts.append(len(done) - before)
        before = len(done)
    assert [task.result() for task in running] == [STEPS] * WORKS
    return max(counts)


def test_step_of_one_work_is_done_in_a_round_however_many_are_running() -> None:
    async def run() -> None:
        done: list[None] = []
        stepping = [step_by_step(in_steps(STEPS, done)) for _ in range(WORKS)]
        assert await greatest_count_between_two_rounds([awaited(work) for work in stepping], done) == 1
        assert len(done) == STEPS * WORKS
        done.clear()
        # Without turns, a step of each.
        assert await greatest_count_between_two_rounds([in_steps(STEPS, done) for _ in range(WORKS)], done) == WORKS

    asyncio.run(run())


async def awaited(work: Any) -> Any:
    return await work


def test_work_in_a_hurry_waits_for_no_turn() -> None:
    async def hurried(done: list[None]) -> int:
        with in_a_hurry():
            return await in_steps(STEPS, done)

    async def run() -> None:
        done: list[None] = []
        works = [awaited(step_by_step(hurried(done))) for _ in range(WORKS)]
        # The first step of each has a turn of its own; the others come as they are ready.
        assert await greatest_count_between_two_rounds(works, done) > 1

    asyncio.run(run())


def test_work_sees_results_and_failures_of_what_it_awaits() -> None:
    async def work(awaited_future: asyncio.Future[int]) -> str:
        try:
            return f"got {await awaited_future}"
        except ValueError as problem:
            return f"caught {problem}"

    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("lost")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        good, bad = loop.create_future(), loop.create_future()
        loop.call_soon(good.set_result, 3)
        loop.call_soon(bad.set_exception, ValueError("bad"))
        assert await step_by_step(work(good)) == "got 3"
        assert await step_by_step(work(bad)) == "caught bad"
        with pytest.raises(KeyError, match="lost"):
            await step_by_step(fail())

    asyncio.run(run())


@pytest.mark.parametrize("rounds", range(6))
def test_work_that_is_cancelled_cleans_up_and_gives_its_turn_to_others(rounds: int) -> None:
    async def work(ended: list[str], name: str) -> None:
        try:
            for _ in range(STEPS):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append(f"{name} cancelled")
            raise
        ended.append(name)

    async def run() -> None:
        ended: list[str] = []
        names = [f"work {number}" for number in range(3)]
        running = [asyncio.create_task(awaited(step_by_step(work(ended, name)))) for name in names]
        # Its first steps have begun, so that it can clean up, whatever it waits for by now.
        for _ in range(4 + rounds):
            await asyncio.sleep(0)
        running[1].cancel()
        await asyncio.wait(running, timeout=5)
        assert all(task.done() for task in running)
        assert sorted(ended) == ["work 0", "work 1 cancelled", "work 2"]
        assert running[1].cancelled()

    asyncio.run(run())


def test_timeout_ends_work_that_waits() -> None:
    async def run() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await step_by_step(asyncio.sleep(60))

    asyncio.run(run())
