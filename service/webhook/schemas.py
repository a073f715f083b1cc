"""Wire shapes of webhooks."""

import uuid
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from service.core.facts import Wire
from service.webhook.models import DeliveryState

_URL = "https://crm.contact-direct.example/filiation"


class WebhookIn(Wire):
    """Where an organisation wants to hear."""

    url: str = Field(
        min_length=1,
        max_length=1000,
        examples=[_URL],
        description="An address of the public internet, with https; on port 443 or from 1024 on; without user name, "
        "fragment or anything that looks like a phone number.",
    )


class WebhookOut(BaseModel):
    """An endpoint, without its secret."""

    id: uuid.UUID
    url: str = Field(examples=[_URL])
    recorded_at: AwareDatetime
    previous_until: AwareDatetime | None = Field(
        description="After a rotation: until when the secret before it signs too."
    )
    removed_at: AwareDatetime | None = Field(
        description="When it was removed, or answered 410 and was not called again; null while it is in use."
    )


class IssuedWebhook(WebhookOut):
    """An endpoint whose secret was just made: the only time that it is shown."""

    secret: str | None = Field(
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw7GmSm2yqzQk="],
        description="Keep it now; it verifies what is sent. Null when a repeated request gets its answer again.",
    )


class DeliveryOut(BaseModel):
    """One event for one endpoint, and how its tries went: kept for 90 days after its end. What was sent is not kept."""

    id: uuid.UUID = Field(description="The `webhook-id` of every try.")
    event: str = Field(examples=["relay.created"])
    subject_id: uuid.UUID = Field(description="What the event is about.")
    state: DeliveryState = Field(
        description="`pending` until it is `delivered` (a status from 200 to 299), `dead` (the last of ten tries in "
        "some three days failed, or the receiver answered 410) or `withdrawn` (nothing left to tell, or the endpoint "
        "was removed)."
    )
    tries: int = Field(examples=[1])
    last_outcome: str | None = Field(
        examples=["status 503"],
        description="How the last try went: `status` and a number, `timeout`, `no connection`, `broken connection`, "
        "`no secure connection`, `refused address`, `unknown name`, `failed here`, `nothing to tell` or "
        "`endpoint removed`.",
    )
    recorded_at: AwareDatetime
    next_try_at: AwareDatetime | None
    ended_at: AwareDatetime | None


OfState = Annotated[DeliveryState | None, Query(description="Only deliveries of this state; `dead`: to be looked at.")]
