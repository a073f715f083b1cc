"""Work that lasts as long as its process: it is begun again whenever it ends, and it ends when it is to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final

log = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 30.0
"""Work that has lasted this long counts as recovered: the next pause is the shortest again."""

END_SECONDS: Final = 0.75
"""How long a task that is to end is waited for."""

_CANCEL_AGAIN_SECONDS: Final = 0.2


class GivenUp(RuntimeError):
    """Work kept ending for longer than it may."""


def pause_after(ends: int) -> float:
    """How many seconds to wait after that many ends in a row."""
    return float(min(_FIRST_PAUSE * 2 ** min(ends - 1, 10), _LONGEST_PAUSE))


async def keep_running(name: str, work: Callable[[], Awaitable[None]], give_up_after: float | None = None) -> None:
    """Run `work` until this is cancelled. Whenever it ends, for whatever reason, it begins again after a pause.

    The pauses grow up to half a minute. The log has one line when it ends, and one when it has lasted again.

    Raises:
        GivenUp: it has not lasted for `give_up_after` seconds.
    """
    ends, failing_since = 0, 0.0
    while True:
        began = monotonic()
        steady = asyncio.get_running_loop().call_later(STEADY_SECONDS, _report_steady, name) if ends else None
        try:
            await work()
            reason = "it returned"
        except asyncio.CancelledError:
            reason = "it was interrupted"
        except Exception as problem:  # noqa: BLE001 - whatever it was, the work begins again
            reason = type(problem).__name__
        finally:
            if steady is not None:
                steady.cancel()
        _raise_if_cancelled()
        if monotonic() - began >= STEADY_SECONDS:
            ends = 0
        if not ends:
            failing_since = monotonic()
            log.error("The %s ended: %s. It starts again, after growing pauses.", name, reason)
        ends += 1
        if give_up_after is not None and monotonic() - failing_since >= give_up_after:
            raise GivenUp(f"The {name} does not run: {reason}.")
        await asyncio.sleep(pause_after(ends))


async def end(*tasks: asyncio.Task[Any], within: float = END_SECONDS) -> list[asyncio.Task[Any]]:
    """Cancel tasks until they have ended, and return those that have not `within` so many seconds.

    A cancellation can be lost: psycopg's pool, for example, forgets it if it gets a connection at the same moment. A
    task that loops would then go on for ever, and so would a caller that waits for it. So tasks are cancelled again and
    again, and those that do not end even so are abandoned: nothing waits for them any more, and the log names them.
    """
    deadline, running = monotonic() + within, set(tasks)
    while running and (left := deadline - monotonic()) > 0:
        for running_task in running:
            running_task.cancel()
        _, running = await asyncio.wait(running, timeout=min(_CANCEL_AGAIN_SECONDS, left))
    for each in tasks:
        each.add_done_callback(_read_end)
    for abandoned in running:
        log.error("%s did not end when it was to, and is abandoned.", abandoned.get_name())
    return list(running)


def _read_end(ended: asyncio.Task[Any]) -> None:
    """Read what the end of a task raised. It is of no interest, since the task was to end."""
    if not ended.cancelled():
        ended.exception()


def _report_steady(name: str) -> None:
    log.info("The %s is running again.", name)


def _raise_if_cancelled() -> None:
    """Raise a cancellation that the work turned into another end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
