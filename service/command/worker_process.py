"""The worker that `serve` runs beside the API: a process of its own, so that what it computes holds up no answer."""

import logging
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Final

from service.core.supervision import STEADY_SECONDS, pause_after
from service.core.worker import stop_seconds

log = logging.getLogger(__name__)

DSN: Final = "_FILIATION_DSN"
"""The variable in which `serve` gives its processes the address of the database that it has started or migrated."""

# The bound of a worker's stop, and the end of its interpreter.
_STOP_SECONDS: Final = stop_seconds() + 0.5
# Until its first sign of life: a machine that starts much at once is slow.
_START_SECONDS: Final = 120.0
# It yields the processor to whoever answers somebody. Where nobody asks anything, it is as fast as ever.
_NICENESS: Final = 10


@contextmanager
def worker_beside(dsn: str, silent_seconds: float) -> Iterator[None]:
    """A worker on this database for the block. If it ends, another one starts after growing pauses.

    One that gives no sign of life for `silent_seconds` seconds is killed.
    """
    supervisor = _Supervisor(dsn, silent_seconds)
    try:
        yield
    finally:
        supervisor.end()


class _Supervisor:
    """A thread that starts the worker's process, and starts it again until it is to end."""

    def __init__(self, dsn: str, silent_seconds: float) -> None:
        self._dsn, self._silent_seconds = dsn, silent_seconds
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="worker-process", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop the worker, with the patience that its jobs deserve, and wait until its process has ended."""
        with self._changing:
            self._ended.set()
            process = self._process
        if process is not None and process.stdin is not None:
            # Its end of the pipe tells the worker to stop, on every system, and also if this process is killed.
            process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            process.kill()
        self._thread.join()

    def _run(self) -> None:
        ends = 0
        while not self._ended.wait(pause_after(ends) if ends else 0):
            began = monotonic()
            with self._changing:
                if self._ended.is_set():
                    return
                self._process = _start(self._dsn)
            status = self._wait_for(self._process)
            if self._ended.is_set():
                return
            ends = 1 if monotonic() - began >= STEADY_SECONDS else ends + 1
            log.error("The worker's process ended with status %d. It starts again, after growing pauses.", status)

    def _wait_for(self, process: "subprocess.Popen[bytes]") -> int:
        """Wait until the worker has ended, and end it if it hangs. Its signs of life come over its standard output."""
        assert process.stdout is not None
        # Time counts in looks of this thread. A while in which this process was stopped is not the worker's fault.
        silent, patience = 0.0, max(_START_SECONDS, self._silent_seconds)
        with process.stdout as signs:
            while silent < patience:
                if not select.select([signs], [], [], _LOOK_SECONDS)[0]:
                    silent += _LOOK_SECONDS
                elif os.read(signs.fileno(), _MOST_SIGNS):
                    silent, patience = 0.0, self._silent_seconds
                else:
                    break
        with suppress(subprocess.TimeoutExpired):
            return process.wait(0 if silent else self._silent_seconds)
        log.error("The worker's process gives no sign of life, and is killed.")
        process.kill()
        return process.wait()


_LOOK_SECONDS: Final = 1.0
_MOST_SIGNS: Final = 4096


def _start(dsn: str) -> "subprocess.Popen[bytes]":
    # A group of its own: Ctrl-C in a terminal is for `serve`, which then stops the worker in its turn.
    group = None if sys.platform == "win32" else 0
    command, environment = [sys.executable, "-m", "service", "worker"], os.environ | {DSN: dsn}
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=group
    )


SIGNS_OF_LIFE: Final = 1
"""The descriptor over which a worker that `serve` has started gives its signs of life: its standard output."""


def given_dsn() -> str | None:
    """The address that `serve` gave to this process, if `serve` has started it."""
    return os.environ.get(DSN)


def stop_with_parent(stop: Callable[[], object]) -> None:
    """Yield to the processes that answer requests, and call `stop` from a thread when `serve` ends."""
    with suppress(AttributeError, OSError):
        os.nice(_NICENESS)
    threading.Thread(target=_wait_for_end, args=(stop,), name="parent", daemon=True).start()


def _wait_for_end(stop: Callable[[], object]) -> None:
    # Not by `sys.stdin`: an interpreter that ends while a thread reads from that dies of it.
    os.read(0, 1)
    stop()
