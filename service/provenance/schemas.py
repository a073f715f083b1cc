"""Wire shapes of one number's answer."""

import uuid
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from service.collection.schemas import PartnerOut
from service.core.facts import Wire
from service.core.text import Line
from service.core.vocabulary import (
    Channel,
    Content,
    LawfulBasis,
    Mechanism,
    ProcessingRole,
    Purpose,
    Role,
    TransferStatus,
)
from service.transfer.models import Side, Word
from service.transfer.schemas import CriterionOut


class LookupIn(Wire):
    """The number to ask about. It travels in the body alone: addresses are logged in many places."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="In any usual spelling.", examples=["06 39 98 46 00", "+33639984600"]
    )
    region: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] = Field(
        default="FR", description="Where a number without country code is from (ISO 3166-1 alpha-2)."
    )
    reason: Line | None = Field(
        default=None,
        description="Why a supervisory authority asks: it must, and that is kept. No phone number in it.",
        examples=["Plainte n° 24-1234"],
    )


class OrganisationSeen(BaseModel):
    """A legal person, as far as needed to know and reach it."""

    id: uuid.UUID
    legal_name: str = Field(examples=["Contact Direct SAS"])
    country: str = Field(examples=["FR"])
    registration_number: str | None = Field(description="In France the SIREN.")
    roles: list[Role]
    privacy_contact: str | None = Field(description="Where to write to about personal data.")
    has_account: bool = Field(
        description="Whether it speaks here itself. If not, whatever is told of it is told by another."
    )


class OrganisationRef(BaseModel):
    """A legal person by name; `recipients` and `origins` say more of it."""

    id: uuid.UUID
    legal_name: str = Field(examples=["Contact Direct SAS"])


class Asserted(BaseModel):
    """Who asserts a fact, when it is said to have happened, and since when this registry knows."""

    asserted_by: OrganisationRef | None = Field(
        description="Null for the registry itself, and for an organisation that you may not see."
    )
    asserted_through: OrganisationRef | None = Field(
        description="The processor whose key told it, if one did; null also where you may not see that one."
    )
    occurred_at: AwareDatetime = Field(description="When it is said to have happened.")
    recorded_at: AwareDatetime = Field(description="When this registry was told: its own clock.")


class DatasetRef(BaseModel):
    """A dataset, and in whose hands it is."""

    id: uuid.UUID
    name: str | None = Field(description="The holder's name for it; null for a dataset one hop down from yours.")
    holder: OrganisationRef


class PartnersInForce(Asserted):
    """The partner list that stood beside the wording on the day of this number's consent."""

    id: uuid.UUID
    valid_from_on: date
    partners: list[PartnerOut]
    categories: list[str] = Field(description="Recipients that were named only by category.")
    corrects_id: uuid.UUID | None = Field(description="The list that this one corrects, if it does.")


class PartnerListBasis(StrEnum):
    """How the partner list was chosen, or why there is none."""

    CONSENT_DAY = "consent_day"
    CONSENT_DAY_UNKNOWN = "consent_day_unknown"
    NONE_YET = "none_yet"


class EvidenceRef(BaseModel):
    """A screenshot of the form."""

    id: uuid.UUID
    media_type: str = Field(examples=["image/png"])
    sha256: str = Field(
        description="SHA-256 of its bytes, in hexadecimal.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    byte_count: int = Field(examples=[183_204])
    recorded_at: AwareDatetime


class NoticeSeen(Asserted):
    """The wording, verbatim."""

    id: uuid.UUID
    code: str = Field(examples=["CA-2"])
    version: int = Field(examples=[2])
    language: str = Field(description="BCP 47.", examples=["fr"])
    wording: str = Field(
        examples=["☐ J'accepte de recevoir par SMS des offres et des messages d'information politique…"]
    )
    mechanism: Mechanism
    purposes: list[Purpose]
    valid_from_on: date
    valid_until_on: date | None
    time_zone: str = Field(description="Where the days of this notice begin and end.", examples=["Europe/Paris"])
    evidence: list[EvidenceRef]


class Origin(Asserted):
    """Where the number was first collected: by whom, in which words, and when this person consented.

    `asserted_by` and the times are those of the collection.
    """

    dataset: DatasetRef
    collection_id: uuid.UUID
    collector: OrganisationSeen
    channel: Channel
    address: str = Field(description="The page, shop or place.", examples=["https://comparauto.example/devis"])
    began_on: date
    ended_on: date | None
    corrects_id: uuid.UUID | None = Field(description="The fact that this one corrects. It stays at its own address.")
    consented_at: AwareDatetime | None = Field(description="This number's own consent; null if nobody says when.")
    consent_record_id: str | None = Field(description="The collector's own reference to its record of this consent.")
    notice: NoticeSeen
    partner_list: PartnersInForce | None
    partner_list_basis: PartnerListBasis = Field(
        description="`consent_day`: the list in force on that day, in the notice's time zone. "
        "`consent_day_unknown`: no list can be said to have been shown. "
        "`none_yet`: the notice had no list on that day."
    )
    attested: bool = Field(description="Whether the collector itself stands by this collection.", examples=[True])
    attested_at: AwareDatetime | None = Field(description="Since when, by this registry's clock.")


class Voucher(BaseModel):
    """A side that stands by a transfer, and since when."""

    side: Side
    organisation: OrganisationRef
    recorded_at: AwareDatetime


class HopSeen(BaseModel):
    """One step of a chain: from hand to hand by a transfer, or within one hand by the holder's own work."""

    kind: Literal["transfer", "derivation"]
    from_dataset: DatasetRef
    to_dataset: DatasetRef
    transfer_id: uuid.UUID | None
    status: TransferStatus | None = Field(description="What the recipient says of the transfer.")
    sender_role: ProcessingRole | None = None
    recipient_role: ProcessingRole | None = None
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    vouched_by: list[Voucher] = Field(description="Empty for a derivation, which its holder alone asserts.")


class ChainSeen(BaseModel):
    """One path of the number, dataset by dataset; every dataset on it holds the number."""

    head: DatasetRef
    orphan: bool = Field(description="Whether the head has no declared origin: this chain begins out of nowhere.")
    hops: list[HopSeen] = Field(description="Empty if you see no further holding of it.")


class Holding(Asserted):
    """A dataset that holds the number. `asserted_by` and the times are those of the dataset."""

    dataset: DatasetRef
    content: Content = Field(
        description="`uploaded`: its own numbers; `shared`: all of another dataset; `union`: all of several."
    )
    sealed_at: AwareDatetime | None
    orphan: bool = Field(description="Whether no path of holdings leads back from it to a collection.")
    consented_at: AwareDatetime | None = Field(description="The consent time in the holder's own file, if it has one.")


class Statement(Asserted):
    """What one side said of a transfer. All are kept; the latest of a side is its word."""

    side: Side
    word: Word
    comment: str | None
    extra_count: int | None = Field(description="Numbers in the recipient's file that the sender does not declare.")
    missing_count: int | None = Field(description="Numbers that the sender declares and the recipient's file lacks.")


class TransferSeen(Asserted):
    """A transfer in which, as one side says, the number was."""

    id: uuid.UUID
    sender: OrganisationRef
    recipient: OrganisationRef
    dataset_id: uuid.UUID
    received_dataset_id: uuid.UUID
    purpose: Purpose
    lawful_basis: LawfulBasis
    sender_role: ProcessingRole
    recipient_role: ProcessingRole
    contract: str | None
    targeting: list[CriterionOut] = Field(description="By what the numbers were picked, as the sender declares.")
    status: TransferStatus = Field(description="The recipient's latest word; `declared` while it is silent.")
    number_declared: bool | None = Field(
        description="Whether the sender's dataset holds this number; null if the sender itself said nothing.",
        examples=[True],
    )
    number_received: bool | None = Field(
        description="Whether the recipient's does, by its own file or by its agreement; null if it said nothing.",
        examples=[True],
    )
    vouched_by: list[Voucher] = Field(description="The sides that stand by it.")
    statements: list[Statement] = Field(description="What both sides said, from the first on.")


class Through(BaseModel):
    """A transfer that brought the number to a recipient, or is said to have."""

    transfer_id: uuid.UUID
    sender_id: uuid.UUID
    occurred_at: AwareDatetime
    status: TransferStatus
    number_declared: bool | None = Field(examples=[True])
    number_received: bool | None = Field(examples=[True])


class CampaignRef(BaseModel):
    """A campaign by name."""

    id: uuid.UUID
    name: str = Field(examples=["Européennes, dernier appel"])


class Recipient(BaseModel):
    """An organisation to which the number was transferred (GDPR 15(1)(c); CJEU C-154/21: by name)."""

    organisation: OrganisationSeen
    kind: Literal["client", "hand"] = Field(
        description="A client is a party, which campaigns for itself; any other is a hand it passed through."
    )
    through: list[Through]
    campaigns: list[CampaignRef] = Field(description="Those of its campaigns that were sent to the number.")


class Use(BaseModel):
    """A dataset that holds the number, used in a campaign. That changes nothing of a transfer's status."""

    dataset: DatasetRef
    transfer_id: uuid.UUID | None
    transfer_status: TransferStatus | None


class CampaignSeen(Asserted):
    """A campaign that was sent to the number."""

    id: uuid.UUID
    name: str = Field(examples=["Européennes, dernier appel"])
    party: OrganisationSeen
    sender: OrganisationSeen | None
    originator: str = Field(description="The short code or name that the SMS came from.", examples=["38001"])
    message_text: str = Field(examples=["Dimanche, votez. Parti de l'Aube. Source : Contact Direct. STOP au 38001"])
    poll_name: str | None
    poll_on: date | None
    began_at: AwareDatetime
    ended_at: AwareDatetime
    corrects_id: uuid.UUID | None = Field(description="The fact that this one corrects. It stays at its own address.")
    through: list[Use]


class OrphanReason(StrEnum):
    """Why a holding has no declared origin."""

    NOT_IN_SENDERS_DATASET = "not_in_senders_dataset"
    TRANSFER_DENIED = "transfer_denied"
    NO_SOURCE_DECLARED = "no_source_declared"
    NOT_IN_SOURCES = "not_in_sources"
    SOURCE_IS_ORPHAN = "source_is_orphan"


class Orphan(BaseModel):
    """A holding with no declared origin. Passing it on does not give it one."""

    dataset: DatasetRef
    reason: OrphanReason
    explanation: str = Field(
        examples=["Mouvement du Rivage received it from Contact Direct SAS, whose dataset does not hold it."]
    )
    transfer_id: uuid.UUID | None


class Contradiction(BaseModel):
    """What one side of a transfer says of this number and the other denies."""

    kind: Literal["received_not_declared", "declared_not_received", "denied_by_recipient", "denied_by_sender"]
    transfer_id: uuid.UUID
    explanation: str = Field(
        examples=["Mouvement du Rivage received it; Contact Direct SAS does not declare it among what it sent."]
    )


class Answer(BaseModel):
    """Everything about one number that the caller may see, as of one moment and one state of the graph."""

    as_of: AwareDatetime
    graph_version: int = Field(description="Names the state of the facts that this answer is made of.", examples=[241])
    held: bool = Field(description="Whether a dataset that you may see holds the number.", examples=[True])
    summary: str = Field(examples=["First collected by Enseigne Maison SA (EM-1). Passed to Contact Direct SAS."])
    origins: list[Origin]
    chains: list[ChainSeen]
    chains_truncated: bool = Field(description="Whether there are more chains than the ones shown.")
    holdings: list[Holding]
    transfers: list[TransferSeen]
    recipients: list[Recipient]
    campaigns: list[CampaignSeen]
    orphans: list[Orphan]
    contradictions: list[Contradiction]
