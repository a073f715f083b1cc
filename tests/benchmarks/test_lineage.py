"""The lineage that the peers are asked for."""

from benchmarks.peers.lineage import EDGES, LAST, reachable


def test_reachable_follows_the_given_edges_from_the_last_dataset() -> None:
    assert reachable(EDGES) == frozenset(range(LAST + 1))
    assert reachable([]) == {LAST}
    assert reachable([(LAST, LAST - 2), (LAST - 2, LAST - 4), (LAST - 1, LAST - 3)]) == {LAST, LAST - 2, LAST - 4}
