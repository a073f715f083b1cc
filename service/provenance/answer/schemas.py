"""Wire shapes of one number's answer.

An answer has some hundred parts. They are plain dataclasses, made of facts that were validated when they were recorded:
to validate each again took longer than all else that an answer needs.
"""

import uuid
from dataclasses import dataclass
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
    OrphanReason,
    ProcessingRole,
    Purpose,
    Side,
    TransferStatus,
)
from service.provenance.answer.references import (
    CampaignName,
    CampaignRef,
    DatasetRef,
    OrganisationRef,
    OrganisationView,
)
from service.transfer.schemas import CriterionOut

Corrected = Annotated[
    uuid.UUID | None, Field(description="The fact that this one corrects. It stays at its own address.")
]
Said = Annotated[bool | None, Field(examples=[True])]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """Who asserts a fact, when it is said to have happened, and since when this registry knows."""

    asserted_by: Annotated[
        OrganisationRef | None,
        Field(description="Null for the registry itself, and for an organisation that you may not see."),
    ]
    asserted_through: Annotated[
        OrganisationRef | None,
        Field(description="The processor whose key told it, if one did; null also where you may not see that one."),
    ]
    occurred_at: Annotated[AwareDatetime, Field(description="When it is said to have happened.")]
    recorded_at: Annotated[AwareDatetime, Field(description="When this registry was told: its own clock.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerListView(Asserted):
    """The partner list that stood beside the wording on the day of this number's consent."""

    id: uuid.UUID
    valid_from_on: date
    partners: list[PartnerOut]
    categories: Annotated[list[str], Field(description="Recipients that were named only by category.")]
    corrects_id: Annotated[uuid.UUID | None, Field(description="The list that this one corrects, if it does.")]


class PartnerListBasis(StrEnum):
    """How the partner list was chosen, or why there is none."""

    CONSENT_DAY = "consent_day"
    CONSENT_DAY_UNKNOWN = "consent_day_unknown"
    NONE_YET = "none_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    """A screenshot of the form."""

    id: uuid.UUID
    media_type: Annotated[str, Field(examples=["image/png"])]
    sha256: Annotated[
        str,
        Field(
            description="SHA-256 of its bytes, in hexadecimal.",
            examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        ),
    ]
    byte_count: Annotated[int, Field(examples=[183_204])]
    recorded_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView(Asserted):
    """The wording, verbatim."""

    id: uuid.UUID
    code: Annotated[str, Field(examples=["CA-2"])]
    version: Annotated[int, Field(examples=[2])]
    language: Annotated[str, Field(description="BCP 47.", examples=["fr"])]
    wording: Annotated[
        str, Field(examples=["☐ J'accepte de recevoir par SMS des offres et des messages d'information politique…"])
    ]
    mechanism: Mechanism
    purposes: list[Purpose]
    valid_from_on: date
    valid_until_on: date | None
    time_zone: Annotated[
        str, Field(description="Where the days of this notice begin and end.", examples=["Europe/Paris"])
    ]
    evidence: list[EvidenceRef]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Asserted):
    """Where the number was first collected: by whom, in which words, and when this person consented.

    `asserted_by` and the times are those of the collection.
    """

    dataset: DatasetRef
    collection_id: uuid.UUID
    collector: OrganisationView
    channel: Channel
    address: Annotated[
        str, Field(description="The page, shop or place.", examples=["https://comparauto.example/devis"])
    ]
    began_on: date
    ended_on: date | None
    corrects_id: Corrected
    consented_at: Annotated[
        AwareDatetime | None, Field(description="This number's own consent; null if nobody says when.")
    ]
    consent_record_id: Annotated[
        str | None, Field(description="The collector's own reference to its record of this consent.")
    ]
    notice: NoticeView
    partner_list: PartnerListView | None
    partner_list_basis: Annotated[
        PartnerListBasis,
        Field(
            description="`consent_day`: the list in force on that day, in the notice's time zone. "
            "`consent_day_unknown`: no list can be said to have been shown. "
            "`none_yet`: the notice had no list on that day."
        ),
    ]
    attested: Annotated[
        bool, Field(description="Whether the collector itself stands by this collection.", examples=[True])
    ]
    attested_at: Annotated[AwareDatetime | None, Field(description="Since when, by this registry's clock.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A side that stands by a transfer, and since when."""

    side: Side
    organisation: OrganisationRef
    recorded_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HopView:
    """One step of a chain: from hand to hand by a transfer, or within one hand by the holder's own work."""

    kind: Literal["transfer", "derivation"]
    from_dataset: DatasetRef
    to_dataset: DatasetRef
    transfer_id: uuid.UUID | None
    status: Annotated[TransferStatus | None, Field(description="What the recipient says of the transfer.")]
    sender_role: ProcessingRole | None = None
    recipient_role: ProcessingRole | None = None
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    vouched_by: Annotated[list[Voucher], Field(description="Empty for a derivation, which its holder alone asserts.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """One path of the number, dataset by dataset; every dataset on it holds the number, or did (see `erasures`)."""

    head: DatasetRef
    orphan: Annotated[
        bool, Field(description="Whether the head has no declared origin: this chain begins out of nowhere.")
    ]
    hops: Annotated[list[HopView], Field(description="Empty if you see no further holding of it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding(Asserted):
    """A dataset that holds the number. `asserted_by` and the times are those of the dataset."""

    dataset: DatasetRef
    content: Annotated[
        Content,
        Field(description="`uploaded`: its own numbers; `shared`: all of another dataset; `union`: all of several."),
    ]
    sealed_at: AwareDatetime | None
    orphan: Annotated[bool, Field(description="Whether no path of holdings leads back from it to a collection.")]
    consented_at: Annotated[
        AwareDatetime | None, Field(description="The consent time in the holder's own file, if it has one.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure(Asserted):
    """A dataset that holds the number no more, because its holder erased it (GDPR Art. 17).

    Whoever had the number from it before still has; what is made of it afterwards does not get it. `asserted_by` and
    the other times are those of the dataset.
    """

    dataset: DatasetRef
    erased_at: Annotated[AwareDatetime, Field(description="Until when it held the number, by this registry's clock.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Asserted):
    """What one side said of a transfer. All are kept; the latest of a side is its word."""

    side: Side
    status: TransferStatus
    comment: str | None
    extra_count: Annotated[
        int | None, Field(description="Numbers in the recipient's file that the sender does not declare.")
    ]
    missing_count: Annotated[
        int | None, Field(description="Numbers that the sender declares and the recipient's file lacks.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferView(Asserted):
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
    targeting: Annotated[
        list[CriterionOut], Field(description="By what the numbers were picked, as the sender declares.")
    ]
    status: Annotated[TransferStatus, Field(description="The recipient's latest word; `declared` while it is silent.")]
    number_declared: Annotated[
        bool | None,
        Field(
            description="Whether the sender's dataset holds this number; null if the sender itself said nothing.",
            examples=[True],
        ),
    ]
    number_received: Annotated[
        bool | None,
        Field(
            description="Whether the recipient's does, by its own file or by its agreement; null if it said nothing.",
            examples=[True],
        ),
    ]
    vouched_by: Annotated[list[Voucher], Field(description="The sides that stand by it.")]
    statements: Annotated[list[Statement], Field(description="What both sides said, from the first on.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """A transfer that brought the number to a recipient, or is said to have."""

    transfer_id: uuid.UUID
    sender_id: uuid.UUID
    occurred_at: AwareDatetime
    status: TransferStatus
    number_declared: Said
    number_received: Said


class RecipientKind(StrEnum):
    """What a recipient is in the way of a number."""

    CLIENT = "client"
    INTERMEDIARY = "intermediary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An organisation to which the number was transferred (GDPR 15(1)(c); CJEU C-154/21: by name)."""

    organisation: OrganisationView
    kind: Annotated[
        RecipientKind,
        Field(description="`client`: a party, which campaigns for itself. `intermediary`: any other organisation."),
    ]
    through: list[Through]
    campaigns: Annotated[list[CampaignRef], Field(description="Those of its campaigns that were sent to the number.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A dataset that holds the number, used in a campaign. That changes nothing of a transfer's status."""

    dataset: DatasetRef
    transfer_id: uuid.UUID | None
    transfer_status: TransferStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView(Asserted):
    """A campaign that was sent to the number."""

    id: uuid.UUID
    name: CampaignName
    party: OrganisationView
    sender: OrganisationView | None
    originator: Annotated[str, Field(description="The short code or name that the SMS came from.", examples=["38001"])]
    message_text: Annotated[
        str, Field(examples=["Dimanche, votez. Parti de l'Aube. Source : Contact Direct. STOP au 38001"])
    ]
    poll_name: str | None
    poll_on: date | None
    began_at: AwareDatetime
    ended_at: AwareDatetime
    corrects_id: Corrected
    through: list[Use]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A holding with no declared origin. Passing it on does not give it one."""

    dataset: DatasetRef
    reason: OrphanReason
    explanation: Annotated[
        str,
        Field(examples=["Mouvement du Rivage received it from Contact Direct SAS, whose dataset does not hold it."]),
    ]
    transfer_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What one side of a transfer says of this number and the other denies."""

    kind: Literal["received_not_declared", "declared_not_received", "denied_by_recipient", "denied_by_sender"]
    transfer_id: uuid.UUID
    explanation: Annotated[
        str,
        Field(examples=["Mouvement du Rivage received it; Contact Direct SAS does not declare it among what it sent."]),
    ]


class Answer(BaseModel):
    """Everything about one number that the caller may see, as of one moment and one state of the graph."""

    as_of: AwareDatetime
    graph_version: int = Field(description="Names the state of the facts that this answer is made of.", examples=[241])
    held: bool = Field(description="Whether a dataset that you may see holds the number now.", examples=[True])
    summary: str = Field(examples=["First collected by Enseigne Maison SA (EM-1). Passed to Contact Direct SAS."])
    origins: list[Origin]
    chains: list[ChainView]
    chains_truncated: bool = Field(description="Whether there are more chains than the ones shown.")
    holdings: list[Holding] = Field(description="The datasets that hold the number now.")
    erasures: list[Erasure] = Field(
        description="The datasets that held the number until their holder erased it (GDPR Art. 17). They stay in "
        "`chains` and `origins`, because others have it from them."
    )
    transfers: list[TransferView]
    recipients: list[Recipient]
    campaigns: list[CampaignView]
    orphans: list[Orphan] = Field(description="Also those among `erasures`.")
    contradictions: list[Contradiction]
