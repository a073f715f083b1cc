"""The gateway of a demonstration: it shows messages on this machine instead of sending them."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlmodel import col, select

from service.core.clock import now
from service.core.db import Database
from service.core.ids import uuid7
from service.messaging.models import Message, OutboxMessage
from service.number.keyring import KeyRing

# Twice as long as a code is good for.
KEPT: Final = timedelta(minutes=10)


class Outbox:
    """A `Gateway` that keeps messages, sealed, for ten minutes."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database, self._ring = database, ring

    async def send(self, number: int, text: str) -> None:
        """Keep the message, to be shown."""
        kept = uuid7()
        sealed = self._ring.encrypt(json.dumps([number, text]).encode(), _context(kept))
        async with self._database.transaction() as session:
            session.add_all([Message(), OutboxMessage(id=kept, sealed=sealed)])


class Shown(NamedTuple):
    """A message as the outbox shows it; `number` is E.164 digits as an integer."""

    number: int
    text: str
    recorded_at: datetime


async def shown(database: Database, ring: KeyRing) -> list[Shown]:
    """What went out in the last ten minutes, the newest first."""
    recent = select(OutboxMessage).where(col(OutboxMessage.recorded_at) > now() - KEPT)
    async with database.transaction() as session:
        rows = (await session.exec(recent.order_by(col(OutboxMessage.id).desc()))).all()
    opened = [(json.loads(ring.decrypt(row.sealed, _context(row.id))), row.recorded_at) for row in rows]
    return [Shown(number, text, recorded_at) for (number, text), recorded_at in opened]


def _context(message_id: uuid.UUID) -> bytes:
    return b"outbox message/" + message_id.bytes
