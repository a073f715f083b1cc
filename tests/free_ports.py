"""Ports for programs that a test starts: chosen now, and used when the program gets so far."""

import socket
from contextlib import ExitStack, suppress
from random import SystemRandom
from typing import Final

# Systems give ports from 32768 on to whoever connects. One from below is still free when the program listens on it.
_PORTS: Final = range(20_000, 32_768)
_chosen = SystemRandom()


def free_ports(count: int) -> list[int]:
    """Different ports of this machine that nobody listens on."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            probe = stack.enter_context(socket.socket())
            with suppress(OSError):
                probe.bind(("127.0.0.1", _chosen.choice(_PORTS)))
                found.append(probe.getsockname()[1])
    return found


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    return free_ports(1)[0]
