"""Tasks that take turns."""

import time
from collections import Counter
from itertools import count

import pytest

from benchmarks.timing import elapsed_seconds, run_in_turn


def test_run_in_turn_begins_each_round_with_another_task() -> None:
    order: list[str] = []
    tasks = {name: (lambda name=name: order.append(name)) for name in "abc"}
    run_in_turn(tasks, 3)
    assert order == list("abc" + "bca" + "cab")


def test_run_in_turn_returns_each_figure_under_its_task() -> None:
    numbers = count()
    figures = run_in_turn({"even": lambda: next(numbers) * 2, "odd": lambda: -1}, 4)
    assert Counter(figures["odd"]) == {-1: 4}
    assert sorted(figures["even"]) == [0, 2, 4, 6]


def test_elapsed_seconds_is_the_difference_of_two_clock_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([100.0, 102.5])
    monkeypatch.setattr(time, "perf_counter", lambda: next(readings))
    assert elapsed_seconds(lambda: None) == 2.5
