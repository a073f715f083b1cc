"""Requests and responses of the objection routes, for persons and for holders."""

import uuid
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from service.core.facts import RequestBody
from service.core.instant import Instant
from service.core.text import Sentence
from service.core.vocabulary import CampaignState, ObjectionKind, ObjectionScope, ObjectionSource, Purpose, RelayState
from service.objection.contest_schemas import ContestAnswerView, ContestedOrigin
from service.provenance.answer.references import CampaignRef, Heir, OrganisationRef

# They are recorded in short transactions, one after the other. More of them would make the request last too long.
MAX_NUMBERS = 1000

Number = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    Field(description="A phone number in any usual spelling.", examples=["06 39 98 77 77"]),
]
Region = Annotated[
    str,
    StringConstraints(pattern="^[A-Z]{2}$"),
    Field(description="The country of numbers without a country code (ISO 3166-1 alpha-2)."),
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


class RecorderKind(StrEnum):
    """Who recorded an objection, as its holder reads it.

    `person`: the person did, by a code or by a STOP to the registry's own number. `organisation`: an organisation that
    you see on a path of this number by its own word, such as a transfer that it declared or acknowledged.
    `organisation_or_sender`: any other organisation, or the sender of its campaign.
    """

    PERSON = "person"
    ORGANISATION = "organisation"
    ORGANISATION_OR_SENDER = "organisation_or_sender"


_RECORDED_BY = (
    "The organisation that recorded it, if `recorder` is `organisation`; null otherwise. If you doubt that the person "
    "objected, write to the operator of this registry with this `id` and ask for a check."
)


_DUE_AT = (
    "The moment from which an answer is late: a month after the objection reached the holder, counted by the working "
    "days of the holder's country, or three if the holder extended it (GDPR 12(3), Regulation 1182/71)."
)


class ObjectionIn(RequestBody):
    """An objection or a request for erasure: to every use, to one organisation, or to one purpose."""

    kind: ObjectionKind = Field(
        description="`objection`: no further messages (GDPR 21). `erasure`: also delete the number (GDPR 17)."
    )
    scope: ObjectionScope = ObjectionScope.EVERYTHING
    organisation_id: uuid.UUID | None = Field(default=None, description="For the scope `organisation`: its id.")
    purpose: Purpose | None = Field(default=None, description="For the scope `purpose`: the purpose.")

    @model_validator(mode="after")
    def _scope_is_complete(self) -> "ObjectionIn":
        if self.kind is ObjectionKind.CONTEST or self.scope is ObjectionScope.ORIGIN:
            raise ValueError("an origin is contested by POST /v1/objections/contests")
        if (self.organisation_id is not None) != (self.scope is ObjectionScope.ORGANISATION):
            raise ValueError("give organisation_id if, and only if, the scope is organisation")
        if (self.purpose is not None) != (self.scope is ObjectionScope.PURPOSE):
            raise ValueError("give purpose if, and only if, the scope is purpose")
        if self.kind is ObjectionKind.ERASURE and self.scope is ObjectionScope.PURPOSE:
            raise ValueError("an erasure cannot be limited to a purpose: use the scope everything or organisation")
        return self


class ReceivedObjection(RequestBody):
    """A number whose owner objected to the holder, and when."""

    number: Number
    occurred_at: Instant = Field(
        description="When the holder received the objection. Not in the future.", examples=["2024-05-20T10:00:00+02:00"]
    )


class ReceivedObjectionsIn(ObjectionIn):
    """Objections that a holder received elsewhere, all of the same kind and scope."""

    numbers: list[ReceivedObjection] = Field(min_length=1, max_length=MAX_NUMBERS)
    region: Region = "FR"


class StopReply(RequestBody):
    """A reply to a campaign's message."""

    number: Number
    replied_at: Instant = Field(
        description="When the person replied. Not in the future.", examples=["2024-06-06T10:40:00+02:00"]
    )
    text: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        default=None,
        examples=["Stop !"],
        description="What the person wrote; it is not stored. The reply is a STOP if it begins with STOP or ARRET, "
        "ignoring case, accents, spaces and punctuation. Without a text it is taken for a STOP.",
    )


class StopsIn(RequestBody):
    """Replies to a campaign that its party or its sender received."""

    replies: list[StopReply] = Field(min_length=1, max_length=MAX_NUMBERS)
    region: Region = "FR"


class ReportResult(BaseModel):
    """What became of one number of a request. The number is not repeated, because responses are stored for a time."""

    outcome: ReportOutcome
    objection_id: uuid.UUID | None = Field(
        default=None, description="The objection's id if the outcome is `recorded` or `already_recorded`."
    )


class ReportResults(BaseModel):
    """What became of each number, in the order of the request."""

    results: list[ReportResult]


class HolderView(BaseModel):
    """A holder, and how a person can contact it."""

    id: uuid.UUID
    legal_name: str = Field(examples=["Contact Direct SAS"])
    privacy_contact: str | None = Field(examples=["dpo@contact-direct.example"])
    stated_by: OrganisationRef | None = Field(
        default=None,
        description="The organisation whose word its name and contact are. Null if it or the operator states them.",
    )
    has_account: bool = Field(description="If false, the registry cannot notify it: the person has to send a letter.")
    closed_on: date | None = Field(
        default=None, description="The day on which it ceased to exist or to be active, if it did."
    )
    succeeded_by: Heir | None = Field(
        default=None, description="Who answers today for what it held, if another does. Its address is the one to use."
    )


class RelayView(BaseModel):
    """The relay of an objection to one holder, as the person sees it."""

    id: uuid.UUID
    holder: HolderView
    state: RelayState
    refusal: str | None = Field(description="The holder's reason, if it refused.")
    delay: str | None = Field(description="The holder's reasons for taking two more months, if it does.")
    recorded_at: AwareDatetime
    received_at: AwareDatetime | None = Field(description="When the holder's month began; null while it waits.")
    due_at: AwareDatetime | None = Field(description=f"{_DUE_AT} Null while it waits.")
    due_on: date | None = Field(description="The last day to answer, in the holder's country; null while it waits.")
    delivered_at: AwareDatetime | None
    acknowledged_at: AwareDatetime | None
    extended_at: AwareDatetime | None = Field(description="When the holder took two more months.")
    ended_at: AwareDatetime | None = Field(description="When the holder completed or refused it.")
    overdue: bool = Field(description="True if the holder has not ended it and the deadline has passed.")
    check: "CheckView | None" = Field(description="Of a relay in the state `waiting`: what it waits for.")


class CheckView(BaseModel):
    """The registry's check of an organisation, until which a relay or an objection waits."""

    organisation: OrganisationRef = Field(description="Whose files the operator has to release.")
    due_at: AwareDatetime = Field(description="Five days after what waits was recorded.")
    overdue: bool = Field(description="Whether the operator is overdue.")


class FlagView(BaseModel):
    """A dataset or a campaign that contains the number although the person had objected."""

    holder: OrganisationRef
    dataset_id: uuid.UUID | None
    campaign: CampaignRef | None
    recorded_at: AwareDatetime


class ObjectionOut(BaseModel):
    """An objection as the person sees it, with its relays and flags."""

    id: uuid.UUID
    kind: ObjectionKind
    scope: ObjectionScope
    organisation: OrganisationRef | None
    purpose: Purpose | None
    source: ObjectionSource
    recorded_by: OrganisationRef | None = Field(description="Who recorded it; null if the person did.")
    campaign: CampaignRef | None = Field(description="The campaign that a STOP replied to.")
    occurred_at: AwareDatetime = Field(description="When the person objected.")
    recorded_at: AwareDatetime = Field(description="When this registry recorded it. It applies from then on.")
    relayed_at: AwareDatetime | None = Field(
        description="Since when it applies to others than the organisation that received it. Null while the registry "
        "checks that organisation."
    )
    check: CheckView | None = Field(
        description="The check of the organisation that received it, after which it is relayed to the other holders."
    )
    closed_at: AwareDatetime | None = Field(description="Since when no holder has anything left to do.")
    origin: ContestedOrigin | None = Field(description="The origin that a contest is about.")
    withdrawn_at: AwareDatetime | None = Field(description="When the person took a contest back.")
    answers: list[ContestAnswerView] = Field(description="What the collector answered to a contest, in order.")
    relays: list[RelayView]
    flags: list[FlagView]

    @property
    def organisation_id(self) -> uuid.UUID | None:
        """The organisation that the scope names."""
        return None if self.organisation is None else self.organisation.id


class ObjectionList(BaseModel):
    """Every objection to the use of the person's number, the latest first."""

    items: list[ObjectionOut]


class RefusalIn(RequestBody):
    """Why a holder refuses what the person asks (GDPR 12(4))."""

    reason: Sentence = Field(
        examples=["Nous devons garder la preuve du consentement : article 17(3)(e)."],
        description="A sentence of 10 to 300 characters for the person to read, without a phone number.",
    )


class ExtensionIn(RequestBody):
    """Why a holder needs two more months (GDPR 12(3))."""

    reason: Sentence = Field(
        examples=["Nous devons interroger nos trois sous-traitants, qui n'ont pas tous répondu."],
        description="The reasons for the delay: a sentence of 10 to 300 characters for the person to read, without a "
        "phone number.",
    )


class RelayOut(BaseModel):
    """An objection that the caller has to act on."""

    id: uuid.UUID
    recorder: RecorderKind
    recorded_by: OrganisationRef | None = Field(description=_RECORDED_BY)
    kind: ObjectionKind
    scope: ObjectionScope
    purpose: Purpose | None
    origin_dataset_id: uuid.UUID | None = Field(
        default=None,
        description="Of a contest: the collected dataset whose origin the person contests. Restrict the use of the "
        "number (GDPR 18), and correct what you state (GDPR 16). Its collector answers with its record.",
    )
    occurred_at: AwareDatetime = Field(description="When the person objected.")
    recorded_at: AwareDatetime
    received_at: AwareDatetime = Field(description="When it reached the caller, so that the month began.")
    due_at: AwareDatetime = Field(description=_DUE_AT)
    state: RelayState
    refusal: str | None
    delay: str | None = Field(description="Your reasons for taking two more months.")
    delivered_at: AwareDatetime | None
    acknowledged_at: AwareDatetime | None
    extended_at: AwareDatetime | None = Field(description="When you took two more months.")
    ended_at: AwareDatetime | None


class RelayWithNumber(RelayOut):
    """A relay with its number."""

    cursor: int = Field(examples=[42])
    number: str | None = Field(
        examples=["+33639987777"],
        description="The number while the relay is open and the caller still holds it; null otherwise.",
    )


class RelayPage(BaseModel):
    """One page of the caller's relays."""

    items: list[RelayWithNumber]
    next: int | None = Field(
        examples=[42],
        description="Pass it as `after` to get the relays that follow. Null if there are none yet: keep your last one.",
    )


class OverdueRelay(BaseModel):
    """A relay that its holder has not ended before the deadline."""

    id: uuid.UUID
    recorder: RecorderKind
    recorded_by: OrganisationRef | None = Field(description="The organisation that recorded the objection.")
    holder: OrganisationRef
    kind: ObjectionKind
    state: RelayState
    recorded_at: AwareDatetime
    due_at: AwareDatetime


class PublicationRef(BaseModel):
    """A published version of a quarter's figures."""

    quarter: str = Field(examples=["2026-Q3"])
    version: int = Field(examples=[1])
    published_on: date
    reason: str | None = Field(description="Why the figures were corrected. Null in version 1.")


class PublicationList(BaseModel):
    """Every version of every published quarter, the newest first."""

    items: list[PublicationRef]


class ExactCounts(BaseModel):
    """The exact counts behind an organisation's public figures of a quarter."""

    organisation: OrganisationRef
    received: int = Field(examples=[123], description="The sum of the five counts that follow.")
    in_time: int = Field(examples=[98], description="Completed within the month.")
    late: int = Field(examples=[12], description="Completed after the month.")
    refused: int = Field(examples=[11])
    withdrawn: int = Field(examples=[0], description="Withdrawn by the person: always 0 as yet.")
    open: int = Field(examples=[2], description="Not answered before the day of publication.")
    median_days: float | None = Field(examples=[6.5], description="Over all answers; null without any.")
    mean_days: float | None = Field(examples=[8.1], description="Over all answers; null without any.")


class FlagOut(BaseModel):
    """A dataset or campaign of the caller's that contains objected numbers."""

    id: uuid.UUID = Field(description="The id of the dataset or campaign.")
    kind: Literal["dataset", "campaign"]
    name: str = Field(examples=["Extrait 30-60 ans"])
    campaign_state: CampaignState | None = Field(
        description="Of a campaign, whether it is planned or was sent. Null for a dataset."
    )
    holder: OrganisationRef
    number_count: int = Field(examples=[12], description="How many objected numbers it contains.")
    recorded_at: AwareDatetime = Field(description="When the last of them was found.")


class FlaggedNumber(BaseModel):
    """An objected number in a flagged dataset or campaign."""

    id: uuid.UUID
    number: str | None = Field(
        examples=["+33639987777"], description="The number; null if the caller no longer holds it."
    )
    recorder: RecorderKind
    recorded_by: OrganisationRef | None = Field(description=_RECORDED_BY)
    kind: ObjectionKind
    scope: ObjectionScope
    purpose: Purpose | None
    occurred_at: AwareDatetime = Field(description="When the person objected.")
    recorded_at: AwareDatetime = Field(description="When it was found in the dataset or campaign.")
