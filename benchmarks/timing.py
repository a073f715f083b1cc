"""How figures are measured: tasks in turn, over several rounds."""

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)
Figure = TypeVar("Figure")


def run_in_turn(tasks: Mapping[Name, Callable[[], Figure]], rounds: int) -> dict[Name, list[Figure]]:
    """The results of each task, `rounds` times.

    Tasks take turns, and each round begins with another task. Other work of the machine, and what one task leaves
    behind for the next (dirty pages, a checkpoint), then affects all of them alike.
    """
    names = list(tasks)
    figures: dict[Name, list[Figure]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            figures[name].append(tasks[name]())
    return figures


def elapsed_seconds(task: Callable[[], object]) -> float:
    """How long a task takes by the wall clock."""
    began = time.perf_counter()
    task()
    return time.perf_counter() - began
