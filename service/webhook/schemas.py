"""Requests and responses of the webhook routes."""

import uuid
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from service.core.facts import RequestBody
from service.webhook.models import DeliveryState

_URL = "https://crm.contact-direct.example/filiation"


class WebhookIn(RequestBody):
    """The address that events are sent to."""

    url: str = Field(
        min_length=1,
        max_length=1000,
        examples=[_URL],
        description="An https address on the public internet, on port 443 or a port from 1024. It contains no user "
        "name, no fragment and nothing that looks like a phone number.",
    )


class WebhookOut(BaseModel):
    """An endpoint, without its secret."""

    id: uuid.UUID
    url: str = Field(examples=[_URL])
    api_key_id: uuid.UUID = Field(
        description="The API key that registered it, or that replaced that key in a rotation. The webhook ends with it."
    )
    through_id: uuid.UUID | None = Field(
        description="The processor whose key registered it for your organisation; null if the key is your own."
    )
    recorded_at: AwareDatetime
    previous_until: AwareDatetime | None = Field(
        description="After a rotation: until when the previous secret signs too."
    )
    removed_at: AwareDatetime | None = Field(
        description="When it was removed or answered 410, or its key ended. Null while it is in use."
    )


class IssuedWebhook(WebhookOut):
    """An endpoint with its new secret, which is shown only this once."""

    secret: str | None = Field(
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw7GmSm2yqzQk="],
        description="Store it now: it verifies deliveries. Null if a repeated request gets its first response again.",
    )


class DeliveryOut(BaseModel):
    """One event for one endpoint, and how its attempts went. Kept for 90 days after its end, without its payload."""

    id: uuid.UUID = Field(description="The `webhook-id` of every attempt.")
    event: str = Field(examples=["relay.created"])
    subject_id: uuid.UUID = Field(description="What the event is about.")
    state: DeliveryState = Field(
        description="`pending` until it is `delivered` (the receiver answered 200 to 299), `failed` (the last of ten "
        "attempts within about three days failed, or the receiver answered 410) or `cancelled` (nothing was left to "
        "send, or the endpoint was removed or ended with its key). A failed `relay.created` is attempted once a day "
        "while the relay is open."
    )
    attempts: int = Field(examples=[1])
    last_outcome: str | None = Field(
        examples=["status 503"],
        description="How the last attempt ended: `status` and a number, `timeout`, `connection failed`, "
        "`connection broken`, `TLS failed`, `address refused`, `name not found`, `internal error`, "
        "`nothing to send`, `endpoint removed` or `key ended`.",
    )
    recorded_at: AwareDatetime
    next_attempt_at: AwareDatetime | None
    ended_at: AwareDatetime | None


StateFilter = Annotated[DeliveryState | None, Query(description="Only deliveries in this state, such as `failed`.")]
