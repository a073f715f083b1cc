"""Tables of webhooks. What is sent is made anew at each try, so that no number waits here."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, LargeBinary, Text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.ids import uuid7


class DeliveryState(StrEnum):
    """How far an event got: tried again until it is delivered, or dead after the last try.

    `withdrawn`: before it was delivered, its endpoint was removed or there was nothing left to tell.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class WebhookEndpoint(SQLModel, table=True):
    """Where an organisation wants to hear. After a rotation both secrets sign, until the old one's time is over."""

    __tablename__ = "webhook_endpoint"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    url: str = Field(sa_type=Text)
    secret_encrypted: bytes = Field(sa_type=LargeBinary)
    previous_secret_encrypted: bytes | None = Field(default=None, sa_type=LargeBinary)
    previous_until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    removed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class WebhookDelivery(SQLModel, table=True):
    """One event for one endpoint: what kind, about which fact, and how its tries went."""

    __tablename__ = "webhook_delivery"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    endpoint_id: uuid.UUID = Field(foreign_key="webhook_endpoint.id", index=True)
    event: str = Field(sa_type=Text)
    subject_id: uuid.UUID = Field(index=True)
    state: str = Field(default=DeliveryState.PENDING, sa_type=Text)
    tries: int = 0
    last_outcome: str | None = Field(default=None, sa_type=Text)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    next_try_at: datetime | None = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
