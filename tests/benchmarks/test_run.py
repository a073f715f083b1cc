"""A benchmark from its start to its comparisons, at a size that takes seconds."""

from dataclasses import replace

from benchmarks import p01_ingest
from benchmarks.scale import SHORT


def test_p1_at_a_small_size_has_four_comparisons_and_a_plot() -> None:
    activities: list[str] = []
    result = p01_ingest.measure(replace(SHORT, rounds=1, ingest_lines=2_000), activities.append)
    assert activities
    assert len(result.comparisons) == 4
    assert all(comparison.product > 0 and comparison.ratio for comparison in result.comparisons)
    (plot,) = result.plots
    assert [numbers for numbers, _ in plot.lines["one upload"]] == [2_000]
