"""One function per operation on messages, and the record of each."""

import hmac
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, run
from service.core.errors import UnknownGateway, Unprocessable
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.task_queue import task
from service.messaging.models import Message, MessageState
from service.messaging.outbox import KEPT as OUTBOX_KEPT
from service.number.keyring import KeyRing
from service.number.normalisation import NumberRejected, normalise_number

OnInbound = Callable[[int, str, str], Awaitable[None]]
"""What is done with a message from a telephone: its number (E.164 digits), the originator it was sent to, its text."""

# Kannel's words for what became of a message (user's guide, "Delivery reports"), of which any may be asked for by the
# sum of their bits. That it waits at the centre (4) is no news.
_DELIVERED, _UNDELIVERABLE, _AT_CENTRE, _REFUSED_BY_CENTRE = 1, 2, 8, 16
MASK: Final = _DELIVERED | _UNDELIVERABLE | _AT_CENTRE | _REFUSED_BY_CENTRE
_STATES: Final = {
    _DELIVERED: MessageState.DELIVERED,
    _UNDELIVERABLE: MessageState.FAILED,
    _AT_CENTRE: MessageState.SENT,
    _REFUSED_BY_CENTRE: MessageState.FAILED,
}


async def record_message(database: Database) -> uuid.UUID:
    """The id of a message that is about to be sent: all that anybody will know it by."""
    message = Message()
    async with database.transaction() as session:
        session.add(message)
    return message.id


# What is final stays: reports may come twice, and out of order.
_SETTLE = text("UPDATE message SET state = :state, reported_at = :moment WHERE id = :id AND state = 'sent'")


async def settle(database: Database, message_id: uuid.UUID, state: MessageState) -> None:
    """Note what became of a message."""
    async with database.transaction() as session:
        await run(session, _SETTLE, {"id": message_id, "state": state.value, "moment": now()})


def report_token(ring: KeyRing, message_id: uuid.UUID) -> str:
    """What only the gateway that was given a message can know of it: 64 hexadecimal digits."""
    return ring.fingerprint("delivery report", message_id.bytes).hex()


async def report_message(database: Database, ring: KeyRing, message_id: uuid.UUID, token: str, state: int) -> None:
    """Note the gateway's report on one message. A state that Kannel does not have, or of an old message, is ignored.

    Raises UnknownGateway if the token is not that message's.
    """
    if not hmac.compare_digest(report_token(ring, message_id).encode(), token.encode()):
        raise UnknownGateway("report_refused", "This is not the address that was given for reports on this message.")
    if state in _STATES:
        await settle(database, message_id, _STATES[state])


def require_gateway(settings: Settings, secret: str) -> None:
    """Let only our gateway bring messages. Where none is set up, nobody can.

    Raises UnknownGateway.
    """
    known = settings.kannel_inbound_secret.get_secret_value() if settings.kannel_inbound_secret else ""
    if not known or not hmac.compare_digest(known.encode(), secret.encode()):
        raise UnknownGateway(
            "gateway_refused",
            "Only this registry's SMS gateway may bring messages: put the secret of FILIATION_KANNEL_INBOUND_SECRET "
            "as password into its `post-url`.",
        )


async def receive_message(on_inbound: OnInbound, sender: str, originator: str, text: str) -> None:
    """Hand on a message that came from a telephone to `originator`.

    Raises Unprocessable if the sender's number cannot be read: nobody could be told from it.
    """
    await on_inbound(_read_sender(sender), originator, text)


def _read_sender(sender: str) -> int:
    """A number as a message centre gives it: international, often without its plus."""
    for spelling in (sender, f"+{sender}"):
        try:
            return normalise_number(spelling, "FR")
        except NumberRejected:
            continue
    raise Unprocessable("sender_unreadable", "X-Kannel-From holds no telephone number in international form.")


# A report that has not come by then will not come.
_MESSAGES_KEPT: Final = timedelta(days=7)
_FORGET = text("DELETE FROM message WHERE sent_at < :before")
_FORGET_SHOWN = text("DELETE FROM outbox_message WHERE recorded_at < :before")


@task("forget_messages", cron="* * * * *")
async def forget_messages(resources: Resources) -> None:
    """Drop the messages that nothing is to be heard of any more, and those that were shown long enough."""
    database = resources.get(Database)
    async with database.transaction() as session:
        await _forget(session)


async def _forget(session: AsyncSession) -> None:
    await run(session, _FORGET, {"before": now() - _MESSAGES_KEPT})
    await run(session, _FORGET_SHOWN, {"before": now() - OUTBOX_KEPT})
