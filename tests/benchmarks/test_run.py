"""A benchmark from its start to its comparisons, at a size that takes seconds."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import p01_ingest, p14_objecting
from benchmarks.scale import SHORT
from benchmarks.service import Service, running_service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service for all benchmarks, because to start it costs as much as they do."""
    with running_service() as running:
        yield running


def test_p1_at_a_small_size_has_four_comparisons_and_a_plot(service: Service) -> None:
    activities: list[str] = []
    result = p01_ingest.measure_on(service, replace(SHORT, rounds=1, ingest_lines=2_000), activities.append)
    assert activities
    assert len(result.comparisons) == 4
    assert all(comparison.product > 0 and comparison.ratio for comparison in result.comparisons)
    (plot,) = result.plots
    assert [numbers for numbers, _ in plot.lines["one upload"]] == [2_000]


def test_p14_at_a_small_size_has_percentiles_medians_and_the_longest_wait(service: Service) -> None:
    scale = replace(SHORT, answer_memberships=8_000, concurrent_seconds=0.5)
    *times, longest = p14_objecting.measure_on(service, scale, lambda _activity: None).comparisons
    for percentile, median in (times[:2], times[2:]):
        assert percentile.product >= median.product > 0
        assert (percentile.yardstick or 0) > 0
    assert len(times) == 4
    assert longest.product >= 0
