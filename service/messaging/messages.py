"""What became of each message that was sent, without who received it; and what a message from a telephone is."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, run
from service.core.retention import Rule, forget
from service.messaging.models import Message, MessageState


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from a telephone.

    `id` is the provider's, which it repeats if it delivers the message again. `number` is E.164 digits, `originator` is
    what the message was sent to. `received_at` is when the provider took the message over, in whole seconds.
    """

    id: uuid.UUID
    number: int
    originator: str
    text: str
    received_at: datetime

    def __repr__(self) -> str:
        return f"Inbound(id={self.id!r})"


OnInbound = Callable[[Inbound], Awaitable[None]]
"""Handles a message from a telephone. What follows from the message is committed when it returns.

The provider may forget the message then, and not before. It delivers a message again for which this did not return.
"""


async def record_message(database: Database, message_id: uuid.UUID) -> None:
    """Record a message that is about to be sent. The provider's report names its id, and nothing else."""
    async with database.transaction() as session:
        session.add(Message(id=message_id))


async def state_of_message(session: AsyncSession, message_id: uuid.UUID) -> MessageState:
    """What became of a message, as far as a report came. It is unknown as well if the message was deleted."""
    found = (await session.exec(select(Message.state).where(col(Message.id) == message_id))).one_or_none()
    return MessageState.UNKNOWN if found is None else MessageState(found)


# A final state stays: reports may arrive twice or out of order.
_SET_STATE = text("UPDATE message SET state = :state, reported_at = :moment WHERE id = :id AND state = 'unknown'")


async def record_state(database: Database, message_id: uuid.UUID, state: MessageState) -> None:
    """Record what became of a message. Unknown messages are ignored: they may have been deleted."""
    async with database.transaction() as session:
        await run(session, _SET_STATE, {"id": message_id, "state": state.value, "moment": now()})


forget(
    "forget_messages",
    "* * * * *",
    # A report that has not arrived by then will not arrive.
    Rule(
        table=Message,
        moment="sent_at",
        kept=timedelta(days=7),
        data="the state of a sent message, without its number and text",
        since="its sending",
    ),
)
