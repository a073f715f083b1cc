"""Programs as a terminal starts them."""

import sys

# `nohup` ignores SIGHUP, and a shell ignores SIGINT for its background jobs. Children inherit both, also from pytest.
_RESTORE_SIGNALS = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def python(*arguments: str) -> list[str]:
    """The command line of a Python program that reacts to signals as it does in a terminal."""
    return [sys.executable, "-c", _RESTORE_SIGNALS, *arguments]
