"""What a reader process gives up before it reads a byte of the part. The service never imports this, nor Polars.

Linux keeps all limits. macOS does not keep the one on memory: there the service watches (see `watch`). On Linux, for
x86-64 and aarch64, system calls are forbidden as well (see `system_calls`). Elsewhere a reader that a file has taken
over could send signals to processes of the same account, and delete files by their names (see SECURITY.md).
"""

import resource

import polars as pl

from service.sandbox.limits import allow_cpu
from service.sandbox.system_calls import forbid_system_calls


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
    forbid_system_calls()
