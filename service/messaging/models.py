"""Tables of messages. Only the outbox of a demonstration stores who receives a message, and it is encrypted."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, LargeBinary
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7


class MessageState(StrEnum):
    """How far a message got, as the provider reports."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


class Message(SQLModel, table=True):
    """A message that was handed to the provider. A delivery report names it by its id."""

    __tablename__ = "message"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    state: MessageState = Field(default=MessageState.SENT, sa_type=enum_type(MessageState))
    sent_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
    reported_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class OutboxMessage(SQLModel, table=True):
    """A message that a demonstration shows instead of sending it: encrypted, and deleted after some minutes."""

    __tablename__ = "outbox_message"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    encrypted: bytes = Field(sa_type=LargeBinary)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
