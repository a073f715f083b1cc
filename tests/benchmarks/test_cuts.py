"""Sizes of the datasets that are cut from a base."""

import pytest

from benchmarks.cuts import cut_sizes
from benchmarks.peers.lineage import EDGES, LAST, reached


@pytest.mark.parametrize("base", [300_000, 2_900_000, 29_000_000])
def test_cuts_grow_from_thirty_thousand_to_a_third(base: int) -> None:
    sizes = cut_sizes(base)
    assert len(sizes) == 20
    assert sizes == sorted(sizes)
    assert sizes[0] == 30_000
    assert sizes[-1] == pytest.approx(base * 10 / 29, abs=1)


def test_lineage_follows_what_is_there_and_nothing_else() -> None:
    assert reached(EDGES) == frozenset(range(LAST + 1))
    assert reached([]) == {LAST}
    assert reached([(LAST, LAST - 2), (LAST - 2, LAST - 4), (LAST - 1, LAST - 3)]) == {LAST, LAST - 2, LAST - 4}
