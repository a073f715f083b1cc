"""Wire shapes of one number's answer.

An answer has some hundred parts. They are plain dataclasses, made from facts that were validated when they were
recorded: validating each part again took longer than the rest of the answer. They are frozen, since many answers share
them.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from service.core.facts import RequestBody
from service.core.text import Line
from service.core.vocabulary import (
    Content,
    LawfulBasis,
    OrphanReason,
    ProcessingRole,
    Purpose,
    Side,
    TransferStatus,
)
from service.provenance.answer.campaign_schemas import CampaignView
from service.provenance.answer.origin_schemas import Origin
from service.provenance.answer.references import (
    Asserted,
    CampaignRef,
    DatasetRef,
    OrganisationRef,
    OrganisationView,
)
from service.transfer.schemas import CriterionOut

ContradictionKind = Literal[
    "received_not_declared",
    "declared_not_received",
    "denied_by_recipient",
    "denied_by_sender",
    "retracted_by_sender",
    "retracted_by_recipient",
]
YesNoOrUnknown = Annotated[bool | None, Field(examples=[True])]


class LookupIn(RequestBody):
    """The number to look up. It is sent in the body only, because URLs are logged in many places."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="The phone number, in any usual spelling.", examples=["06 39 98 46 00", "+33639984600"]
    )
    region: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] = Field(
        default="FR", description="The country of a number without country code (ISO 3166-1 alpha-2)."
    )
    reason: Line | None = Field(
        default=None,
        description="Why you look the number up: recorded, required of a regulator, and without phone numbers.",
        examples=["Plainte n° 24-1234"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A side that vouches for a transfer, and since when."""

    side: Side
    organisation: OrganisationRef
    recorded_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HopView:
    """One step of a chain: a transfer to another holder, or a derivation by the same holder."""

    kind: Literal["transfer", "derivation"]
    from_dataset: DatasetRef
    to_dataset: DatasetRef
    transfer_id: uuid.UUID | None
    status: Annotated[TransferStatus | None, Field(description="The status of the transfer. Null for a derivation.")]
    sender_role: ProcessingRole | None = None
    recipient_role: ProcessingRole | None = None
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    vouched_by: Annotated[list[Voucher], Field(description="The sides that vouch for it. Empty for a derivation.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """A path of the number from dataset to dataset. Each of them holds the number, or held it (see `erasures`)."""

    head: DatasetRef
    orphan: Annotated[bool, Field(description="Whether the head has no declared origin.")]
    hops: Annotated[
        list[HopView], Field(description="Empty if you may see no dataset that got the number from the head.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding(Asserted):
    """A dataset that holds the number. `asserted_by` and the times are those of the dataset."""

    dataset: DatasetRef
    content: Annotated[
        Content,
        Field(
            description="`uploaded`: its own numbers. `shared`: all numbers of one other dataset. "
            "`union`: all numbers of several."
        ),
    ]
    sealed_at: AwareDatetime | None
    orphan: Annotated[bool, Field(description="Whether no path of holdings leads back from it to a collection.")]
    current: Annotated[
        bool,
        Field(
            description="Whether its holder has it now: its holding did not end, and neither it nor all that it has "
            "the number from was withdrawn."
        ),
    ]
    consented_at: Annotated[
        AwareDatetime | None, Field(description="The time of consent that the holder's own file states, if any.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure(Asserted):
    """A dataset that no longer holds the number, because its holder erased it (GDPR Art. 17).

    Datasets that got the number from it before the erasure still hold it; later ones do not get it. `asserted_by` and
    the other times are those of the dataset.
    """

    dataset: DatasetRef
    erased_at: Annotated[AwareDatetime, Field(description="When the number was erased, by the registry's clock.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Asserted):
    """What was stated of a transfer. Earlier statements are kept; `sender_status` and `recipient_status` count."""

    side: Side
    status: TransferStatus
    comment: str | None
    extra_count: Annotated[
        int | None, Field(description="How many numbers of the recipient's file the sender does not declare.")
    ]
    missing_count: Annotated[
        int | None, Field(description="How many numbers the sender declares that the recipient's file lacks.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction(Asserted):
    """That the organisation which registered a transfer retracted its statements, and why."""

    reason: Annotated[str | None, Field(description="Why it was stated by mistake.", examples=["Wrong recipient."])]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferView(Asserted):
    """A transfer that contained the number, as at least one side states or stated."""

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
        list[CriterionOut], Field(description="By what criteria the numbers were selected, as the sender declares.")
    ]
    status: Annotated[
        TransferStatus,
        Field(
            description="What the recipient states; `declared` before that. `retracted`: it was stated by mistake, and "
            "nobody states it any more."
        ),
    ]
    sender_status: Annotated[TransferStatus | None, Field(description="The statement that counts for the sender.")]
    recipient_status: Annotated[
        TransferStatus | None, Field(description="The statement that counts for the recipient.")
    ]
    retraction: Annotated[
        Retraction | None,
        Field(description="If the organisation that registered it retracted it. The other side may still state it."),
    ]
    recipient_has_account: Annotated[
        bool, Field(description="If not, the recipient can neither confirm nor deny it here.", examples=[True])
    ]
    number_declared: Annotated[
        bool | None,
        Field(
            description="Whether the sender's dataset contained this number. Null if the sender itself states nothing "
            "or denies the transfer.",
            examples=[True],
        ),
    ]
    number_received: Annotated[
        bool | None,
        Field(
            description="Whether the recipient received this number, by its own file or by its agreement. "
            "Null if the recipient itself states nothing of it.",
            examples=[True],
        ),
    ]
    vouched_by: Annotated[list[Voucher], Field(description="The sides that vouch for it.")]
    statements: Annotated[list[Statement], Field(description="What both sides stated, in the order of recording.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientTransfer:
    """A transfer that brought the number to a recipient, according to at least one side."""

    transfer_id: uuid.UUID
    sender_id: uuid.UUID
    occurred_at: AwareDatetime
    status: TransferStatus
    number_declared: YesNoOrUnknown
    number_received: YesNoOrUnknown


class RecipientKind(StrEnum):
    """Whether the number ended with a recipient or was passed on by it."""

    CLIENT = "client"
    INTERMEDIARY = "intermediary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An organisation to which the number was transferred, by name (GDPR 15(1)(c); CJEU C-154/21)."""

    organisation: OrganisationView
    kind: Annotated[
        RecipientKind,
        Field(description="`client`: a party. `intermediary`: any other organisation, which may pass the number on."),
    ]
    through: Annotated[list[RecipientTransfer], Field(description="The transfers that brought the number to it.")]
    campaigns: Annotated[list[CampaignRef], Field(description="Its campaigns that were sent to the number.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A holding without a declared origin. A transfer does not give it one."""

    dataset: DatasetRef
    reason: OrphanReason
    explanation: Annotated[
        str,
        Field(examples=["Mouvement du Rivage received it from Contact Direct SAS, whose dataset does not contain it."]),
    ]
    transfer_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What one side of a transfer states of this number and the other contradicts."""

    kind: ContradictionKind
    transfer_id: uuid.UUID
    explanation: Annotated[
        str,
        Field(
            examples=[
                "Mouvement du Rivage states that it received the number from Contact Direct SAS, "
                "whose dataset does not contain it."
            ]
        ),
    ]


class Answer(BaseModel):
    """Everything about one number that the caller may see, in one state of the graph."""

    as_of: AwareDatetime
    held: bool = Field(description="Whether a dataset that you may see holds the number now.", examples=[True])
    summary: str = Field(examples=["First collected by Enseigne Maison SA (EM-1). Passed to Contact Direct SAS."])
    origins: list[Origin]
    chains: list[ChainView]
    chains_truncated: bool = Field(description="Whether there are more chains than the answer shows.")
    holdings: list[Holding] = Field(
        description="The datasets that hold the number, or held it until their holding ended. To the number's person "
        "and to the authority also those that their holder withdrew."
    )
    erasures: list[Erasure] = Field(
        description="The datasets that held the number until their holder erased it (GDPR Art. 17). They remain in "
        "`chains` and `origins`, because other datasets got the number from them."
    )
    transfers: list[TransferView]
    recipients: list[Recipient]
    campaigns: list[CampaignView] = Field(description="The campaigns that were sent to the number, and planned ones.")
    campaigns_not_sent: list[CampaignView] = Field(
        description="The campaigns that their party cancelled, or states to have not been sent. They are no use of the "
        "number. Shown to a supervisory authority, and to the person in their own answer."
    )
    orphans: list[Orphan] = Field(description="Holdings without a declared origin, including erased ones.")
    contradictions: list[Contradiction]
