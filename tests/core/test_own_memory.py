"""That other processes of the account cannot read a process that holds the master secret."""

import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes
from service.core.own_memory import keep_memory_private
before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
keep_memory_private()
print(before, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this protection")
def test_keep_memory_private_lets_no_process_trace_this_one() -> None:
    run = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True, text=True)
    assert run.stdout.split() == ["1", "0"]
