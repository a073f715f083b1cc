"""Closed lists that several features share, in the terms of the field; purposes are mapped to W3C DPV."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What an organisation does with numbers, or for this registry."""

    COLLECTOR = "collector"
    BROKER = "broker"
    PARTY = "party"
    PROCESSOR = "processor"
    REGULATOR = "regulator"
    OPERATOR = "operator"


class Purpose(StrEnum):
    """What numbers are used for."""

    COMMERCIAL_CANVASSING = "commercial_canvassing"
    POLITICAL_CANVASSING = "political_canvassing"
    TRANSFER = "transfer"
    FUNDRAISING = "fundraising"
    OPINION_POLL = "opinion_poll"
    SERVICE_MESSAGES = "service_messages"


DPV_PURPOSES: Final[dict[Purpose, str]] = {
    Purpose.COMMERCIAL_CANVASSING: "dpv:DirectMarketing",
    Purpose.POLITICAL_CANVASSING: "dpv:PoliticalCampaign",
    Purpose.TRANSFER: "dpv:SellDataToThirdParties",
    Purpose.FUNDRAISING: "dpv:PublicRelations",
    Purpose.OPINION_POLL: "dpv:ResearchAndDevelopment",
    Purpose.SERVICE_MESSAGES: "dpv:CommunicationManagement",
}


class Mechanism(StrEnum):
    """How a person was asked, on the form or in the shop."""

    UNTICKED_BOX = "unticked_box"
    PRE_TICKED_BOX = "pre_ticked_box"
    DOUBLE_OPT_IN = "double_opt_in"
    CONDITION_OF_ENTRY = "condition_of_entry"
    ORAL = "oral"
    PAPER_SIGNATURE = "paper_signature"
    OPT_OUT = "opt_out"


class Channel(StrEnum):
    """Where numbers were collected."""

    WEB_FORM = "web_form"
    MOBILE_APP = "mobile_app"
    SHOP = "shop"
    PAPER_FORM = "paper_form"
    TELEPHONE = "telephone"
    EVENT = "event"
    OTHER = "other"


class LawfulBasis(StrEnum):
    """The six bases of GDPR 6(1)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


class ProcessingRole(StrEnum):
    """A side's role in a transfer (GDPR 4(7)-(8), 26, 28)."""

    CONTROLLER = "controller"
    JOINT_CONTROLLER = "joint_controller"
    PROCESSOR = "processor"


class Content(StrEnum):
    """Where the numbers of a dataset are found."""

    UPLOADED = "uploaded"
    SHARED = "shared"
    UNION = "union"


class DatasetState(StrEnum):
    """An open dataset takes numbers; a sealed one never changes but by erasure."""

    OPEN = "open"
    SEALING = "sealing"
    SEALED = "sealed"


class DatasetStatementKind(StrEnum):
    """What its holder states of a sealed dataset. The latest of each pair counts."""

    ENDED = "ended"
    END_TAKEN_BACK = "end_taken_back"
    WITHDRAWN = "withdrawn"
    WITHDRAWAL_TAKEN_BACK = "withdrawal_taken_back"


class EndReason(StrEnum):
    """Why a holder no longer has a dataset."""

    DELETED = "deleted"
    RETURNED = "returned"
    RETENTION_OVER = "retention_over"
    POLL_OVER = "poll_over"
    OTHER = "other"


class Side(StrEnum):
    """A side of a transfer."""

    SENDER = "sender"
    RECIPIENT = "recipient"


class TransferStatus(StrEnum):
    """What is stated of a transfer, and what its status is by all statements (`service.transfer.status`)."""

    DECLARED = "declared"
    ACKNOWLEDGED = "acknowledged"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    DENIED = "denied"
    RETRACTED = "retracted"


class CollectorStatus(StrEnum):
    """What a collector states of a collection that another organisation asserts in its name.

    `attested`: it took place as asserted. `denied`: there was no such collection. `withdrawn`: the collector takes its
    word back, and says neither.
    """

    ATTESTED = "attested"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class CampaignState(StrEnum):
    """Whether a campaign was sent, by the registry's clock and the word of its party.

    `planned`: it begins later. `sent`: it has begun. `cancelled`: its party called it off before it began. `not_sent`:
    its party stated afterwards that it was never sent.
    """

    PLANNED = "planned"
    SENT = "sent"
    CANCELLED = "cancelled"
    NOT_SENT = "not_sent"


class OrphanReason(StrEnum):
    """Why a holding has no declared origin."""

    NOT_IN_SENDERS_DATASET = "not_in_senders_dataset"
    TRANSFER_DENIED = "transfer_denied"
    NO_SOURCE_DECLARED = "no_source_declared"
    NOT_IN_SOURCES = "not_in_sources"
    SOURCE_IS_ORPHAN = "source_is_orphan"


class ObjectionKind(StrEnum):
    """What the person wants: no further messages (GDPR 21), or also the erasure of the number (GDPR 17).

    `contest`: the person did not give the agreement that an origin states. They ask for rectification and restriction
    (GDPR 16, 18), and object to nothing by it.
    """

    OBJECTION = "objection"
    ERASURE = "erasure"
    CONTEST = "contest"


class ObjectionScope(StrEnum):
    """What an objection applies to: every use, one organisation, or one purpose. A contest is about one origin."""

    EVERYTHING = "everything"
    ORGANISATION = "organisation"
    PURPOSE = "purpose"
    ORIGIN = "origin"


class ObjectionSource(StrEnum):
    """How an objection arrived: from the person, as a STOP reply to a message, or from a holder that received it."""

    PERSON = "person"
    STOP = "stop"
    HOLDER = "holder"


class UsageKind(StrEnum):
    """What is counted of an organisation in a day.

    `bytes` and `lines` of uploads, `numbers` sealed, `lookups`, `datasets`, `organisations` and `webhooks` registered,
    `reports` of numbers that object, and the `objections` recorded by them. `codes` are those that the registry sends.
    """

    BYTES = "bytes"
    CODES = "codes"
    DATASETS = "datasets"
    LINES = "lines"
    LOOKUPS = "lookups"
    NUMBERS = "numbers"
    OBJECTIONS = "objections"
    ORGANISATIONS = "organisations"
    REPORTS = "reports"
    WEBHOOKS = "webhooks"


class RelayState(StrEnum):
    """How far a holder has got with a relay.

    `waiting`: the operator has to release what the relay depends on first. `undeliverable`: the holder has no account
    here; the person writes to it. `withdrawn`: the person took a contest back before the holder ended the relay.
    """

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    COMPLETED = "completed"
    REFUSED = "refused"
    UNDELIVERABLE = "undeliverable"
    WITHDRAWN = "withdrawn"


class ChangeKind(StrEnum):
    """The tables whose changes are recorded: those whose rows form the graph, and what is recorded of them."""

    ORGANISATION = "organisation"
    NOTICE = "notice"
    PARTNER_LIST = "partner_list"
    PARTNER = "partner"
    NOTICE_EVIDENCE = "notice_evidence"
    EVIDENCE_WITHDRAWAL = "evidence_withdrawal"
    COLLECTION = "collection"
    COLLECTOR_STATEMENT = "collector_statement"
    DATASET = "dataset"
    DATASET_PARENT = "dataset_parent"
    DATASET_STATEMENT = "dataset_statement"
    ANCESTOR_COUNT = "ancestor_count"
    NOTICE_COUNT = "notice_count"
    TRANSFER = "transfer"
    TRANSFER_STATEMENT = "transfer_statement"
    DATASET_RELEASE = "dataset_release"
    CAMPAIGN = "campaign"
    CAMPAIGN_DATASET = "campaign_dataset"
    CAMPAIGN_CANCELLATION = "campaign_cancellation"


class ChangeOperation(StrEnum):
    """What happened to the rows of a change."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
