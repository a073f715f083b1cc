"""How much is tried: in `make test` each kind at least once, in `make soak` (`LONG=1`) every combination."""

import os
from collections.abc import Sequence
from typing import TypeVar

_LONG = "LONG" in os.environ
Kind = TypeVar("Kind")


def examples(short: int, long: int) -> int:
    """How many examples a property is tried with in this run."""
    return long if _LONG else short


def in_turn(kinds: Sequence[Kind], turn: int, short: int = 1) -> list[Kind]:
    """The kinds to try at this turn: all of them in a long run, else `short` of them, and the next turn others."""
    if _LONG:
        return list(kinds)
    return [kinds[(turn * short + place) % len(kinds)] for place in range(min(short, len(kinds)))]
