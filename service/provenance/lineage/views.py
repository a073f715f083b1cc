"""From the graph to wire shapes: the lineage of a dataset and the impact of a notice. Pure."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from service.access.visibility import Visibility
from service.core.paging import cut, malformed_cursor
from service.provenance.answer.campaign_views import campaign_ref
from service.provenance.answer.dataset_refs import dataset_ref
from service.provenance.answer.shared import organisations_named
from service.provenance.answer.views import organisation_view
from service.provenance.graph.fact_index import FactIndex, denial_of
from service.provenance.graph.graph import Graph, Hop
from service.provenance.graph.rows import DatasetRow, FactRow, NoticeRow
from service.provenance.lineage.schemas import (
    CollectedUnder,
    ImpactOut,
    LineageEdge,
    LineageNode,
    LineageOut,
    ReachedCampaign,
    ReachedClient,
    ReachedDataset,
)
from service.provenance.lineage.walk import (
    DatasetGroup,
    Lineage,
    campaigns_sent_to,
    clients_holding,
    count_from_ancestor,
    number_count,
)


class Place(NamedTuple):
    """Where a dataset stands in a lineage. The ids of datasets are in the order in which these were recorded."""

    distance: int
    dataset_id: uuid.UUID


class PageOf(NamedTuple):
    """Which page of a lineage: at most `limit` datasets after a place."""

    after: Place | None
    limit: int


def lineage_view(
    graph: Graph, visibility: Visibility, start: uuid.UUID, found: Lineage, page_of: PageOf, denied: int | None
) -> LineageOut:
    """A page of the lineage of `start`, with the edges that its datasets complete.

    `denied` is how many numbers of `start` come from collections that their collectors deny.
    """
    after, limit = page_of
    facts = graph.facts
    places = {dataset_id: Place(distance, dataset_id) for dataset_id, distance in found.distances.items()}
    rest = sorted(place for place in places.values() if after is None or place > after)
    page = cut(rest[: limit + 1], limit, lambda place: f"{place.distance}.{place.dataset_id}")
    shown = frozenset(page)
    hops = [hop for hop in found.hops if max(places[hop.parent_id], places[hop.dataset_id]) in shown]
    return LineageOut(
        dataset_id=start,
        nodes=[_node(facts, visibility, start, dataset_id, distance) for distance, dataset_id in page],
        edges=[
            _edge(facts, visibility, hop)
            for hop in sorted(hops, key=lambda hop: (places[hop.parent_id], places[hop.dataset_id]))
        ],
        node_count=len(places),
        edge_count=len(found.hops),
        denied_origin_count=denied,
        truncated_count=found.beyond,
        next=page.next,
    )


def read_place(cursor: str) -> Place:
    """The place in a lineage after which a page begins.

    Raises:
        Unprocessable: no page of a lineage ends with such a cursor.
    """
    distance, _, dataset_id = cursor.partition(".")
    try:
        return Place(int(distance), uuid.UUID(dataset_id))
    except ValueError:
        raise malformed_cursor() from None


def _node(
    facts: FactIndex, visibility: Visibility, start: uuid.UUID, dataset_id: uuid.UUID, distance: int
) -> LineageNode:
    row = facts.datasets[dataset_id]
    whole = dataset_id in visibility.datasets
    upper, lower = (dataset_id, start) if distance < 0 else (start, dataset_id)
    return LineageNode(
        dataset=dataset_ref(facts, visibility, dataset_id),
        distance=distance,
        content=row.content if whole else None,
        number_count=number_count(facts, dataset_id) if whole else None,
        recounting=whole and dataset_id in facts.recounting,
        common_count=_count_shown(facts, visibility, upper, lower),
        collected=_collected(facts, row),
    )


def _count_shown(facts: FactIndex, visibility: Visibility, ancestor_id: uuid.UUID, dataset_id: uuid.UUID) -> int | None:
    """How many numbers of a dataset come from an ancestor, if the dataset is the caller's or came from it in one hop.

    How much others have from each other would tell what else they have.
    """
    return count_from_ancestor(facts, ancestor_id, dataset_id) if are_counts_shown(visibility, dataset_id) else None


def are_counts_shown(visibility: Visibility, dataset_id: uuid.UUID) -> bool:
    """Whether a caller reads how many numbers of a dataset come from where: it is its own, or one hop down."""
    return visibility.whole or dataset_id in visibility.own or dataset_id in visibility.bare


def _collected(facts: FactIndex, row: DatasetRow) -> CollectedUnder | None:
    if row.collection_id is None:
        return None
    collection = facts.collections[row.collection_id]
    notice = facts.notices[collection.notice_id]
    denial = denial_of(facts, collection)
    return CollectedUnder(
        collection_id=collection.id,
        notice_id=notice.id,
        notice_code=notice.code,
        denied_at=denial.recorded_at if denial else None,
    )


def _edge(facts: FactIndex, visibility: Visibility, hop: Hop) -> LineageEdge:
    transfer = facts.transfers[hop.transfer_id] if hop.transfer_id else None
    fact: FactRow = transfer or facts.datasets[hop.dataset_id]
    return LineageEdge(
        kind="transfer" if transfer else "derivation",
        from_dataset_id=hop.parent_id,
        to_dataset_id=hop.dataset_id,
        transfer_id=hop.transfer_id,
        status=facts.status_of_transfer[transfer.id] if transfer else None,
        occurred_at=fact.occurred_at,
        number_count=_count_shown(facts, visibility, hop.parent_id, hop.dataset_id),
    )


class Reach(NamedTuple):
    """How many numbers of a notice a group of datasets has, and how many of them from collections that are denied."""

    number_count: int | None
    denied_origin_count: int | None


def impact_view(
    graph: Graph,
    visibility: Visibility,
    notice: NoticeRow,
    counts: Mapping[uuid.UUID, int | None],
    distinct: Mapping[DatasetGroup, Reach],
    moment: datetime,
) -> ImpactOut:
    """The impact of a notice, given the counts of its numbers in each dataset and in each group of datasets.

    Campaigns that have not begun at the moment are planned.
    """
    facts = graph.facts
    known = frozenset(facts.organisations) if visibility.whole else frozenset(organisations_named(facts, visibility))
    return ImpactOut(
        notice_id=notice.id,
        notice_code=notice.code,
        collector=organisation_view(facts, known, notice.collector_id),
        whole=visibility.whole,
        datasets=[
            _reached(facts, visibility, dataset_id, distinct[(dataset_id,)])
            for dataset_id in sorted(counts, key=graph.place)
        ],
        clients=[
            ReachedClient(
                organisation=organisation_view(facts, known, party_id),
                dataset_ids=list(group),
                **distinct[group]._asdict(),
            )
            for party_id, group in clients_holding(facts, counts).items()
        ],
        campaigns=[
            ReachedCampaign(
                campaign=campaign_ref(facts, campaign_id, moment),
                party=organisation_view(facts, known, facts.campaigns[campaign_id].party_id),
                dataset_ids=list(group),
                **distinct[group]._asdict(),
            )
            for campaign_id, group in campaigns_sent_to(facts, visibility.campaigns, counts).items()
        ],
    )


def _reached(facts: FactIndex, visibility: Visibility, dataset_id: uuid.UUID, reach: Reach) -> ReachedDataset:
    transfer = facts.transfer_into_dataset.get(dataset_id)
    return ReachedDataset(
        dataset=dataset_ref(facts, visibility, dataset_id),
        transfer_id=transfer.id if transfer else None,
        **reach._asdict(),
    )
