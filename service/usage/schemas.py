"""Responses about usage."""

import uuid
from datetime import date

from pydantic import AwareDatetime, BaseModel, Field

from service.core.facts import RequestBody
from service.core.vocabulary import UsageKind

_KINDS = (
    "`bytes` and `lines` uploaded, `numbers` sealed, `lookups`; `datasets`, `organisations` and `webhooks` registered; "
    "`reports` of numbers that object, and `objections` recorded by them."
)


class UsageAlertOut(BaseModel):
    """A day (UTC) on which an organisation did far more than usual, or reached a limit."""

    id: uuid.UUID
    organisation_id: uuid.UUID | None = Field(description="Null for the codes that the registry sends.")
    kind: UsageKind = Field(
        description=_KINDS + " `codes`: those sent to persons, of which the budget is nearly spent."
    )
    day: date
    count: int = Field(examples=[250000], description="How many on that day so far.")
    usual_count: int = Field(
        examples=[4000],
        description="The mean of its days with any use in the four weeks before. 0 if there were none.",
    )
    reached_limit: int | None = Field(
        examples=[5000], description="The limit that was reached. Null if the day was only unusual."
    )
    recorded_at: AwareDatetime = Field(description="When this was noticed first.")


class UsageLimitIn(RequestBody):
    """How much an organisation may do in a day from now on."""

    organisation_id: uuid.UUID
    kind: UsageKind = Field(description=_KINDS + " `numbers` and `codes` have no limit of an organisation.")
    daily_limit: int = Field(ge=0, le=10**15, examples=[500000])


class UsageLimitOut(BaseModel):
    """A limit that the operator set for an organisation. Its latest one of a kind counts."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    kind: UsageKind
    daily_limit: int = Field(examples=[500000])
    operator_id: uuid.UUID
    recorded_at: AwareDatetime


class UsageOut(BaseModel):
    """What an organisation has done today (UTC) of a kind, and how much it may do."""

    kind: UsageKind = Field(description=_KINDS)
    count: int = Field(examples=[1200], description="Up to 100 lookups more than were made, for each process.")
    daily_limit: int = Field(examples=[100000])
    until: AwareDatetime = Field(description="When the day ends, and the count begins again at 0.")
