"""The processor time of a reader process, which it limits for itself and which the service watches."""

import resource
from typing import Final

CPU_SECONDS: Final = 10
"""Seconds of processor time for any part, and beside them as many as `CPU_SECONDS_PER_MIB` for each MiB of it."""
CPU_SECONDS_PER_MIB: Final = 3
# However large a part may be, its reader ends after this.
_MOST_CPU_SECONDS = 4 * 3600
_MIB = 1 << 20


def allow_cpu(size: int) -> None:
    """Allow the processor time of a part of so many bytes. The system ends a process that takes more, by SIGXCPU."""
    seconds = CPU_SECONDS + CPU_SECONDS_PER_MIB * size // _MIB
    resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, _MOST_CPU_SECONDS), _MOST_CPU_SECONDS))
