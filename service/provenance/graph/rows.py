"""The recorded facts as plain frozen rows, for the graph. Each field has the name of its column."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from service.core.vocabulary import (
    ChangeKind,
    Channel,
    CollectorStatus,
    Content,
    DatasetState,
    DatasetStatementKind,
    EndReason,
    LawfulBasis,
    Mechanism,
    ProcessingRole,
    Purpose,
    Role,
    Side,
    TransferStatus,
)


@dataclass(frozen=True)
class FactRow:
    """The columns of every fact."""

    id: uuid.UUID
    asserted_by_id: uuid.UUID | None
    occurred_at: datetime
    recorded_at: datetime
    asserted_through_id: uuid.UUID | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class OrganisationRow(FactRow):
    """A legal person. Without `admitted_at` it has no account here."""

    legal_name: str
    country: str
    registration_number: str | None
    roles: Sequence[Role]
    privacy_contact: str | None
    admitted_at: datetime | None
    stated_by_id: uuid.UUID | None = field(default=None, kw_only=True)
    stated_at: datetime | None = field(default=None, kw_only=True)
    time_zone: str | None = field(default=None, kw_only=True)
    closed_on: date | None = field(default=None, kw_only=True)
    succeeded_by_id: uuid.UUID | None = field(default=None, kw_only=True)
    succeeded_on: date | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class NoticeRow(FactRow):
    """A version of a notice, or a correction of one. `first_id` is where a row of corrections began."""

    collector_id: uuid.UUID
    first_id: uuid.UUID
    code: str
    version: int
    language: str
    wording: str
    mechanism: Mechanism
    purposes: Sequence[Purpose]
    valid_from_on: date
    valid_until_on: date | None
    time_zone: str
    corrects_id: uuid.UUID | None = None


@dataclass(frozen=True)
class PartnerListRow(FactRow):
    """A dated list of the partners that a notice names."""

    notice_id: uuid.UUID
    valid_from_on: date
    categories: Sequence[str]
    corrects_id: uuid.UUID | None


@dataclass(frozen=True)
class PartnerRow:
    """A partner on a partner list."""

    partner_list_id: uuid.UUID
    position: int
    name: str
    organisation_id: uuid.UUID | None


@dataclass(frozen=True)
class EvidenceRow(FactRow):
    """A screenshot of a form, without its bytes."""

    notice_id: uuid.UUID
    media_type: str
    sha256: str
    byte_count: int


@dataclass(frozen=True)
class EvidenceWithdrawalRow(FactRow):
    """The word of who uploaded a screenshot that it does not show the form as it was."""

    evidence_id: uuid.UUID
    reason: str


@dataclass(frozen=True)
class CollectionRow(FactRow):
    """The gathering of numbers under a notice, through one channel."""

    collector_id: uuid.UUID
    notice_id: uuid.UUID
    channel: Channel
    address: str
    began_on: date
    ended_on: date | None
    corrects_id: uuid.UUID | None = None


@dataclass(frozen=True)
class CollectorStatementRow(FactRow):
    """What a collector states of a collection that another organisation asserts in its name."""

    collection_id: uuid.UUID
    status: CollectorStatus
    comment: str | None


@dataclass(frozen=True)
class DatasetRow(FactRow):
    """A set of numbers held by one organisation."""

    holder_id: uuid.UUID
    name: str
    content: Content
    state: DatasetState
    collection_id: uuid.UUID | None
    number_count: int | None
    orphan_count: int | None
    sealed_at: datetime | None
    made_at: datetime | None
    collection_stated_at: datetime | None = field(default=None, kw_only=True)
    recount_request: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class DatasetStatementRow(FactRow):
    """What its holder states of a sealed dataset. `occurred_at` of an end is since when."""

    dataset_id: uuid.UUID
    kind: DatasetStatementKind
    end_reason: EndReason | None
    reason: str | None


@dataclass(frozen=True)
class ParentRow:
    """`dataset_id` is derived from `parent_id`, or came from it by a transfer."""

    dataset_id: uuid.UUID
    parent_id: uuid.UUID
    transfer_id: uuid.UUID | None


@dataclass(frozen=True)
class TransferRow(FactRow):
    """A transfer: the sender's dataset, and the recipient's dataset that it made."""

    sender_id: uuid.UUID
    recipient_id: uuid.UUID
    dataset_id: uuid.UUID
    received_dataset_id: uuid.UUID
    purpose: Purpose
    lawful_basis: LawfulBasis
    sender_role: ProcessingRole
    recipient_role: ProcessingRole
    contract: str | None
    targeting: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class StatementRow(FactRow):
    """What one side states of a transfer."""

    transfer_id: uuid.UUID
    side: Side
    status: TransferStatus
    comment: str | None
    extra_count: int | None
    missing_count: int | None


@dataclass(frozen=True)
class ReleaseRow:
    """An act of the operator on a dataset: its release, or the end of it."""

    id: uuid.UUID
    dataset_id: uuid.UUID
    recorded_at: datetime
    withdrawn: bool


@dataclass(frozen=True)
class CampaignRow(FactRow):
    """One message text, sent for one party in one period."""

    party_id: uuid.UUID
    sender_id: uuid.UUID | None
    name: str
    originator: str
    message_text: str
    poll_name: str | None
    poll_on: date | None
    began_at: datetime
    ended_at: datetime
    corrects_id: uuid.UUID | None = None


@dataclass(frozen=True)
class CancellationRow(FactRow):
    """A party's word that its campaign will not be sent, or was not."""

    campaign_id: uuid.UUID
    reason: str


@dataclass(frozen=True)
class UseRow:
    """A campaign that was sent to the numbers of a dataset."""

    campaign_id: uuid.UUID
    dataset_id: uuid.UUID


@dataclass(frozen=True)
class AncestorCountRow:
    """How many numbers of a dataset come from one of its ancestors.

    Erasures lower `count_left` without a new version of the graph, until it is 0. So it says here only whether any
    number is left.
    """

    dataset_id: uuid.UUID
    ancestor_id: uuid.UUID
    count_at_sealing: int
    count_left: int


@dataclass(frozen=True)
class NoticeCountRow:
    """How many numbers of a dataset come from collections under a notice. `count_left` is as for an ancestor."""

    dataset_id: uuid.UUID
    notice_id: uuid.UUID
    count_at_sealing: int
    count_left: int


@dataclass(frozen=True)
class Rows:
    """Every row that one state of the graph is made of."""

    organisations: Sequence[OrganisationRow] = ()
    notices: Sequence[NoticeRow] = ()
    partner_lists: Sequence[PartnerListRow] = ()
    partners: Sequence[PartnerRow] = ()
    evidence: Sequence[EvidenceRow] = ()
    evidence_withdrawals: Sequence[EvidenceWithdrawalRow] = ()
    collections: Sequence[CollectionRow] = ()
    collector_statements: Sequence[CollectorStatementRow] = ()
    datasets: Sequence[DatasetRow] = ()
    dataset_statements: Sequence[DatasetStatementRow] = ()
    parents: Sequence[ParentRow] = ()
    transfers: Sequence[TransferRow] = ()
    statements: Sequence[StatementRow] = ()
    releases: Sequence[ReleaseRow] = ()
    campaigns: Sequence[CampaignRow] = ()
    uses: Sequence[UseRow] = ()
    cancellations: Sequence[CancellationRow] = ()
    ancestor_counts: Sequence[AncestorCountRow] = ()
    notice_counts: Sequence[NoticeCountRow] = ()


class RowsOfKind(NamedTuple):
    """The field of `Rows` that has the rows of a kind, their class, and the field that names the object of a row."""

    field: str
    row: type
    object_id: str


KINDS: Final[dict[ChangeKind, RowsOfKind]] = {
    ChangeKind.ORGANISATION: RowsOfKind("organisations", OrganisationRow, "id"),
    ChangeKind.NOTICE: RowsOfKind("notices", NoticeRow, "id"),
    ChangeKind.PARTNER_LIST: RowsOfKind("partner_lists", PartnerListRow, "notice_id"),
    ChangeKind.PARTNER: RowsOfKind("partners", PartnerRow, "partner_list_id"),
    ChangeKind.NOTICE_EVIDENCE: RowsOfKind("evidence", EvidenceRow, "notice_id"),
    ChangeKind.EVIDENCE_WITHDRAWAL: RowsOfKind("evidence_withdrawals", EvidenceWithdrawalRow, "evidence_id"),
    ChangeKind.COLLECTION: RowsOfKind("collections", CollectionRow, "id"),
    ChangeKind.COLLECTOR_STATEMENT: RowsOfKind("collector_statements", CollectorStatementRow, "collection_id"),
    ChangeKind.DATASET: RowsOfKind("datasets", DatasetRow, "id"),
    ChangeKind.DATASET_STATEMENT: RowsOfKind("dataset_statements", DatasetStatementRow, "dataset_id"),
    ChangeKind.DATASET_PARENT: RowsOfKind("parents", ParentRow, "dataset_id"),
    ChangeKind.TRANSFER: RowsOfKind("transfers", TransferRow, "id"),
    ChangeKind.TRANSFER_STATEMENT: RowsOfKind("statements", StatementRow, "transfer_id"),
    ChangeKind.DATASET_RELEASE: RowsOfKind("releases", ReleaseRow, "dataset_id"),
    ChangeKind.CAMPAIGN: RowsOfKind("campaigns", CampaignRow, "id"),
    ChangeKind.CAMPAIGN_DATASET: RowsOfKind("uses", UseRow, "campaign_id"),
    ChangeKind.CAMPAIGN_CANCELLATION: RowsOfKind("cancellations", CancellationRow, "campaign_id"),
    ChangeKind.ANCESTOR_COUNT: RowsOfKind("ancestor_counts", AncestorCountRow, "dataset_id"),
    ChangeKind.NOTICE_COUNT: RowsOfKind("notice_counts", NoticeCountRow, "dataset_id"),
}
"""Of every kind, where its rows are. Of a changed object all rows of a kind are read again."""

# The fields that name an organisation which a fact uses. A partner of a list is shown by the name in the list.
_USED: Final = frozenset(
    {
        "asserted_by_id",
        "asserted_through_id",
        "collector_id",
        "holder_id",
        "party_id",
        "recipient_id",
        "sender_id",
    }
)


def organisations_in(rows: Rows) -> set[uuid.UUID]:
    """The organisations that facts among `rows` use."""
    found: set[uuid.UUID | None] = set()
    for spec in KINDS.values():
        names = [column.name for column in fields(spec.row) if column.name in _USED]
        if spec.row is not OrganisationRow:
            found.update(getattr(row, name) for row in getattr(rows, spec.field) for name in names)
    return {organisation_id for organisation_id in found if organisation_id is not None}
