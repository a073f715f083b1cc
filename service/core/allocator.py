"""What the C library does with freed memory."""

import ctypes
from functools import cache

# From malloc.h of the GNU C library. Other libraries lack the function or ignore these parameters.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 64 << 20
_LARGE_BYTES = 8 << 20


@cache
def keep_freed_memory() -> None:
    """Let each heap of this process keep up to 64 MiB of freed memory instead of returning it to the system.

    Reading a file or a shard allocates and frees arrays of some hundred kilobytes over and over. By default the library
    returns that memory to the system and requests it again right after. The system's work on those pages took as long
    as all the reading. A single allocation above 8 MiB is still returned at once.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
