"""The record of each message: sent, delivered or failed. It does not say who received the message."""

import hmac
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import text

from service.core.clock import now
from service.core.db import Database, run
from service.core.errors import UnknownGateway
from service.core.retention import Rule, forget
from service.messaging.models import Message, MessageState
from service.number.keyring import KeyRing

OnInbound = Callable[[int, str, str], Awaitable[None]]
"""Handles a message from a telephone: its number (E.164 digits), the originator it was sent to, and its text."""


async def record_message(database: Database) -> uuid.UUID:
    """Record a message that is about to be sent, and return its id: all that the provider's report names."""
    message = Message()
    async with database.transaction() as session:
        session.add(message)
    return message.id


# A final state stays: reports may arrive twice or out of order.
_SET_STATE = text("UPDATE message SET state = :state, reported_at = :moment WHERE id = :id AND state = 'sent'")


async def record_state(database: Database, message_id: uuid.UUID, state: MessageState) -> None:
    """Record what became of a message. Unknown messages are ignored: they may have been deleted."""
    async with database.transaction() as session:
        await run(session, _SET_STATE, {"id": message_id, "state": state.value, "moment": now()})


def report_token(ring: KeyRing, message_id: uuid.UUID) -> str:
    """What only the provider that was given a message can know of it: 64 hexadecimal digits."""
    return ring.fingerprint("delivery report", message_id.bytes).hex()


def require_report_token(ring: KeyRing, message_id: uuid.UUID, token: str) -> None:
    """Accept a report only with the token that was given for its message.

    Raises:
        UnknownGateway: it is another token.
    """
    if not hmac.compare_digest(report_token(ring, message_id).encode(), token.encode()):
        raise UnknownGateway("report_refused", "The token does not belong to this message. Report to the given URL.")


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
