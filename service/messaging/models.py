"""Tables of messages.

Only the outbox of a demonstration stores who receives a message, encrypted. No number or text of a message from a
telephone is stored.
"""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, LargeBinary
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7


class MessageState(StrEnum):
    """What became of a message. Until the provider's report comes, and if it never does, it is unknown."""

    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    FAILED = "failed"


class Message(SQLModel, table=True):
    """A message that was handed to the provider. A delivery report names it by its id."""

    __tablename__ = "message"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    state: MessageState = Field(default=MessageState.UNKNOWN, sa_type=enum_type(MessageState))
    sent_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
    reported_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class InboundMessage(SQLModel, table=True):
    """A message from a telephone that had an effect, so that it has none when it is delivered again.

    The fingerprint is that of sender, originator and text, by which a message is known that the operator delivers
    again, under another id. It is null for such a repetition, and once no repetition is expected.
    """

    __tablename__ = "inbound_message"

    id: uuid.UUID = Field(primary_key=True)
    fingerprint: bytes | None = Field(default=None, sa_type=LargeBinary, index=True)
    received_at: datetime = Field(sa_type=DateTime(timezone=True))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)


class OutboxMessage(SQLModel, table=True):
    """A message that a demonstration shows instead of sending it: encrypted, and deleted after some minutes."""

    __tablename__ = "outbox_message"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    encrypted: bytes = Field(sa_type=LargeBinary)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
