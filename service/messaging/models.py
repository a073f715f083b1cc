"""Tables of messages. None says whom a message went to but the outbox of the demonstration, and that sealed."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, LargeBinary
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7


class MessageState(StrEnum):
    """How far a message got, as the gateway reports."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


class Message(SQLModel, table=True):
    """A message that was handed to the gateway. Its id is all that a delivery report tells."""

    __tablename__ = "message"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    state: MessageState = Field(default=MessageState.SENT, sa_type=enum_type(MessageState))
    sent_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
    reported_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class OutboxMessage(SQLModel, table=True):
    """A message that a demonstration shows instead of sending it: sealed, and gone after some minutes."""

    __tablename__ = "outbox_message"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    sealed: bytes = Field(sa_type=LargeBinary)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
