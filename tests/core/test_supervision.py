"""Work that is to last: it begins again whenever it ends, and the log says so once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from service.core import supervision
from service.core.supervision import GivenUp, keep_running, pause_after


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested is not how long the pauses are."""
    monkeypatch.setattr(supervision, "pause_after", lambda _ends: 0.0)


def supervised(work: Callable[[int], Awaitable[None]], give_up_after: float | None = None) -> int:
    """How often `work` began until it waited and was cancelled, or until it was given up."""
    begun = 0

    async def begin() -> None:
        nonlocal begun
        begun += 1
        await work(begun)
        if begun == 5:
            waiting.set()
            await asyncio.sleep(3600)

    async def run() -> None:
        keeping = asyncio.create_task(keep_running("worker", begin, give_up_after))
        arriving = asyncio.create_task(waiting.wait())
        await asyncio.wait([keeping, arriving], return_when=asyncio.FIRST_COMPLETED)
        keeping.cancel()
        try:
            await keeping
        except asyncio.CancelledError:
            return

    waiting = asyncio.Event()
    asyncio.run(run())
    return begun


async def returns(_begun: int) -> None:
    return


async def fails(_begun: int) -> None:
    if _begun < 5:
        raise OSError("the text may quote data")


async def is_interrupted(begun: int) -> None:
    if begun < 5:
        raise asyncio.CancelledError


@pytest.mark.parametrize("work", [returns, fails, is_interrupted])
def test_work_that_ends_begins_again_and_is_logged_once(
    caplog: pytest.LogCaptureFixture, work: Callable[[int], Awaitable[None]]
) -> None:
    with caplog.at_level(logging.INFO, "service"):
        assert supervised(work) == 5
    (line,) = [record.message for record in caplog.records if record.name == "service.core.supervision"]
    assert line.startswith("The worker ended: ")
    assert "quote" not in line


def test_work_that_never_lasts_is_given_up() -> None:
    with pytest.raises(GivenUp, match="The worker does not run: OSError"):
        supervised(fails, give_up_after=0.0)


def test_pauses_grow_up_to_half_a_minute() -> None:
    pauses = [pause_after(ends) for ends in range(1, 20)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.5, 30.0)
