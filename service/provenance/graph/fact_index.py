"""The recorded facts, indexed by id and by what they belong to, and what follows from several of them. Pure."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from service.core.erasures import NOT_YET
from service.core.vocabulary import Content, DatasetState, TransferStatus
from service.membership.descent.dependents import Sharer, Sharers
from service.provenance.graph.rows import (
    AttestationRow,
    CampaignRow,
    CollectionRow,
    DatasetRow,
    EvidenceRow,
    FactRow,
    NoticeRow,
    OrganisationRow,
    ParentRow,
    PartnerListRow,
    PartnerRow,
    ReleaseRow,
    Rows,
    StatementRow,
    TransferRow,
)
from service.transfer.status import status_of


class _HasId(Protocol):
    @property
    def id(self) -> uuid.UUID: ...


Row = TypeVar("Row")
RowWithId = TypeVar("RowWithId", bound=_HasId)
Grouped = Mapping[uuid.UUID, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class FactIndex:
    """One state of the facts. Each group of facts is in the order of `recorded_at`."""

    organisations: Mapping[uuid.UUID, OrganisationRow]
    notices: Mapping[uuid.UUID, NoticeRow]
    collections: Mapping[uuid.UUID, CollectionRow]
    datasets: Mapping[uuid.UUID, DatasetRow]
    transfers: Mapping[uuid.UUID, TransferRow]
    campaigns: Mapping[uuid.UUID, CampaignRow]
    partner_lists_of_notice: Grouped[PartnerListRow]
    partners_of_list: Grouped[PartnerRow]
    evidence_of_notice: Grouped[EvidenceRow]
    attestations_of_collection: Grouped[AttestationRow]
    statements_of_transfer: Grouped[StatementRow]
    parents_of_dataset: Grouped[ParentRow]
    sharers_of_dataset: Sharers
    transfers_from_dataset: Grouped[TransferRow]
    transfer_into_dataset: Mapping[uuid.UUID, TransferRow]
    releases_of_dataset: Grouped[ReleaseRow]
    campaigns_of_dataset: Grouped[uuid.UUID]
    datasets_of_campaign: Grouped[uuid.UUID]
    status_of_transfer: Mapping[uuid.UUID, TransferStatus]
    ancestor_counts: Mapping[uuid.UUID, Mapping[uuid.UUID, int]]
    notice_counts: Mapping[uuid.UUID, Mapping[uuid.UUID, int]]


def index_facts(rows: Rows) -> FactIndex:
    """Index `rows`, so that nothing has to be searched for again."""
    statements = _grouped(_in_order(rows.statements), lambda row: row.transfer_id)
    campaigns = _uncorrected(rows.campaigns)
    datasets = _by_id(rows.datasets)
    uses = [(row.campaign_id, row.dataset_id) for row in rows.uses if row.campaign_id in campaigns]
    return FactIndex(
        organisations=_by_id(rows.organisations),
        notices=_by_id(rows.notices),
        collections=_as_corrected(rows.collections),
        datasets=datasets,
        transfers=_by_id(rows.transfers),
        campaigns=campaigns,
        partner_lists_of_notice=_grouped(_in_order(rows.partner_lists), lambda row: row.notice_id),
        partners_of_list=_grouped(sorted(rows.partners, key=lambda row: row.position), lambda row: row.partner_list_id),
        evidence_of_notice=_grouped(_in_order(rows.evidence), lambda row: row.notice_id),
        attestations_of_collection=_grouped(_in_order(rows.attestations), lambda row: row.collection_id),
        statements_of_transfer=statements,
        parents_of_dataset=_grouped(rows.parents, lambda row: row.dataset_id),
        sharers_of_dataset=_sharers(rows.parents, datasets),
        transfers_from_dataset=_grouped(_in_order(rows.transfers), lambda row: row.dataset_id),
        transfer_into_dataset={row.received_dataset_id: row for row in rows.transfers},
        releases_of_dataset=_grouped(rows.releases, lambda row: row.dataset_id),
        campaigns_of_dataset=_pairs((dataset, campaign) for campaign, dataset in uses),
        datasets_of_campaign=_pairs(uses),
        status_of_transfer={row.id: status_of(statements.get(row.id, ())) for row in rows.transfers},
        ancestor_counts=_ancestor_counts(rows),
        notice_counts=_notice_counts(rows),
    )


def _sharers(edges: Iterable[ParentRow], datasets: Mapping[uuid.UUID, DatasetRow]) -> Sharers:
    """For each parent the datasets that share its numbers."""
    found: dict[uuid.UUID, list[Sharer]] = defaultdict(list)
    for edge in edges:
        # The ids of the indexed rows, so that set operations compare objects by identity.
        dataset = datasets[edge.dataset_id]
        if dataset.content != Content.UPLOADED:
            found[datasets[edge.parent_id].id].append(Sharer(dataset.id, dataset.made_at or NOT_YET))
    return dict(found)


def _by_id(rows: Iterable[RowWithId]) -> dict[uuid.UUID, RowWithId]:
    return {row.id: row for row in rows}


def _uncorrected(rows: Iterable[CampaignRow]) -> dict[uuid.UUID, CampaignRow]:
    """The campaigns that count. A corrected campaign no longer counts, but keeps its own address in the API."""
    by_id = _by_id(rows)
    corrected = {row.corrects_id for row in by_id.values()}
    return {campaign_id: row for campaign_id, row in by_id.items() if campaign_id not in corrected}


def _as_corrected(rows: Iterable[CollectionRow]) -> dict[uuid.UUID, CollectionRow]:
    """The latest correction of each collection, by the id of every version: datasets keep the id of the first."""
    by_id = _by_id(rows)
    corrections = {row.corrects_id: row for row in by_id.values() if row.corrects_id is not None}
    latest = dict(by_id)
    for collection_id in by_id:
        while (correction := corrections.get(latest[collection_id].id)) is not None:
            latest[collection_id] = correction
    return latest


FactT = TypeVar("FactT", bound=FactRow)


def _in_order(rows: Iterable[FactT]) -> list[FactT]:
    return sorted(rows, key=lambda row: (row.recorded_at, row.id))


def _grouped(rows: Iterable[Row], key: Callable[[Row], uuid.UUID]) -> dict[uuid.UUID, list[Row]]:
    groups: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def _pairs(pairs: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> dict[uuid.UUID, list[uuid.UUID]]:
    groups: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)


def _ancestor_counts(rows: Rows) -> dict[uuid.UUID, dict[uuid.UUID, int]]:
    counts: dict[uuid.UUID, dict[uuid.UUID, int]] = defaultdict(dict)
    for row in rows.ancestor_counts:
        counts[row.dataset_id][row.ancestor_id] = row.number_count
    return dict(counts)


def _notice_counts(rows: Rows) -> dict[uuid.UUID, dict[uuid.UUID, int]]:
    counts: dict[uuid.UUID, dict[uuid.UUID, int]] = defaultdict(dict)
    for row in rows.notice_counts:
        counts[row.notice_id][row.dataset_id] = row.number_count
    return dict(counts)


def is_denied(facts: FactIndex, transfer_id: uuid.UUID | None) -> bool:
    """Whether there is a transfer and its recipient denies that it took place."""
    return transfer_id is not None and facts.status_of_transfer[transfer_id] is TransferStatus.DENIED


def is_held(facts: FactIndex, dataset_id: uuid.UUID) -> bool:
    """Whether a dataset's numbers count as held: it is sealed, and no transfer made it that its recipient denies."""
    transfer = facts.transfer_into_dataset.get(dataset_id)
    sealed = facts.datasets[dataset_id].state == DatasetState.SEALED
    return sealed and not is_denied(facts, transfer.id if transfer else None)


def made_at(facts: FactIndex, dataset_id: uuid.UUID) -> datetime:
    """When a dataset took over the numbers of its parents; `NOT_YET` until it is sealed."""
    return facts.datasets[dataset_id].made_at or NOT_YET


def notice_of(facts: FactIndex, dataset_id: uuid.UUID) -> NoticeRow:
    """The notice of a collected dataset, by the latest correction of its collection."""
    collection_id = facts.datasets[dataset_id].collection_id
    assert collection_id is not None
    return facts.notices[facts.collections[collection_id].notice_id]


def attestation_of(facts: FactIndex, collection: CollectionRow) -> FactRow | None:
    """The fact by which a collector confirms a collection: its own registration of it, or its attestation."""
    if collection.asserted_by_id == collection.collector_id:
        return collection
    attestations = facts.attestations_of_collection.get(collection.id, ())
    return next((row for row in attestations if row.asserted_by_id == collection.collector_id), None)


def partner_list_in_force(facts: FactIndex, notice: NoticeRow, consented_at: datetime) -> PartnerListRow | None:
    """The partner list that was shown on the day of consent, in the notice's time zone. None if there was none yet.

    Of the lists that had begun by then, it is the one that began last. Corrected lists are left out.
    """
    lists = facts.partner_lists_of_notice.get(notice.id, ())
    corrected = {row.corrects_id for row in lists}
    day = consented_at.astimezone(ZoneInfo(notice.time_zone)).date()
    begun = [row for row in lists if row.id not in corrected and row.valid_from_on <= day]
    return max(begun, key=lambda row: (row.valid_from_on, row.recorded_at, row.id), default=None)
