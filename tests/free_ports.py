"""Ports for programs that a test starts: chosen now, and used when the program gets so far."""

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import cycle
from random import SystemRandom
from typing import Final

# Systems give ports from 32768 on to whoever connects. One from below is still free when the program listens on it.
_PORTS: Final = range(20_000, 32_768)


def share_of_ports(environment: Mapping[str, str]) -> Sequence[int]:
    """The ports of one process of a test run, which no other process of this run has."""
    worker = environment.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return _PORTS[int(worker) :: int(environment.get("PYTEST_XDIST_WORKER_COUNT", "1"))]


# A port still looks free until its program listens, which takes Kannel seconds. So a port comes again only after all
# others of this process.
_SHARE: Final = share_of_ports(os.environ)
_next: Final = cycle(SystemRandom().sample(_SHARE, len(_SHARE)))


def free_ports(count: int) -> list[int]:
    """Different ports of this machine that nobody listens on, and that no test was given lately."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            probe = stack.enter_context(socket.socket())
            with suppress(OSError):
                probe.bind(("127.0.0.1", next(_next)))
                found.append(probe.getsockname()[1])
    return found


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    return free_ports(1)[0]
