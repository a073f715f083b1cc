"""Lineage of a dataset and impact of a notice, by counts of numbers and not by edges alone. Pure.

A path through a union leads to origins from which a selection of it may have taken no number. Sealing stores how many
numbers of a dataset come from each ancestor. Ancestors that gave none are left out here.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from service.core.vocabulary import Content, DatasetState, Role
from service.provenance.graph.fact_index import FactIndex, carries, denial_of, is_held, notice_of
from service.provenance.graph.graph import Graph, Hop, datasets_within_reach

# Datasets that one client holds or one campaign used, in the order of their ids.
DatasetGroup = tuple[uuid.UUID, ...]


class Direction(StrEnum):
    """Which way to follow the edges from a dataset."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    BOTH = "both"


# Whether to follow the edges upstream, for each walk of a direction.
_UPSTREAM: Final[dict[Direction, tuple[bool, ...]]] = {
    Direction.UPSTREAM: (True,),
    Direction.DOWNSTREAM: (False,),
    Direction.BOTH: (True, False),
}


@dataclass(frozen=True, slots=True)
class Lineage:
    """Datasets by their distance in hops, negative upstream, and the hops between them.

    `beyond` is how many datasets are further away than was asked for.
    """

    distances: Mapping[uuid.UUID, int]
    hops: frozenset[Hop]
    beyond: int


def count_from_ancestor(facts: FactIndex, ancestor_id: uuid.UUID, dataset_id: uuid.UUID) -> int | None:
    """How many numbers of a dataset come from an ancestor. None while that is being counted."""
    return None if dataset_id in facts.recounting else _last_count(facts, ancestor_id, dataset_id)


def number_count(facts: FactIndex, dataset_id: uuid.UUID) -> int | None:
    """How many numbers a dataset has. None before sealing, and while what it shares is being counted."""
    dataset = facts.datasets[dataset_id]
    return None if dataset_id in facts.recounting and dataset.content != Content.UPLOADED else dataset.number_count


def _last_count(facts: FactIndex, ancestor_id: uuid.UUID, dataset_id: uuid.UUID) -> int | None:
    """The same, as last counted. None before sealing, which counts it for the first time."""
    dataset = facts.datasets[dataset_id]
    if dataset.state != DatasetState.SEALED:
        return None
    if ancestor_id == dataset_id:
        return dataset.number_count
    return facts.ancestor_counts.get(dataset_id, {}).get(ancestor_id, 0)


def walk_lineage(
    graph: Graph, start: uuid.UUID, direction: Direction, depth: int | None, visible: Collection[uuid.UUID]
) -> Lineage:
    """The lineage of `start` among the `visible` datasets, at most `depth` hops away if that is given."""
    distances = {start: 0}
    hops: frozenset[Hop] = frozenset()
    beyond = 0
    passed_on = partial(_passed_on, graph.facts)
    for upstream in _UPSTREAM[direction]:
        among = {start} | {other for other in visible if _common_count(graph.facts, start, other, upstream) != 0}
        reached, crossed = datasets_within_reach(graph, start, among, passed_on, upstream=upstream)
        near = {dataset_id for dataset_id, steps in reached.items() if depth is None or steps <= depth}
        distances |= {dataset_id: -reached[dataset_id] if upstream else reached[dataset_id] for dataset_id in near}
        hops |= {hop for hop in crossed if hop.parent_id in near and hop.dataset_id in near}
        beyond += len(reached) - len(near)
    return Lineage(distances, hops, beyond)


def _common_count(facts: FactIndex, start: uuid.UUID, other: uuid.UUID, upstream: bool) -> int | None:
    return _last_count(facts, other, start) if upstream else _last_count(facts, start, other)


def _passed_on(facts: FactIndex, hop: Hop) -> bool:
    return carries(facts, hop.parent_id, hop.transfer_id) and _last_count(facts, hop.parent_id, hop.dataset_id) != 0


def datasets_reached(
    facts: FactIndex, first_id: uuid.UUID, visible: Collection[uuid.UUID]
) -> dict[uuid.UUID, int | None]:
    """The `visible` datasets that hold numbers collected under a notice, with how many each holds.

    `first_id` is the notice with which its corrections began. A count is None while it is being made. Then whether the
    dataset holds any follows from what its numbers came from.
    """
    counts: dict[uuid.UUID, int | None] = dict(facts.notice_counts.get(first_id, {}))
    for dataset_id in facts.recounting:
        came_from = (dataset_id, *facts.ancestor_counts.get(dataset_id, ()))
        reached = any(is_collected_under(facts, each, first_id) for each in came_from)
        counts[dataset_id] = None if reached else 0
    # In the order of their ids, so that whatever is listed from them has one order.
    return {
        dataset_id: count
        for dataset_id, count in sorted(counts.items(), key=lambda item: item[0].int)
        if count != 0 and dataset_id in visible and is_held(facts, dataset_id) and dataset_id not in facts.withdrawn
    }


def denied_among(facts: FactIndex, dataset_ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Those of some datasets that were collected, as another organisation than their collector says, who denies it."""
    collections = ((id_, facts.datasets[id_].collection_id) for id_ in dataset_ids)
    return [
        id_
        for id_, collection_id in collections
        if collection_id and denial_of(facts, facts.collections[collection_id])
    ]


def is_collected_under(facts: FactIndex, dataset_id: uuid.UUID, first_id: uuid.UUID) -> bool:
    """Whether a dataset was collected under a notice, by the notice with which its corrections began."""
    collected = facts.datasets[dataset_id].collection_id is not None
    return collected and notice_of(facts, dataset_id).first_id == first_id


def clients_holding(facts: FactIndex, datasets: Iterable[uuid.UUID]) -> dict[uuid.UUID, DatasetGroup]:
    """The parties that hold any of `datasets`, with those that they hold."""
    holders = ((facts.datasets[dataset_id].holder_id, dataset_id) for dataset_id in datasets)
    return _groups(
        (holder_id, dataset_id)
        for holder_id, dataset_id in holders
        if Role.PARTY in facts.organisations[holder_id].roles
    )


def campaigns_sent_to(
    facts: FactIndex, campaigns: Collection[uuid.UUID], datasets: Iterable[uuid.UUID]
) -> dict[uuid.UUID, DatasetGroup]:
    """Those of `campaigns` that were sent to any of `datasets`, with the datasets that they used."""
    return _groups(
        (campaign_id, dataset_id)
        for dataset_id in datasets
        for campaign_id in facts.campaigns_of_dataset.get(dataset_id, ())
        if campaign_id in campaigns
    )


def _groups(pairs: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> dict[uuid.UUID, DatasetGroup]:
    groups: dict[uuid.UUID, list[uuid.UUID]] = {}
    for key, dataset_id in pairs:
        groups.setdefault(key, []).append(dataset_id)
    return {key: tuple(sorted(dataset_ids)) for key, dataset_ids in groups.items()}
