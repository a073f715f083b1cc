"""A benchmark from its start to its table, at a size that takes seconds."""

from dataclasses import replace

from benchmarks import p01_ingest
from benchmarks.scale import SHORT


def test_registering_is_measured() -> None:
    told: list[str] = []
    measured = p01_ingest.measure(replace(SHORT, rounds=1, ingest_lines=2_000), told.append)
    assert told
    assert len(measured.comparisons) == 4
    assert all(one.product > 0 and one.ratio for one in measured.comparisons)
    (plot,) = measured.plots
    assert [numbers for numbers, _ in plot.lines["one upload"]] == [2_000]
