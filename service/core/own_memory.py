"""Keeps the memory of this process from other processes of the same account (prctl(2), PR_SET_DUMPABLE; Linux)."""

import ctypes
import sys
from typing import Final

_SET_DUMPABLE: Final = 4


def keep_memory_private() -> None:
    """Let only root trace this process, read its memory or environment, or have its core dumped.

    A process that holds the master secret calls this first: a reader process that a file has taken over runs under the
    same account. What this process executes is not affected, and protects itself. Elsewhere this does nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
