"""The recorded facts, indexed by id and by what they belong to, and what follows from several of them. Pure."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from service.core.erasures import NOT_YET
from service.core.vocabulary import CollectorStatus, DatasetState, TransferStatus
from service.membership.descent.dependents import Sharers
from service.provenance.graph.rows import (
    CampaignRow,
    CancellationRow,
    CollectionRow,
    CollectorStatementRow,
    DatasetRow,
    DatasetStatementRow,
    EvidenceRow,
    EvidenceWithdrawalRow,
    FactRow,
    NoticeRow,
    OrganisationRow,
    ParentRow,
    PartnerListRow,
    PartnerRow,
    ReleaseRow,
    StatementRow,
    TransferRow,
)
from service.transfer.status import VOID

Row = TypeVar("Row")
Grouped = Mapping[uuid.UUID, Sequence[Row]]
Counts = Mapping[uuid.UUID, int]


@dataclass(frozen=True, slots=True)
class FactIndex:
    """One state of the facts, which never changes. Each group of facts is in the order of `recorded_at`.

    Of an organisation there is a row if it has an account, or if a fact here uses it. `collections` and `notices` give
    the latest correction by the id of every version, `collection_versions` and `notice_versions` the version itself.
    Lists, evidence and counts of a notice are found by the `first_id` of its corrections. `campaigns` are those that
    count, planned or sent; `unsent_campaigns_of_dataset` are the cancelled ones. `campaign_versions` and
    `datasets_of_version` have these and the corrected ones too. `recounting` are the datasets
    whose counts are being made again; those here are from before. `ended` and `withdrawn` have the
    statement that ended a holding or withdrew a dataset. `notice_counts` and `ancestor_counts` are those of
    sealing; `lost_ancestors` are the ancestors from which no number is left in a dataset, because its holder erased
    them all.
    """

    organisations: Mapping[uuid.UUID, OrganisationRow]
    notices: Mapping[uuid.UUID, NoticeRow]
    notice_versions: Mapping[uuid.UUID, NoticeRow]
    correction_of_notice: Mapping[uuid.UUID, NoticeRow]
    collections: Mapping[uuid.UUID, CollectionRow]
    collection_versions: Mapping[uuid.UUID, CollectionRow]
    correction_of_collection: Mapping[uuid.UUID, CollectionRow]
    datasets: Mapping[uuid.UUID, DatasetRow]
    recounting: Mapping[uuid.UUID, DatasetRow]
    ended: Mapping[uuid.UUID, DatasetStatementRow]
    withdrawn: Mapping[uuid.UUID, DatasetStatementRow]
    transfers: Mapping[uuid.UUID, TransferRow]
    campaigns: Mapping[uuid.UUID, CampaignRow]
    campaign_versions: Mapping[uuid.UUID, CampaignRow]
    correction_of_campaign: Mapping[uuid.UUID, CampaignRow]
    partner_lists_of_notice: Grouped[PartnerListRow]
    partners_of_list: Grouped[PartnerRow]
    evidence_of_notice: Grouped[EvidenceRow]
    withdrawal_of_evidence: Mapping[uuid.UUID, EvidenceWithdrawalRow]
    statements_of_collection: Grouped[CollectorStatementRow]
    statements_of_transfer: Grouped[StatementRow]
    parents_of_dataset: Grouped[ParentRow]
    children_of_dataset: Grouped[ParentRow]
    sharers_of_dataset: Sharers
    transfers_from_dataset: Grouped[TransferRow]
    transfer_into_dataset: Mapping[uuid.UUID, TransferRow]
    releases_of_dataset: Grouped[ReleaseRow]
    cancellation_of_campaign: Mapping[uuid.UUID, CancellationRow]
    campaigns_of_dataset: Grouped[uuid.UUID]
    unsent_campaigns_of_dataset: Grouped[uuid.UUID]
    datasets_of_campaign: Grouped[uuid.UUID]
    datasets_of_version: Grouped[uuid.UUID]
    status_of_transfer: Mapping[uuid.UUID, TransferStatus]
    ancestor_counts: Mapping[uuid.UUID, Counts]
    lost_ancestors: Mapping[uuid.UUID, frozenset[uuid.UUID]]
    notice_counts: Mapping[uuid.UUID, Counts]
    notice_counts_of_dataset: Mapping[uuid.UUID, Counts]


_EMPTY: Final[dict[str, Any]] = {field.name: {} for field in fields(FactIndex)}
NO_FACTS: Final = FactIndex(**_EMPTY)


def is_void(facts: FactIndex, transfer_id: uuid.UUID | None) -> bool:
    """Whether there is a transfer and it is void: denied by its recipient, or retracted and stated by nobody else."""
    return transfer_id is not None and facts.status_of_transfer[transfer_id] in VOID


def is_held(facts: FactIndex, dataset_id: uuid.UUID) -> bool:
    """Whether a dataset's numbers count as held: it is sealed, and no void transfer delivered it."""
    transfer = facts.transfer_into_dataset.get(dataset_id)
    sealed = facts.datasets[dataset_id].state == DatasetState.SEALED
    return sealed and not is_void(facts, transfer.id if transfer else None)


def carries(facts: FactIndex, parent_id: uuid.UUID, transfer_id: uuid.UUID | None) -> bool:
    """Whether an edge leads on for organisations: its parent was not withdrawn, and its transfer is not void."""
    return parent_id not in facts.withdrawn and not is_void(facts, transfer_id)


def is_current(facts: FactIndex, dataset_id: uuid.UUID) -> bool:
    """Whether a dataset that holds a number is a holding now: it was not withdrawn, and its holding did not end."""
    return dataset_id not in facts.ended and dataset_id not in facts.withdrawn


def made_at(facts: FactIndex, dataset_id: uuid.UUID) -> datetime:
    """When a dataset took over the numbers of its parents; `NOT_YET` until it is sealed."""
    return facts.datasets[dataset_id].made_at or NOT_YET


def earlier_versions(facts: FactIndex, notice: NoticeRow) -> list[NoticeRow]:
    """What was recorded of a notice before it was corrected, the first version first."""
    found: list[NoticeRow] = []
    corrected_id = notice.corrects_id
    while corrected_id is not None:
        found.insert(0, facts.notice_versions[corrected_id])
        corrected_id = found[0].corrects_id
    return found


def notice_of(facts: FactIndex, dataset_id: uuid.UUID) -> NoticeRow:
    """The notice of a collected dataset, by the latest correction of its collection."""
    collection_id = facts.datasets[dataset_id].collection_id
    assert collection_id is not None
    return facts.notices[facts.collections[collection_id].notice_id]


def collector_statement_of(facts: FactIndex, collection: CollectionRow) -> CollectorStatementRow | None:
    """The collector's latest statement of a collection or of what it corrects, unless it took it back."""
    rows: list[CollectorStatementRow] = []
    version: CollectionRow | None = collection
    while version is not None:
        rows += facts.statements_of_collection.get(version.id, ())
        version = facts.collection_versions[version.corrects_id] if version.corrects_id else None
    latest = max(rows, key=lambda row: (row.recorded_at, row.id), default=None)
    return None if latest is None or latest.status is CollectorStatus.WITHDRAWN else latest


def attestation_of(facts: FactIndex, collection: CollectionRow) -> FactRow | None:
    """The fact by which a collector confirms a collection: its own registration of it, or its attestation.

    An attestation is of what was recorded by then. What another organisation corrected later, it does not confirm.
    """
    if collection.asserted_by_id == collection.collector_id:
        return collection
    stated, notice = collector_statement_of(facts, collection), facts.notices[collection.notice_id]
    if stated is None or stated.status is not CollectorStatus.ATTESTED:
        return None
    attested = [collection] if notice.asserted_by_id == collection.collector_id else [collection, notice]
    return stated if all(row.recorded_at <= stated.recorded_at for row in attested) else None


def denial_of(facts: FactIndex, collection: CollectionRow) -> CollectorStatementRow | None:
    """The statement by which a collector denies a collection. Corrections by its asserter do not end it."""
    stated = collector_statement_of(facts, collection)
    return stated if stated is not None and stated.status is CollectorStatus.DENIED else None


def partner_list_in_force(facts: FactIndex, notice: NoticeRow, consented_at: datetime) -> PartnerListRow | None:
    """The partner list that was shown on the day of consent, in the notice's time zone. None if there was none yet.

    Of the lists that had begun by then, it is the one that began last. Corrected lists are left out.
    """
    lists = facts.partner_lists_of_notice.get(notice.first_id, ())
    corrected = {row.corrects_id for row in lists}
    day = consented_at.astimezone(ZoneInfo(notice.time_zone)).date()
    begun = [row for row in lists if row.id not in corrected and row.valid_from_on <= day]
    return max(begun, key=lambda row: (row.valid_from_on, row.recorded_at, row.id), default=None)
