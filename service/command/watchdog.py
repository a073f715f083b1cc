"""Signs of life of a process: whoever supervises it sees that it hangs, and it ends itself if its event loop does.

A process that is stopped by a signal, or hangs outside of Python, runs no thread either. So its supervisor hears its
signs of life over a pipe, and a health check sees them at a file. A thread of the process itself is enough for one
whose event loop waits for something.
"""

import asyncio
import faulthandler
import logging
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from service.core.errors import ConfigurationError

log = logging.getLogger(__name__)

HUNG_STATUS: Final = 70
"""The exit status of a process whose event loop hung (`EX_SOFTWARE` of sysexits.h)."""

_LAST_WORDS_SECONDS: Final = 2.0


@asynccontextmanager
async def signs_of_life(
    silent_seconds: float, pipe: int | None = None, file: Path | None = None
) -> AsyncIterator[None]:
    """Give signs of life during the block, also over `pipe` and by touching `file` if these are given.

    The process ends with `HUNG_STATUS` if its event loop runs nothing for `silent_seconds` seconds.

    Raises:
        ConfigurationError: the file cannot be touched.
    """
    try:
        _touch(file)
    except OSError as problem:
        raise ConfigurationError(
            f"The file in FILIATION_WORKER_LIFE_PATH cannot be written: {problem.strerror}. Check its folder."
        ) from None
    life = _Life(silent_seconds, pipe, file)
    threading.Thread(target=life.watch, name="watchdog", daemon=True).start()
    beating = asyncio.create_task(life.beat())
    try:
        yield
    finally:
        life.is_over.set()
        beating.cancel()


def _touch(file: Path | None) -> None:
    if file is not None:
        file.touch()


class _Life:
    """What the event loop and the thread that watches it share."""

    def __init__(self, silent_seconds: float, pipe: int | None, file: Path | None) -> None:
        self._silent_seconds, self._pipe, self._file = silent_seconds, pipe, file
        self._step = min(1.0, silent_seconds / 4)
        self._beats = 0
        self.is_over = threading.Event()
        if pipe is not None:
            os.set_blocking(pipe, False)

    async def beat(self) -> None:
        """Show again and again that the event loop runs."""
        while True:
            self._beats += 1
            if self._pipe is not None:
                # A supervisor that does not read, or has gone, is no reason to end.
                with suppress(OSError):
                    os.write(self._pipe, b".")
            # A full disk is no reason to end either.
            with suppress(OSError):
                _touch(self._file)
            await asyncio.sleep(self._step)

    def watch(self) -> None:
        """End the process if the event loop hangs.

        Time counts in steps of this thread: one in which the whole process was stopped is not the event loop's fault.
        """
        seen, missed = self._beats, 0.0
        while not self.is_over.wait(self._step):
            missed = missed + self._step if self._beats == seen else 0.0
            seen = self._beats
            if missed >= self._silent_seconds:
                self._end()

    def _end(self) -> None:
        # Writing may hang too.
        threading.Thread(target=_exit_soon, name="last words", daemon=True).start()
        log.critical(
            "The event loop has hung for %.0f seconds. The process ends, to be started again.", self._silent_seconds
        )
        logging.shutdown()
        # Places in the program only, and no values.
        faulthandler.dump_traceback()
        os._exit(HUNG_STATUS)


def _exit_soon() -> None:
    time.sleep(_LAST_WORDS_SECONDS)
    os._exit(HUNG_STATUS)
