"""How many examples a property is tried with: some in `make test`, many in `make soak`."""

import os

_LONG = "LONG" in os.environ


def examples(short: int, long: int) -> int:
    """The number for this run."""
    return long if _LONG else short
