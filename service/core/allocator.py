"""What the C library does with memory that is freed."""

import ctypes
from functools import cache

# malloc.h of the GNU C library; others have no such function, or heed it not.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 64 << 20
_LARGE_BYTES = 8 << 20


@cache
def keep_freed_memory() -> None:
    """Let each thread's heap keep up to 64 MiB that are freed, instead of giving them back at once; for the process.

    Arrays of some hundred kilobytes come and go with every piece of a file and every shard of a dataset. By default the
    library returns such memory to the system when it is freed and asks for it again right after, and the system's work
    on the pages took as long as all the reading. Memory above 8 MiB in one stretch is still given back at once.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
