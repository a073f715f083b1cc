"""The limits of a reader process, which it sets for itself before it reads a byte of the part.

Linux keeps all of them. macOS does not keep the one on memory: there the service watches (see `watch`). Nothing in
Python's library forbids single system calls (as seccomp does), so a reader that a file has taken over could still send
signals to processes of the same account.
"""

import resource
from typing import Final

import polars as pl

CPU_SECONDS: Final = 10
"""Seconds of processor time for any part, and beside them as many as `CPU_SECONDS_PER_MIB` for each MiB of it."""
CPU_SECONDS_PER_MIB: Final = 3
# However large a part may be, its reader ends after this.
_MOST_CPU_SECONDS = 4 * 3600
_MIB = 1 << 20


def close_the_door(memory_bytes: int) -> None:
    """Give up what a reader of bytes does not need: files, sockets, programs, core dumps, and more memory than this.

    Open descriptors stay usable, no further one can be opened. Polars needs some for the machinery that it starts at
    its first use, so it is used once before.
    """
    pl.read_csv(b"a\n1\n")
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    allow_cpu(0)


def allow_cpu(size: int) -> None:
    """Allow the processor time of a part of so many bytes. The system ends a process that takes more, by SIGXCPU."""
    seconds = CPU_SECONDS + CPU_SECONDS_PER_MIB * size // _MIB
    resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, _MOST_CPU_SECONDS), _MOST_CPU_SECONDS))
