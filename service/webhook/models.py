"""Tables of webhooks. Each attempt builds its payload again, so no number is stored here."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, LargeBinary, Text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7


class DeliveryState(StrEnum):
    """The state of a delivery: `pending` until it is delivered, or until the last attempt failed.

    One that `failed` may be attempted again once a day. Whatever its state, it has a time for the next attempt then.
    `cancelled`: its endpoint was removed, or nothing was left to send, before it was delivered.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WebhookEndpoint(SQLModel, table=True):
    """An organisation's address for events. After a rotation both secrets sign until the old one expires.

    It belongs to the key that registered it or, after a rotation of that key, to its replacement, and ends with it.
    `through_id` is the processor whose key that is. Triggers keep one without a key from being in use.
    """

    __tablename__ = "webhook_endpoint"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    through_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    api_key_id: uuid.UUID = Field(foreign_key="api_key.id", index=True)
    url: str = Field(sa_type=Text)
    secret_encrypted: bytes = Field(sa_type=LargeBinary)
    previous_secret_encrypted: bytes | None = Field(default=None, sa_type=LargeBinary)
    previous_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    removed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class WebhookDelivery(SQLModel, table=True):
    """One event for one endpoint: its kind, the fact it is about, and how its attempts went."""

    __tablename__ = "webhook_delivery"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    endpoint_id: uuid.UUID = Field(foreign_key="webhook_endpoint.id", index=True)
    event: str = Field(sa_type=Text)
    subject_id: uuid.UUID = Field(index=True)
    state: DeliveryState = Field(default=DeliveryState.PENDING, sa_type=enum_type(DeliveryState))
    attempts: int = 0
    last_outcome: str | None = Field(default=None, sa_type=Text)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    next_attempt_at: datetime | None = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
