"""Ratios and targets."""

import pytest

from benchmarks.comparison import Comparison, Target


def compared(product: float, yardstick: float | None, target: Target | None) -> Comparison:
    return Comparison("P1", "something; something else", product, yardstick, "ms", target)


@pytest.mark.parametrize(
    ("product", "yardstick", "target", "met"),
    [
        (30.0, 10.0, Target("≥", 3), True),
        (29.0, 10.0, Target("≥", 3), False),
        (40.0, 10.0, Target("≤", 4), True),
        (41.0, 10.0, Target("≤", 4), False),
        (20.0, None, Target("≤", 20, "ms"), True),
        (20.1, None, Target("≤", 20, "ms"), False),
        # A target of the product's own figure has nothing to do with the ratio.
        (17.0, 93.0, Target("≤", 18, "bytes"), True),
        (30.0, None, Target("≥", 3), None),
        (30.0, 10.0, None, None),
    ],
)
def test_a_target_is_met_or_not(product: float, yardstick: float | None, target: Target | None, met: bool) -> None:
    assert compared(product, yardstick, target).met is met


def test_the_ratio_is_the_product_s_figure_in_the_yardstick_s() -> None:
    assert compared(15.0, 10.0, None).ratio == 1.5
    assert compared(15.0, None, None).ratio is None


def test_a_target_reads_as_it_is_said() -> None:
    assert str(Target("≥", 0.45)) == "≥ 0.45×"
    assert str(Target("≥", 2_000_000, "numbers/s")) == "≥ 2,000,000 numbers/s"


def test_a_result_has_the_keys_that_its_readers_expect() -> None:
    assert compared(30.0, 10.0, Target("≥", 3)).as_json() == {
        "id": "P1",
        "work": "something; something else",
        "product": 30.0,
        "yardstick": 10.0,
        "unit": "ms",
        "ratio": 3.0,
        "target": "≥ 3×",
        "met": True,
    }
