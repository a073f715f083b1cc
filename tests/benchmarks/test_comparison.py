"""Ratios and targets."""

from benchmarks.comparison import Comparison, Target


def compared(product: float, yardstick: float | None, target: Target | None) -> Comparison:
    return Comparison("P1", "something; something else", product, yardstick, "ms", target)


def test_met_compares_the_ratio_or_the_figure_with_the_bound() -> None:
    cases: list[tuple[float, float | None, Target | None, bool | None]] = [
        (30.0, 10.0, Target("≥", 3), True),
        (29.0, 10.0, Target("≥", 3), False),
        (40.0, 10.0, Target("≤", 4), True),
        (41.0, 10.0, Target("≤", 4), False),
        (20.0, None, Target("≤", 20, "ms"), True),
        (20.1, None, Target("≤", 20, "ms"), False),
        # A target on the product's own figure has nothing to do with the ratio.
        (17.0, 93.0, Target("≤", 18, "bytes"), True),
        (30.0, None, Target("≥", 3), None),
        (30.0, 10.0, None, None),
    ]
    failures = [case for case in cases if compared(*case[:3]).met is not case[3]]
    assert failures == []


def test_ratio_is_the_product_divided_by_the_yardstick() -> None:
    assert compared(15.0, 10.0, None).ratio == 1.5
    assert compared(15.0, None, None).ratio is None


def test_target_as_text_has_its_direction_bound_and_unit() -> None:
    assert str(Target("≥", 0.45)) == "≥ 0.45×"
    assert str(Target("≥", 2_000_000, "numbers/s")) == "≥ 2,000,000 numbers/s"


def test_comparison_as_json_has_the_keys_of_results_json() -> None:
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
