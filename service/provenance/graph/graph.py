"""The provenance graph: who collected, through whose hands, to whom. Pure; the only place of NetworkX.

Nodes are organisations, collections, datasets and campaigns, never numbers, by their ids. Edges run with the data:
collection to dataset, dataset to dataset, dataset to campaign; each of these points to the organisations that answer
for it, which are sinks. A transfer is an edge between two datasets, whose key is its id. So the whole has no cycle,
and one that rows would make is refused.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final, NamedTuple

import networkx as nx

from service.core.erasures import NO_ERASURES, Erasures, held_at
from service.core.vocabulary import Content, DatasetState
from service.provenance.graph.facts import FactIndex, is_held, made_at
from service.provenance.graph.rows import ParentRow

# A number may have passed through merged bases again and again, and simple paths multiply at each merger.
MOST_CHAINS: Final = 200


class Relation(StrEnum):
    """The key of an edge that is no transfer. The party of a campaign may be its sender too: hence keys."""

    COLLECTED = "collected"
    DERIVED = "derived"
    USED = "used"
    COLLECTOR = "collector"
    HOLDER = "holder"
    PARTY = "party"
    SENDER = "sender"


class CycleError(ValueError):
    """Rows that would make a dataset an ancestor of itself."""


@dataclass(frozen=True, slots=True)
class Graph:
    """One state of the graph, never changed. `rank` puts every dataset after those that it comes from.

    `ends` are the two datasets of each transfer; `held_with` is what has been found out so far of which datasets hold
    all that is stored in one.
    """

    version: int
    facts: FactIndex
    network: nx.MultiDiGraph
    rank: Mapping[uuid.UUID, int]
    ends: Mapping[uuid.UUID, frozenset[uuid.UUID]]
    held_with: dict[uuid.UUID, frozenset[uuid.UUID]] = field(default_factory=dict)


class Hop(NamedTuple):
    """From one dataset to the next, by a transfer or, without one, by the holder's own work."""

    parent_id: uuid.UUID
    transfer_id: uuid.UUID | None
    dataset_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Chain:
    """A path of datasets that all hold the number, from its head on; an orphan head was never collected."""

    head_id: uuid.UUID
    orphan: bool
    hops: tuple[Hop, ...]


def build_graph(version: int, facts: FactIndex) -> Graph:
    """The graph of `facts`.

    Raises:
        CycleError: a dataset would be its own ancestor.
    """
    network = nx.MultiDiGraph()
    network.add_edges_from(_edges(facts))
    network.add_nodes_from(facts.organisations)
    network.add_nodes_from(facts.datasets)
    try:
        rank = {node: place for place, node in enumerate(nx.topological_sort(network))}
    except nx.NetworkXUnfeasible:
        raise CycleError("a dataset would be its own ancestor") from None
    return Graph(version, facts, nx.freeze(network), rank, _ends(facts))


def _edges(facts: FactIndex) -> Iterator[tuple[uuid.UUID, uuid.UUID, uuid.UUID | Relation]]:
    for collection_id, collection in facts.collections.items():
        yield collection_id, collection.collector_id, Relation.COLLECTOR
    for dataset in facts.datasets.values():
        yield dataset.id, dataset.holder_id, Relation.HOLDER
        if dataset.collection_id is not None:
            yield dataset.collection_id, dataset.id, Relation.COLLECTED
        for edge in facts.parents_of_dataset.get(dataset.id, ()):
            yield edge.parent_id, dataset.id, edge.transfer_id or Relation.DERIVED
        for campaign_id in facts.campaigns_of_dataset.get(dataset.id, ()):
            yield dataset.id, campaign_id, Relation.USED
    for campaign in facts.campaigns.values():
        yield campaign.id, campaign.party_id, Relation.PARTY
        if campaign.sender_id is not None:
            yield campaign.id, campaign.sender_id, Relation.SENDER


def _ends(facts: FactIndex) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    ends = ((row.id, (row.dataset_id, row.received_dataset_id)) for row in facts.transfers.values())
    return {transfer: frozenset(facts.datasets[one].id for one in both) for transfer, both in ends}


def _hop(parent: uuid.UUID, dataset: uuid.UUID, key: uuid.UUID | Relation) -> Hop:
    return Hop(parent, None if isinstance(key, Relation) else key, dataset)


def datasets_holding(graph: Graph, stored: Iterable[uuid.UUID], erasures: Erasures) -> frozenset[uuid.UUID]:
    """Every dataset that holds a number, or held it until one of its `erasures`, given the datasets that store it.

    Those that still hold it are the result without `erasures`. An erased dataset counts also when its stored copy is
    gone. A dataset made from it after the erasure did not get the number that way.
    """
    if not erasures:
        return frozenset().union(*(_held_with(graph, dataset) for dataset in stored))
    facts = graph.facts
    found = {facts.datasets[one].id for one in erasures if one in facts.datasets}
    found |= _drawing(facts, stored, erasures)
    return frozenset(one for one in found if is_held(facts, one))


def _held_with(graph: Graph, dataset_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The datasets that hold whatever is stored in one. Found out once for each that is asked about.

    A dataset stores numbers only if it is `uploaded`; a `shared` or `union` one holds what its parents hold.
    Rows stored for any other dataset (a received file that is still being compared) do not count.
    """
    if dataset_id not in graph.held_with:
        found = _drawing(graph.facts, [dataset_id], NO_ERASURES)
        graph.held_with[dataset_id] = frozenset(one for one in found if is_held(graph.facts, one))
    return graph.held_with[dataset_id]


def _drawing(facts: FactIndex, stored: Iterable[uuid.UUID], erasures: Erasures) -> set[uuid.UUID]:
    """The datasets that store a number, and all that share it with them, held or not."""
    found: set[uuid.UUID] = set()
    waiting = [one for one in stored if _stores(facts, one)]
    while waiting:
        dataset = facts.datasets[waiting.pop()]
        if dataset.id not in found:
            # The id of the record, always: to compare one object with itself takes no look at what it consists of.
            found.add(dataset.id)
            edges = [edge for edge in facts.children_of_dataset.get(dataset.id, ()) if _carried(facts, edge, erasures)]
            children = (edge.dataset_id for edge in edges)
            waiting += (one for one in children if facts.datasets[one].content != Content.UPLOADED)
    return found


def _carried(facts: FactIndex, edge: ParentRow, erasures: Erasures) -> bool:
    """Whether the parent had the number when the dataset was made of it."""
    return edge.parent_id not in erasures or held_at(erasures, edge.parent_id, made_at(facts, edge.dataset_id))


def _stores(facts: FactIndex, dataset_id: uuid.UUID) -> bool:
    dataset = facts.datasets.get(dataset_id)
    return dataset is not None and dataset.content == Content.UPLOADED and dataset.state == DatasetState.SEALED


def orphans(graph: Graph, holders: Collection[uuid.UUID], erasures: Erasures) -> frozenset[uuid.UUID]:
    """Those of `holders` to which no path of `holders` leads from a collected dataset.

    A holder that was erased from since leads on to whatever was made of it before.
    """
    known: set[uuid.UUID] = set()
    for dataset in sorted(holders, key=graph.rank.__getitem__):
        parents = sources(graph.facts, dataset, erasures)
        if graph.facts.datasets[dataset].collection_id or any(edge.parent_id in known for edge in parents):
            known.add(dataset)
    return frozenset(holders) - known


def sources(facts: FactIndex, dataset_id: uuid.UUID, erasures: Erasures) -> list[ParentRow]:
    """The edges by which a dataset may have come by a number."""
    return [edge for edge in facts.parents_of_dataset.get(dataset_id, ()) if _carried(facts, edge, erasures)]


def chains(
    graph: Graph, holders: Collection[uuid.UUID], erasures: Erasures, most: int = MOST_CHAINS
) -> tuple[list[Chain], bool]:
    """Every path through `holders` from a head to a last one, and whether there were more than `most`.

    Heads are the collected datasets and, orphans, those that none of `holders` is a parent of; the last ones
    are no parent of any. Hops that no number could take any more, because it was `erasures` before, are none.
    """
    onward = _onward(graph, holders, erasures)
    into = {hop.dataset_id for hops in onward.values() for hop in hops}
    found: list[Chain] = []
    for head in onward:
        collected = graph.facts.datasets[head].collection_id is not None
        if collected or head not in into:
            paths = islice(_paths(onward, head), most + 1 - len(found))
            found += (Chain(head, not collected, path) for path in paths)
    return found[:most], len(found) > most


def _onward(graph: Graph, holders: Collection[uuid.UUID], erasures: Erasures) -> dict[uuid.UUID, list[Hop]]:
    """The hops between `holders`, by the dataset that they set out from; all in order."""
    onward: dict[uuid.UUID, list[Hop]] = {one: [] for one in sorted(holders, key=graph.rank.__getitem__)}
    for dataset in onward:
        for edge in sources(graph.facts, dataset, erasures):
            if edge.parent_id in onward:
                onward[edge.parent_id].append(Hop(edge.parent_id, edge.transfer_id, dataset))
    return onward


def _paths(onward: Mapping[uuid.UUID, Sequence[Hop]], head: uuid.UUID) -> Iterator[tuple[Hop, ...]]:
    """Every path from `head` to where nothing leads on. There is no cycle, so that none has to be watched for."""
    waiting: list[tuple[uuid.UUID, tuple[Hop, ...]]] = [(head, ())]
    while waiting:
        place, path = waiting.pop()
        hops = onward[place]
        if not hops:
            yield path
        waiting += ((hop.dataset_id, (*path, hop)) for hop in reversed(hops))


def within_reach(
    graph: Graph,
    start: uuid.UUID,
    depth: int,
    among: Collection[uuid.UUID],
    carried: Callable[[Hop], bool],
    *,
    upstream: bool,
) -> tuple[Mapping[uuid.UUID, int], frozenset[Hop]]:
    """The datasets `among` some that at most `depth` hops lead to from `start`, how many, and the hops between them.

    Only hops that `carried` numbers are taken.
    """
    kept = nx.subgraph_view(
        graph.network, filter_node=among.__contains__, filter_edge=lambda *edge: carried(_hop(*edge))
    )
    searched = nx.reverse_view(kept) if upstream else kept
    distances = dict(nx.single_source_shortest_path_length(searched, start, cutoff=depth))
    return distances, frozenset(_hop(*edge) for edge in kept.subgraph(distances).edges(keys=True))
