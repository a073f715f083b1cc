"""Works take turns."""

from collections import Counter
from itertools import count

from benchmarks.measuring import interleaved, seconds


def test_works_take_turns_and_each_is_first_once() -> None:
    order: list[str] = []
    works = {name: (lambda name=name: order.append(name)) for name in "abc"}
    interleaved(works, 3)
    assert order == list("abc" + "bca" + "cab")


def test_every_figure_stays_with_its_work() -> None:
    numbers = count()
    taken = interleaved({"even": lambda: next(numbers) * 2, "odd": lambda: -1}, 4)
    assert Counter(taken["odd"]) == {-1: 4}
    assert sorted(taken["even"]) == [0, 2, 4, 6]


def test_time_is_that_of_the_wall_clock() -> None:
    assert 0 <= seconds(lambda: None) < 1
