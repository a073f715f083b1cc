"""From the graph to wire shapes: the lineage of a dataset, the impact of a notice. Pure."""

import uuid
from collections.abc import Mapping

from service.access.visibility import Visibility
from service.core.vocabulary import Content
from service.provenance.answer.references import CampaignRef
from service.provenance.answer.views import dataset_ref, organisation
from service.provenance.graph.facts import Records
from service.provenance.graph.graph import Graph, Hop
from service.provenance.graph.rows import DatasetRow, FactRow, NoticeRow
from service.provenance.lineage.lineage import Group, Lineage, campaigns_of, clients_of, passed
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


def lineage_view(graph: Graph, seen: Visibility, start: uuid.UUID, found: Lineage) -> LineageOut:
    """The lineage of `start`."""
    records = graph.records
    in_order = sorted(found.distances, key=lambda one: (found.distances[one], graph.rank[one]))
    return LineageOut(
        graph_version=graph.version,
        dataset_id=start,
        nodes=[_node(records, seen, start, one, found.distances[one]) for one in in_order],
        edges=[_edge(records, hop) for hop in sorted(found.hops, key=lambda hop: _place(graph, hop))],
    )


def _place(graph: Graph, hop: Hop) -> tuple[int, int]:
    return graph.rank[hop.parent_id], graph.rank[hop.dataset_id]


def _node(records: Records, seen: Visibility, start: uuid.UUID, dataset_id: uuid.UUID, distance: int) -> LineageNode:
    row = records.datasets[dataset_id]
    whole = dataset_id in seen.datasets
    ends = (dataset_id, start) if distance < 0 else (start, dataset_id)
    return LineageNode(
        dataset=dataset_ref(records, seen, dataset_id),
        distance=distance,
        content=Content(row.content) if whole else None,
        number_count=row.number_count if whole else None,
        common_count=passed(records, *ends),
        collected=_collected(records, row),
    )


def _collected(records: Records, row: DatasetRow) -> CollectedUnder | None:
    if row.collection_id is None:
        return None
    notice = records.notices[records.collections[row.collection_id].notice_id]
    return CollectedUnder(collection_id=row.collection_id, notice_id=notice.id, notice_code=notice.code)


def _edge(records: Records, hop: Hop) -> LineageEdge:
    transfer = records.transfers[hop.transfer_id] if hop.transfer_id else None
    fact: FactRow = transfer or records.datasets[hop.dataset_id]
    return LineageEdge(
        kind="transfer" if transfer else "derivation",
        from_dataset_id=hop.parent_id,
        to_dataset_id=hop.dataset_id,
        transfer_id=hop.transfer_id,
        status=records.status_of_transfer[transfer.id] if transfer else None,
        occurred_at=fact.occurred_at,
        number_count=passed(records, hop.parent_id, hop.dataset_id),
    )


def impact_view(
    graph: Graph,
    seen: Visibility,
    notice: NoticeRow,
    counts: Mapping[uuid.UUID, int],
    distinct: Mapping[Group, int],
) -> ImpactOut:
    """Whom a notice reached, given its numbers in each dataset and in each group of datasets."""
    records = graph.records
    return ImpactOut(
        graph_version=graph.version,
        notice_id=notice.id,
        notice_code=notice.code,
        collector=organisation(records, notice.collector_id),
        whole=seen.whole,
        datasets=[_reached(records, seen, one, counts[one]) for one in sorted(counts, key=graph.rank.__getitem__)],
        clients=[
            ReachedClient(
                organisation=organisation(records, party), dataset_ids=list(group), number_count=distinct[group]
            )
            for party, group in clients_of(records, counts).items()
        ],
        campaigns=[
            ReachedCampaign(
                campaign=CampaignRef(id=campaign, name=records.campaigns[campaign].name),
                party=organisation(records, records.campaigns[campaign].party_id),
                dataset_ids=list(group),
                number_count=distinct[group],
            )
            for campaign, group in campaigns_of(records, seen.campaigns, counts).items()
        ],
    )


def _reached(records: Records, seen: Visibility, dataset_id: uuid.UUID, count: int) -> ReachedDataset:
    transfer = records.transfer_into_dataset.get(dataset_id)
    return ReachedDataset(
        dataset=dataset_ref(records, seen, dataset_id),
        transfer_id=transfer.id if transfer else None,
        number_count=count,
    )
