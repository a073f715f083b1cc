"""The provenance graph: who collected numbers, which datasets they passed through, and who received them. Pure.

Its nodes are datasets, never numbers. Edges run with the data, from a dataset to those that are derived from it or made
from it by a transfer. The graph has no cycle: rows that would make one are refused.

Each state keeps the edges in its facts, so that the next state shares all that did not change. A network is made of the
part that a question is about. Only this module uses NetworkX.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import networkx as nx

from service.core.erasures import NO_ERASURES, Erasures, held_at
from service.core.vocabulary import Content, DatasetState
from service.membership.descent.dependents import dependents_of
from service.provenance.graph.difference import Touched
from service.provenance.graph.edited import Edited
from service.provenance.graph.fact_index import NO_FACTS, FactIndex, is_held, made_at
from service.provenance.graph.rows import ParentRow

# The key of an edge that is not a transfer.
_DERIVED: Final = "derived"

Rank = tuple[int, datetime, int]
"""The longest way of a dataset from one without parents, when it was recorded, and its id as a number."""


class CycleError(ValueError):
    """Rows that would make a dataset an ancestor of itself."""


@dataclass(frozen=True, slots=True)
class Graph:
    """One state of the graph, which never changes.

    `rank` puts every dataset after those that it comes from. `datasets_of_transfer` are the two datasets of each
    transfer. `holding_cache` keeps, by dataset, the datasets that hold whatever is stored in it, once that was asked.
    """

    version: int
    facts: FactIndex
    rank: Mapping[uuid.UUID, Rank]
    datasets_of_transfer: Mapping[uuid.UUID, frozenset[uuid.UUID]]
    holding_cache: dict[uuid.UUID, frozenset[uuid.UUID]] = field(default_factory=dict, compare=False)

    def place(self, dataset_id: uuid.UUID) -> tuple[datetime, int]:
        """The place of a dataset in what is shown: when it was recorded.

        Its rank counts steps that the reader may not see. An order by rank would show whether there are any.
        """
        _, recorded_at, number = self.rank[dataset_id]
        return recorded_at, number


NO_GRAPH: Final = Graph(0, NO_FACTS, {}, {})


class Hop(NamedTuple):
    """A step from one dataset to the next: by a transfer, or without one by the holder's own derivation."""

    parent_id: uuid.UUID
    transfer_id: uuid.UUID | None
    dataset_id: uuid.UUID


def next_graph(graph: Graph, version: int, facts: FactIndex, touched: Touched) -> tuple[Graph, frozenset[uuid.UUID]]:
    """The graph of `facts`, given the graph before and what changed since; and the datasets whose rank changed.

    Raises:
        CycleError: the rows make a dataset its own ancestor.
    """
    rank = Edited(graph.rank)
    changed = touched["datasets"] | touched["parents_of_dataset"]
    found = _ranks(facts, changed, graph.rank)
    if any(dataset_id in graph.rank and graph.rank[dataset_id] != found.get(dataset_id) for dataset_id in changed):
        # A dataset got or lost an ancestor after it was recorded, which is rare. Its descendants' ranks follow.
        changed = frozenset({*facts.datasets, *graph.rank})
        found = _ranks(facts, changed, {})
    rank.put_all(changed, found)
    pairs = Edited(graph.datasets_of_transfer)
    pairs.put_all(touched["transfers"], _datasets_of_transfers(facts, touched["transfers"]))
    return Graph(version, facts, rank.current, pairs.current), frozenset(rank.changed)


def _ranks(
    facts: FactIndex, dataset_ids: Collection[uuid.UUID], known: Mapping[uuid.UUID, Rank]
) -> dict[uuid.UUID, Rank]:
    """The ranks of some datasets, given those of all their other ancestors."""
    network = nx.DiGraph()
    network.add_nodes_from(dataset_id for dataset_id in dataset_ids if dataset_id in facts.datasets)
    network.add_edges_from(
        (edge.parent_id, dataset_id)
        for dataset_id in list(network)
        for edge in facts.parents_of_dataset.get(dataset_id, ())
    )
    found: dict[uuid.UUID, Rank] = {}
    try:
        for dataset_id in nx.topological_sort(network):
            if dataset_id in dataset_ids:
                above = [found.get(parent_id) or known[parent_id] for parent_id in network.pred[dataset_id]]
                row = facts.datasets[dataset_id]
                found[row.id] = 1 + max((rank[0] for rank in above), default=-1), row.recorded_at, row.id.int
    except nx.NetworkXUnfeasible:
        raise CycleError("the rows make a dataset its own ancestor") from None
    return found


def _datasets_of_transfers(
    facts: FactIndex, transfer_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    rows = [facts.transfers[transfer_id] for transfer_id in transfer_ids if transfer_id in facts.transfers]
    return {
        # The ids of the indexed rows, so that set operations compare objects by identity.
        row.id: frozenset({facts.datasets[row.dataset_id].id, facts.datasets[row.received_dataset_id].id})
        for row in rows
    }


def datasets_holding(graph: Graph, stored: Iterable[uuid.UUID], erasures: Erasures) -> frozenset[uuid.UUID]:
    """Every dataset that holds a number, or held it until one of its `erasures`, given the datasets that store it.

    Those that still hold it are the result without `erasures`. An erased dataset counts also when its stored copy is
    gone. A dataset made from it after the erasure did not get the number that way.
    """
    if not erasures:
        return frozenset().union(*(_datasets_holding_content_of(graph, dataset_id) for dataset_id in stored))
    facts = graph.facts
    found = {facts.datasets[dataset_id].id for dataset_id in erasures if dataset_id in facts.datasets}
    found |= _datasets_with_number(facts, stored, erasures)
    return frozenset(dataset_id for dataset_id in found if is_held(facts, dataset_id))


def datasets_counted(graph: Graph, datasets: frozenset[uuid.UUID], erasures: Erasures) -> frozenset[uuid.UUID]:
    """Those of the `datasets` holding a number, or holding it until its erasure, that count for organisations.

    A withdrawn dataset holds nothing, for all but the persons and the authority. What shared or united its numbers
    holds only what comes from elsewhere.
    """
    facts = graph.facts
    if datasets.isdisjoint(facts.withdrawn):
        return datasets
    counted: set[uuid.UUID] = set()
    for dataset_id in sorted(datasets - facts.withdrawn.keys(), key=graph.rank.__getitem__):
        own = facts.datasets[dataset_id].content == Content.UPLOADED
        if own or any(edge.parent_id in counted for edge in sources(facts, dataset_id, erasures)):
            counted.add(dataset_id)
    return frozenset(counted)


def _datasets_holding_content_of(graph: Graph, dataset_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The datasets that hold whatever is stored in one dataset. Found once for each dataset that is asked about.

    Only an `uploaded` dataset stores numbers; a `shared` or `union` dataset holds what its parents hold. Rows stored
    for any other dataset, as for a received file that is still being compared, do not count.
    """
    if dataset_id not in graph.holding_cache:
        found = _datasets_with_number(graph.facts, [dataset_id], NO_ERASURES)
        graph.holding_cache[dataset_id] = frozenset(holder for holder in found if is_held(graph.facts, holder))
    return graph.holding_cache[dataset_id]


def _datasets_with_number(facts: FactIndex, stored: Iterable[uuid.UUID], erasures: Erasures) -> set[uuid.UUID]:
    """The datasets that store a number, and all that have it from them without a stored copy, held or not."""
    # The ids of the indexed rows, so that set operations compare objects by identity.
    storing = [facts.datasets[dataset_id].id for dataset_id in stored if _stores_numbers(facts, dataset_id)]
    return dependents_of(storing, facts.sharers_of_dataset, erasures)


def _passed_on(facts: FactIndex, edge: ParentRow, erasures: Erasures) -> bool:
    """Whether the parent still had the number when the dataset was made from it.

    A recipient that denied a transfer and then acknowledged it had taken over before what it has erased itself.
    """
    if edge.parent_id not in erasures:
        return True
    made = made_at(facts, edge.dataset_id)
    if edge.transfer_id is not None and edge.dataset_id in erasures:
        made = facts.datasets[edge.dataset_id].recorded_at
    return held_at(erasures, edge.parent_id, made)


def _stores_numbers(facts: FactIndex, dataset_id: uuid.UUID) -> bool:
    dataset = facts.datasets.get(dataset_id)
    return dataset is not None and dataset.content == Content.UPLOADED and dataset.state == DatasetState.SEALED


def orphans(graph: Graph, datasets: Collection[uuid.UUID], erasures: Erasures) -> frozenset[uuid.UUID]:
    """Those of the `datasets` holding a number to which no path of them leads from a collected dataset.

    An erased dataset still leads on to what was made from it before.
    """
    with_origin: set[uuid.UUID] = set()
    for dataset_id in sorted(datasets, key=graph.rank.__getitem__):
        edges = sources(graph.facts, dataset_id, erasures)
        if graph.facts.datasets[dataset_id].collection_id or any(edge.parent_id in with_origin for edge in edges):
            with_origin.add(dataset_id)
    return frozenset(datasets) - with_origin


def sources(facts: FactIndex, dataset_id: uuid.UUID, erasures: Erasures) -> list[ParentRow]:
    """The edges by which a number may have come into a dataset."""
    return [edge for edge in facts.parents_of_dataset.get(dataset_id, ()) if _passed_on(facts, edge, erasures)]


def datasets_within_reach(
    graph: Graph,
    start: uuid.UUID,
    among: Collection[uuid.UUID],
    passed_on: Callable[[Hop], bool],
    *,
    upstream: bool,
) -> tuple[Mapping[uuid.UUID, int], frozenset[Hop]]:
    """The datasets `among` to which hops lead from `start`, with their distances, and the hops between.

    Only hops that `passed_on` numbers are taken.
    """
    network = nx.MultiDiGraph()
    network.add_node(start)
    network.add_edges_from(
        (hop.parent_id, hop.dataset_id, hop.transfer_id or _DERIVED)
        for dataset_id in among
        for hop in _hops_into(graph.facts, dataset_id)
        if hop.parent_id in among and passed_on(hop)
    )
    searched = nx.reverse_view(network) if upstream else network
    distances = dict(nx.single_source_shortest_path_length(searched, start))
    edges = network.subgraph(distances).edges(keys=True)
    return distances, frozenset(
        Hop(parent_id, None if key == _DERIVED else key, dataset_id) for parent_id, dataset_id, key in edges
    )


def _hops_into(facts: FactIndex, dataset_id: uuid.UUID) -> Iterator[Hop]:
    edges = facts.parents_of_dataset.get(dataset_id, ())
    return (Hop(edge.parent_id, edge.transfer_id, edge.dataset_id) for edge in edges)
