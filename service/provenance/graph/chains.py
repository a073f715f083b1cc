"""The chains of a number: the paths of datasets that it took, from where it was collected to where it is. Pure."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from service.core.erasures import Erasures
from service.provenance.graph.graph import Graph, Hop, sources

# A number may have passed through unions many times, and the paths multiply at each of them.
MOST_CHAINS: Final = 200


@dataclass(frozen=True, slots=True)
class Chain:
    """A path of datasets that all hold the number, from its head on. An orphan head was not collected."""

    head_id: uuid.UUID
    orphan: bool
    hops: tuple[Hop, ...]


def chains(
    graph: Graph, datasets: Collection[uuid.UUID], erasures: Erasures, most: int = MOST_CHAINS
) -> tuple[list[Chain], bool]:
    """Every path through the `datasets` holding a number, from a head to an end, and whether `most` left any out.

    Heads are the collected datasets and, as orphans, those without a parent among `datasets`. Ends are those without a
    child among them. A hop is left out if the number was erased from its parent before the child was made.

    Where some are left out, each head has a path before any has a second, then each holder, then each hop.
    """
    paths = _Paths(graph, datasets, erasures)
    found = list(islice(paths.all(), most + 1))
    if len(found) <= most:
        return found, False
    return list(islice(paths.most_telling(found), most)), True


class _Paths:
    """The paths through some datasets. The graph has no cycle, so that every path ends."""

    def __init__(self, graph: Graph, datasets: Collection[uuid.UUID], erasures: Erasures) -> None:
        self._facts = graph.facts
        self._from = _hops_by_parent(graph, datasets, erasures)
        self._into: dict[uuid.UUID, list[Hop]] = {dataset_id: [] for dataset_id in self._from}
        for hop in (hop for hops in self._from.values() for hop in hops):
            self._into[hop.dataset_id].append(hop)
        self._heads = [dataset_id for dataset_id in self._from if self._is_head(dataset_id)]

    def all(self) -> Iterator[Chain]:
        """Every path, head by head."""
        for head in self._heads:
            for hops in _paths(self._from, head):
                yield self._chain(head, hops)

    def most_telling(self, others: Sequence[Chain]) -> Iterator[Chain]:
        """One path for each head, holder and hop that no path before it has, then the `others`. None comes twice."""
        told: set[Hop] = set()
        given: dict[Chain, None] = {}
        for wanted in (self._of_heads, self._of_holders, self._of_hops):
            for chain in wanted(told, given):
                told.update(chain.hops)
                if chain not in given:
                    given[chain] = None
                    yield chain
        yield from (chain for chain in others if chain not in given)

    def _of_heads(self, told: set[Hop], given: Collection[Chain]) -> Iterator[Chain]:
        return (self._through(head, told) for head in self._heads)

    def _of_holders(self, told: set[Hop], given: Collection[Chain]) -> Iterator[Chain]:
        named = {self._holder(dataset_id) for chain in given for dataset_id in _datasets_of(chain)}
        for dataset_id in self._from:
            if self._holder(dataset_id) not in named:
                chain = self._through(dataset_id, told)
                named.update(map(self._holder, _datasets_of(chain)))
                yield chain

    def _of_hops(self, told: set[Hop], given: Collection[Chain]) -> Iterator[Chain]:
        for hop in (hop for hops in self._from.values() for hop in hops):
            if hop not in told:
                up, down = self._up(hop.parent_id, told), self._down(hop.dataset_id, told)
                yield self._chain(up[0].parent_id if up else hop.parent_id, (*up, hop, *down))

    def _through(self, dataset_id: uuid.UUID, told: Collection[Hop]) -> Chain:
        """A path through a dataset, by hops that are not `told` yet where there are any."""
        up, down = self._up(dataset_id, told), self._down(dataset_id, told)
        return self._chain(up[0].parent_id if up else dataset_id, (*up, *down))

    def _up(self, dataset_id: uuid.UUID, told: Collection[Hop]) -> list[Hop]:
        """Hops from a head to the dataset. A head is its own."""
        hops: list[Hop] = []
        while not self._is_head(dataset_id):
            hops.append(_first_untold(self._into[dataset_id], told))
            dataset_id = hops[-1].parent_id
        return hops[::-1]

    def _down(self, dataset_id: uuid.UUID, told: Collection[Hop]) -> list[Hop]:
        """Hops from the dataset to an end."""
        hops: list[Hop] = []
        while self._from[dataset_id]:
            hops.append(_first_untold(self._from[dataset_id], told))
            dataset_id = hops[-1].dataset_id
        return hops

    def _chain(self, head: uuid.UUID, hops: tuple[Hop, ...]) -> Chain:
        return Chain(head, not self._is_collected(head), hops)

    def _is_head(self, dataset_id: uuid.UUID) -> bool:
        return self._is_collected(dataset_id) or not self._into[dataset_id]

    def _is_collected(self, dataset_id: uuid.UUID) -> bool:
        return self._facts.datasets[dataset_id].collection_id is not None

    def _holder(self, dataset_id: uuid.UUID) -> uuid.UUID:
        return self._facts.datasets[dataset_id].holder_id


def _datasets_of(chain: Chain) -> Iterator[uuid.UUID]:
    yield chain.head_id
    yield from (hop.dataset_id for hop in chain.hops)


def _first_untold(hops: Sequence[Hop], told: Collection[Hop]) -> Hop:
    return next((hop for hop in hops if hop not in told), hops[0])


def _hops_by_parent(graph: Graph, datasets: Collection[uuid.UUID], erasures: Erasures) -> dict[uuid.UUID, list[Hop]]:
    """The hops between `datasets`, by the dataset that they start from, in the order in which these were recorded."""
    hops_from: dict[uuid.UUID, list[Hop]] = {dataset_id: [] for dataset_id in sorted(datasets, key=graph.place)}
    for dataset_id in hops_from:
        for edge in sources(graph.facts, dataset_id, erasures):
            if edge.parent_id in hops_from:
                hops_from[edge.parent_id].append(Hop(edge.parent_id, edge.transfer_id, dataset_id))
    return hops_from


def _paths(hops_from: Mapping[uuid.UUID, Sequence[Hop]], head: uuid.UUID) -> Iterator[tuple[Hop, ...]]:
    """Every path from `head` to a dataset that no hop leaves."""
    waiting: list[tuple[uuid.UUID, tuple[Hop, ...]]] = [(head, ())]
    while waiting:
        dataset_id, path = waiting.pop()
        hops = hops_from[dataset_id]
        if not hops:
            yield path
        waiting += ((hop.dataset_id, (*path, hop)) for hop in reversed(hops))
