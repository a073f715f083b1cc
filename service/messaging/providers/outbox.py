"""The outbox, for demonstrations: it shows messages on this machine instead of sending them."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlmodel import col, select

from service.core.clock import now
from service.core.db import Database
from service.core.retention import Rule, forget
from service.messaging.models import Message, OutboxMessage
from service.number.keyring import KeyRing

# Twice as long as a code is valid.
_KEPT: Final = timedelta(minutes=10)


class Outbox:
    """A `Gateway` that keeps messages, encrypted, for ten minutes."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database, self._ring = database, ring

    async def send(self, message_id: uuid.UUID, number: int, text: str, *, until: datetime) -> None:
        """Keep the message so that it can be shown, also after it is over."""
        encrypted = self._ring.encrypt(json.dumps([number, text]).encode(), _context(message_id))
        async with self._database.transaction() as session:
            session.add_all([Message(id=message_id), OutboxMessage(id=message_id, encrypted=encrypted)])


class ShownMessage(NamedTuple):
    """A message as the outbox shows it. `number` is E.164 digits as an integer."""

    number: int
    text: str
    recorded_at: datetime


async def list_shown(database: Database, ring: KeyRing) -> list[ShownMessage]:
    """The messages of the last ten minutes, the newest first."""
    newest_first = (col(OutboxMessage.recorded_at).desc(), col(OutboxMessage.id).desc())
    newest_first = (col(OutboxMessage.recorded_at).desc(), col(OutboxMessage.id).desc())
    recent = select(OutboxMessage).where(col(OutboxMessage.recorded_at) > now() - _KEPT).order_by(*newest_first)
    async with database.transaction() as session:
        rows = (await session.exec(recent)).all()
    decrypted = [(json.loads(ring.decrypt(row.encrypted, _context(row.id))), row.recorded_at) for row in rows]
    return [ShownMessage(number, text, recorded_at) for (number, text), recorded_at in decrypted]


def _context(message_id: uuid.UUID) -> bytes:
    return b"outbox message/" + message_id.bytes


forget(
    "forget_outbox_messages",
    "* * * * *",
    Rule(
        table=OutboxMessage,
        moment="recorded_at",
        kept=_KEPT,
        data="a message that a demonstration shows instead of sending it, encrypted",
        since="its sending",
    ),
)
