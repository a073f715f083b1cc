"""What a dataset comes from, where it went, whom a notice reached: by counts, not by edges alone. Pure.

A union leads a walker to origins that a cut of it never took a number from. Sealing stores how many numbers
of a dataset come from each ancestor; whatever gave none is left out here.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from service.core.vocabulary import DatasetState, Role
from service.provenance.graph.facts import FactIndex, is_denied, is_held
from service.provenance.graph.graph import Graph, Hop, datasets_within_reach

# Datasets that one client holds or one campaign used, in the order of their ids.
Group = tuple[uuid.UUID, ...]


class Direction(StrEnum):
    """Where to walk from a dataset."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Lineage:
    """The datasets within reach by their distance in hops (negative upstream), and the hops between them."""

    distances: Mapping[uuid.UUID, int]
    hops: frozenset[Hop]


def count_from_ancestor(facts: FactIndex, ancestor_id: uuid.UUID, dataset_id: uuid.UUID) -> int | None:
    """How many numbers of a dataset come from an ancestor; None before sealing, when nobody has counted."""
    dataset = facts.datasets[dataset_id]
    if dataset.state != DatasetState.SEALED:
        return None
    if ancestor_id == dataset_id:
        return dataset.number_count
    return facts.ancestor_counts.get(dataset_id, {}).get(ancestor_id, 0)


def walk_lineage(
    graph: Graph, start: uuid.UUID, direction: Direction, depth: int, visible: Collection[uuid.UUID]
) -> Lineage:
    """The lineage of `start` among `visible`, at most `depth` hops away."""
    distances = {start: 0}
    hops: frozenset[Hop] = frozenset()
    for upstream in _ways(direction):
        among = {start} | {one for one in visible if _in_common(graph.facts, start, one, upstream) != 0}
        carried = partial(_carried, graph.facts)
        reached, crossed = datasets_within_reach(graph, start, depth, among, carried, upstream=upstream)
        distances |= {one: -steps if upstream else steps for one, steps in reached.items()}
        hops |= crossed
    return Lineage(distances, hops)


def _ways(direction: Direction) -> tuple[bool, ...]:
    """Whether to walk upstream: once, the other way, or each."""
    return {Direction.UPSTREAM: (True,), Direction.DOWNSTREAM: (False,), Direction.BOTH: (True, False)}[direction]


def _in_common(facts: FactIndex, start: uuid.UUID, other: uuid.UUID, upstream: bool) -> int | None:
    return count_from_ancestor(facts, other, start) if upstream else count_from_ancestor(facts, start, other)


def _carried(facts: FactIndex, hop: Hop) -> bool:
    return not is_denied(facts, hop.transfer_id) and count_from_ancestor(facts, hop.parent_id, hop.dataset_id) != 0


def datasets_reached(facts: FactIndex, notice_id: uuid.UUID, visible: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Those of the `visible` datasets that hold numbers collected under a notice, and how many each."""
    counts = facts.notice_counts.get(notice_id, {})
    return {one: count for one, count in counts.items() if count and one in visible and is_held(facts, one)}


def clients_holding(facts: FactIndex, datasets: Iterable[uuid.UUID]) -> dict[uuid.UUID, Group]:
    """The parties that hold any of `datasets`, and which."""
    return _groups(
        (facts.datasets[one].holder_id, one)
        for one in datasets
        if Role.PARTY in facts.organisations[facts.datasets[one].holder_id].roles
    )


def campaigns_sent_to(
    facts: FactIndex, campaigns: Collection[uuid.UUID], datasets: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Group]:
    """Those of `campaigns` that were sent to any of `datasets`, and to which."""
    return _groups(
        (campaign, one)
        for one in datasets
        for campaign in facts.campaigns_of_dataset.get(one, ())
        if campaign in campaigns
    )


def _groups(pairs: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> dict[uuid.UUID, Group]:
    groups: dict[uuid.UUID, list[uuid.UUID]] = {}
    for key, dataset in pairs:
        groups.setdefault(key, []).append(dataset)
    return {key: tuple(sorted(datasets)) for key, datasets in groups.items()}
