"""How figures are taken: works in turn, several rounds, medians."""

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)
Measured = TypeVar("Measured")


def interleaved(works: Mapping[Name, Callable[[], Measured]], rounds: int) -> dict[Name, list[Measured]]:
    """What each of `works` gives, `rounds` times.

    They take turns, and begin with another one in each round: whatever else the machine does, and whatever one leaves
    behind for the next (dirty pages, a checkpoint), meets all of them alike.
    """
    names = list(works)
    taken: dict[Name, list[Measured]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            taken[name].append(works[name]())
    return taken


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes by the wall clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
