"""Logging of a process to standard error, one line per event. Nothing waits for a reader of the log."""

import asyncio
import logging
import os
import queue
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Final

from service.core.outline import outline

# At INFO these would log what no log should contain: addresses of requests, and every query of the queue.
_WARNINGS_ONLY = ("httpx2", "httpcore2", "procrastinate", "alembic", "uvicorn.access")

# During an outage of the database these would repeat it every second, with tracebacks. `core.supervision` says it once.
_REPORTED_ONCE = ("procrastinate.worker", "procrastinate.utils", "procrastinate.periodic", "psycopg.pool", "psycopg")

_STANDARD_ERROR: Final = 2
_MOST_LINES: Final = 10_000
_LINES_AT_ONCE: Final = 200
# The thread that writes takes the interpreter from requests, which is better done for many lines at once.
_PAUSE_SECONDS: Final = 0.02
_FLUSH_SECONDS: Final = 1.0


def configure() -> None:
    """Log to standard error from INFO on, and libraries that log data only from WARNING on."""
    handler = UnblockedHandler()
    handler.setFormatter(OutlineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _WARNINGS_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _REPORTED_ONCE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)


class OutlineFormatter(logging.Formatter):
    """Writes an exception without its text, which may quote a row or a caller's words."""

    def format(self, record: logging.LogRecord) -> str:
        """A line, and the outline of the exception that belongs to it."""
        # Another handler may have kept the whole text here.
        record.exc_text = None
        return super().format(record)

    def formatException(  # noqa: N802 - the library's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """The outline of an exception."""
        return "" if ei[1] is None else outline(ei[1])


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Whether a line of the server is about something else than one of the requests that its stop interrupted.

    The server says before in one line how many they are.
    """
    return not (record.exc_info and _is_cancellation(record.exc_info[1]))


def _is_cancellation(problem: BaseException | None) -> bool:
    if isinstance(problem, BaseExceptionGroup):
        return all(map(_is_cancellation, problem.exceptions))
    return isinstance(problem, asyncio.CancelledError)


class UnblockedHandler(logging.Handler):
    """Leaves lines to a thread that writes them. While their reader takes none, lines beyond the most are dropped.

    A pipe whose reader has stopped would otherwise stop the event loop at the next line, once it is full.
    """

    def __init__(self, descriptor: int = _STANDARD_ERROR, most: int = _MOST_LINES) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[str] = queue.Queue(most)
        self._dropped = 0
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line until it is written. This never waits."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1
        except Exception:  # noqa: BLE001 - as every handler of the library does
            self.handleError(record)
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="log", daemon=True)
            self._writer.start()

    def flush(self) -> None:
        """Wait until all is written, as long as somebody reads it."""
        end = time.monotonic() + _FLUSH_SECONDS
        while self._lines.unfinished_tasks and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS / 4)

    def _write(self) -> None:
        reported = 0
        while True:
            lines = [self._lines.get()]
            with suppress(queue.Empty):
                while len(lines) < _LINES_AT_ONCE:
                    lines.append(self._lines.get_nowait())
            count, dropped = len(lines), self._dropped - reported
            if dropped:
                reported += dropped
                lines.append(f"{dropped} lines of the log were dropped here, because nobody read them.")
            # Not by `sys.stderr`: an interpreter that ends waits for the lock of that.
            self._write_whole("".join(f"{line}\n" for line in lines).encode(errors="backslashreplace"))
            for _ in range(count):
                self._lines.task_done()
            time.sleep(_PAUSE_SECONDS)

    def _write_whole(self, data: bytes) -> None:
        # Without a reader at all there is nobody to tell.
        with suppress(OSError):
            while data:
                data = data[os.write(self._descriptor, data) :]
