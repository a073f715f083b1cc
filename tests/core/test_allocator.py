"""What is freed stays with the process, which spares the system's work on its pages."""

import ctypes
import subprocess
import sys

import pytest

ROUNDS = """
import resource
import numpy as np
from service.core.allocator import keep_freed_memory

{}
def make_and_free():
    for size in range(100_000, 300_000, 10_000):
        arrays = [np.ones(size) for _ in range(5)]

make_and_free()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
make_and_free()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(first: str) -> int:
    done = subprocess.run([sys.executable, "-c", ROUNDS.format(first)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only the GNU C library has mallopt")
def test_memory_that_is_freed_is_not_asked_for_again() -> None:
    assert faults("keep_freed_memory()") * 10 < faults("")
