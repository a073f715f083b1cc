"""The sizes of extracts from a base."""

import pytest

from benchmarks.extracts import extract_sizes


def test_extract_sizes_grow_from_thirty_thousand_to_a_third_of_the_base() -> None:
    for base in (300_000, 2_900_000, 29_000_000):
        sizes = extract_sizes(base)
        assert len(sizes) == 20
        assert sizes == sorted(sizes)
        assert sizes[0] == 30_000
        assert sizes[-1] == pytest.approx(base * 10 / 29, abs=1)
