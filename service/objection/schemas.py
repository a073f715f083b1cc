"""Wire shapes of objections: what persons and holders send, and what each of them is told."""

import uuid
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from service.core.facts import Wire
from service.core.instant import Instant
from service.core.text import Sentence
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource, Purpose, RelayState
from service.provenance.answer.references import OrganisationRef

# As many as one request can look up one by one without making others wait.
MAX_NUMBERS = 1000

Number = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    Field(description="In any usual spelling.", examples=["06 39 98 77 77"]),
]
Region = Annotated[
    str,
    StringConstraints(pattern="^[A-Z]{2}$"),
    Field(description="Where numbers without country code are from (ISO 3166-1 alpha-2)."),
]


class ReportOutcome(StrEnum):
    """What became of a number that a holder or sender reported.

    `not_held`: the caller does not hold the number. `not_messaged`: the campaign was not sent to the number, or began
    only after the reply. Neither says anything about other organisations.
    """

    RECORDED = "recorded"
    ALREADY_RECORDED = "already_recorded"
    NOT_HELD = "not_held"
    NOT_MESSAGED = "not_messaged"
    NOT_A_STOP = "not_a_stop"
    UNREADABLE = "unreadable"


class ObjectionIn(Wire):
    """What a person wants: no more messages, or to be erased besides; of everybody, of one, or for one purpose."""

    kind: ObjectionKind = Field(description="`objection`: GDPR 21. `erasure`: GDPR 17, and no more messages besides.")
    scope: ObjectionScope = ObjectionScope.EVERYTHING
    organisation_id: uuid.UUID | None = Field(default=None, description="Of whom, for the scope `organisation`.")
    purpose: Purpose | None = Field(default=None, description="For which purpose, for the scope `purpose`.")

    @model_validator(mode="after")
    def _as_far_as_it_goes(self) -> "ObjectionIn":
        if (self.organisation_id is not None) != (self.scope is ObjectionScope.ORGANISATION):
            raise ValueError("organisation_id belongs to the scope organisation, and that one needs it")
        if (self.purpose is not None) != (self.scope is ObjectionScope.PURPOSE):
            raise ValueError("purpose belongs to the scope purpose, and that one needs it")
        if self.kind is ObjectionKind.ERASURE and self.scope is ObjectionScope.PURPOSE:
            raise ValueError("a number is erased or it is not: the scope of an erasure is no purpose")
        return self


class ReceivedObjection(Wire):
    """A number whose owner wrote to the holder, or told it, and when."""

    number: Number
    occurred_at: Instant = Field(
        description="When the holder received it; not in the future.", examples=["2024-05-20T10:00:00+02:00"]
    )


class ReceivedObjectionsIn(ObjectionIn):
    """Objections that a holder received elsewhere, all of one kind and scope."""

    numbers: list[ReceivedObjection] = Field(min_length=1, max_length=MAX_NUMBERS)
    region: Region = "FR"


class StopReply(Wire):
    """A reply to a message of a campaign."""

    number: Number
    replied_at: Instant = Field(description="Not in the future.", examples=["2024-06-06T10:40:00+02:00"])
    text: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        default=None,
        examples=["Stop !"],
        description="What the person wrote. It counts if it begins with STOP or ARRET, in any case and with accents, "
        "spaces or punctuation; without a text the reply is taken for one. It is not kept.",
    )


class StopsIn(Wire):
    """Replies to a campaign, as its party or its sender received them."""

    replies: list[StopReply] = Field(min_length=1, max_length=MAX_NUMBERS)
    region: Region = "FR"


class ReportResult(BaseModel):
    """What became of one number of a request. The number itself is not repeated: answers are kept for some time."""

    outcome: ReportOutcome
    objection_id: uuid.UUID | None = Field(
        default=None, description="The objection, if the outcome is `recorded` or `already_recorded`."
    )


class ReportResults(BaseModel):
    """What became of each number, in the order of the request."""

    results: list[ReportResult]


class HolderView(BaseModel):
    """A holder, and how a person reaches it."""

    id: uuid.UUID
    legal_name: str = Field(examples=["Contact Direct SAS"])
    privacy_contact: str | None = Field(examples=["dpo@contact-direct.example"])
    has_account: bool = Field(description="If not, nobody is told here: a letter has to be written.")


class RelayView(BaseModel):
    """How far one holder is with an objection, as the person sees it."""

    id: uuid.UUID
    holder: HolderView
    state: RelayState
    refusal: str | None = Field(description="Why the holder refuses, in its own words.")
    recorded_at: AwareDatetime
    due_at: AwareDatetime = Field(description="One calendar month after recording (GDPR 12(3)).")
    delivered_at: AwareDatetime | None
    acknowledged_at: AwareDatetime | None
    ended_at: AwareDatetime | None = Field(description="When the holder completed or refused.")
    overdue: bool = Field(description="Not ended, and the deadline is over.")


class CampaignRef(BaseModel):
    """A campaign by name."""

    id: uuid.UUID
    name: str = Field(examples=["Européennes, dernier appel"])


class FlagView(BaseModel):
    """A dataset that was sealed, or a campaign that was registered, with the number in spite of the objection."""

    holder: OrganisationRef
    dataset_id: uuid.UUID | None
    campaign: CampaignRef | None
    recorded_at: AwareDatetime


class ObjectionOut(BaseModel):
    """An objection as the person sees it, with every hop."""

    id: uuid.UUID
    kind: ObjectionKind
    scope: ObjectionScope
    organisation: OrganisationRef | None
    purpose: Purpose | None
    source: ObjectionSource
    recorded_by: OrganisationRef | None = Field(description="Null if it came from the person here.")
    campaign: CampaignRef | None = Field(description="The campaign that a STOP answered.")
    occurred_at: AwareDatetime = Field(description="When the person acted.")
    recorded_at: AwareDatetime = Field(description="When this registry was told, from which on it has effect here.")
    closed_at: AwareDatetime | None = Field(description="Since when no holder that can be told has anything to do.")
    relays: list[RelayView]
    flags: list[FlagView]


class ObjectionList(BaseModel):
    """Every objection on the person's number, the latest first."""

    items: list[ObjectionOut]


class RefusalIn(Wire):
    """Why a holder does not do what the person asks (GDPR 12(4)); the person reads it."""

    reason: Sentence = Field(
        examples=["Nous devons garder la preuve du consentement : article 17(3)(e)."],
        description="A sentence to the person, 10 to 300 characters, with no phone number in it.",
    )


class RelayOut(BaseModel):
    """An objection's task for the caller."""

    id: uuid.UUID
    kind: ObjectionKind
    scope: ObjectionScope
    purpose: Purpose | None
    occurred_at: AwareDatetime = Field(description="When the person acted.")
    recorded_at: AwareDatetime
    due_at: AwareDatetime = Field(description="One calendar month after recording (GDPR 12(3)).")
    state: RelayState
    refusal: str | None
    delivered_at: AwareDatetime | None
    acknowledged_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class RelayWithNumber(RelayOut):
    """A relay with the number that it is about."""

    cursor: int = Field(examples=[42])
    number: str | None = Field(
        examples=["+33639987777"],
        description="Told while the relay is open, to a holder that holds the number still; null otherwise.",
    )


class RelayPage(BaseModel):
    """A page of the feed."""

    items: list[RelayWithNumber]
    next: int | None = Field(
        examples=[42], description="Pass it as `after` for what comes next. Null if nothing came: keep your last one."
    )


class OverdueRelay(BaseModel):
    """A relay that its holder has not ended in time."""

    id: uuid.UUID
    holder: OrganisationRef
    kind: ObjectionKind
    state: RelayState
    recorded_at: AwareDatetime
    due_at: AwareDatetime


class DeadlineRow(BaseModel):
    """How an organisation deals with what it was asked here."""

    organisation: OrganisationRef
    requests: int = Field(examples=[120], description="Objections and erasures that it was told of.")
    ended: int = Field(examples=[100], description="Those that it completed or refused.")
    median_days: float | None = Field(examples=[6.5], description="From recording to end; null while none ended.")
    overdue: int = Field(examples=[3], description="Not ended, and due by now.")


class DeadlineTable(BaseModel):
    """Every organisation that a person's objection was passed on to: counts alone."""

    as_of: AwareDatetime = Field(description="The last midnight in Paris: what came since is not counted yet.")
    organisations: list[DeadlineRow]


class FlagOut(BaseModel):
    """A dataset or campaign of the caller's in which objected numbers were found."""

    id: uuid.UUID = Field(description="The id of the dataset or campaign.")
    subject: str = Field(examples=["dataset"], description="`dataset` or `campaign`.")
    name: str = Field(examples=["Extrait 30-60 ans"])
    holder: OrganisationRef
    number_count: int = Field(examples=[12], description="How many objected numbers were found in it.")
    recorded_at: AwareDatetime = Field(description="When the last of them was found.")


class FlaggedNumber(BaseModel):
    """An objected number in a dataset or campaign."""

    id: uuid.UUID
    number: str | None = Field(
        examples=["+33639987777"], description="Null if the holder of the dataset or campaign no longer holds it."
    )
    kind: ObjectionKind
    scope: ObjectionScope
    purpose: Purpose | None
    occurred_at: AwareDatetime = Field(description="When the person objected.")
    recorded_at: AwareDatetime = Field(description="When this was found.")
