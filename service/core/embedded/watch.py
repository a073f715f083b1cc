"""Starts the embedded server again if it ends while the service uses it: killed, or out of disk space."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from service.core.embedded.cluster import Postmaster
from service.core.embedded.programs import EmbeddedUnavailable

log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class Watch:
    """A thread that looks after a server until it is ended.

    `is_alive` says whether a server still runs, and `start` starts it again under the same address, or finds the one
    that another process has started.
    """

    def __init__(
        self, server: Postmaster, is_alive: Callable[[Postmaster], bool], start: Callable[[], Postmaster]
    ) -> None:
        self._server, self._is_alive, self._start = server, is_alive, start
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="embedded-watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop watching. A start that is on its way is waited for."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._ended.wait(_pause_after(failures)):
            if self._is_alive(self._server):
                continue
            if not failures:
                log.error("The database's server has ended. It is started again.")
            try:
                self._server = self._start()
            except (EmbeddedUnavailable, OSError) as problem:
                if not failures:
                    log.error("%s It is tried again, after growing pauses.", problem)
                failures += 1
            else:
                log.info("The database's server runs again.")
                failures = 0


def _pause_after(failures: int) -> float:
    return float(min(_POLL_SECONDS * 2 ** min(failures, 10), _LONGEST_PAUSE))
