"""The days of collections as instants, in which all consents of their datasets lie."""

import uuid
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import run
from service.core.errors import Unprocessable
from service.membership.encryption import decrypt_span
from service.number.keyring import KeyRing


def period_of(began_on: date, ended_on: date | None, zone: ZoneInfo) -> tuple[datetime, datetime | None]:
    """Days in the notice's time zone, as instants."""
    begin = datetime.combine(began_on, time.min, zone)
    return begin, datetime.combine(ended_on, time.max, zone) if ended_on else None


# A dataset keeps the collection that it was registered with, also when that collection is corrected later.
_SPANS = text("""
    WITH RECURSIVE earlier (id, corrects_id) AS (
        SELECT id, corrects_id FROM collection WHERE id = :id
        UNION ALL
        SELECT found.id, found.corrects_id FROM collection AS found JOIN earlier ON found.id = earlier.corrects_id)
    SELECT dataset.id, consent_span FROM dataset JOIN earlier ON collection_id = earlier.id
    WHERE consent_span IS NOT NULL
""")


async def check_spans(
    session: AsyncSession,
    ring: KeyRing,
    collection_id: uuid.UUID,
    began_on: date,
    ended_on: date | None,
    time_zone: str,
) -> None:
    """Refuse days of a collection outside of which a dataset of it, or of what it corrects, has consents."""
    began_at, ended_at = period_of(began_on, ended_on, ZoneInfo(time_zone))
    rows = await run(session, _SPANS, {"id": collection_id})
    spans = [decrypt_span(ring, row.id, row.consent_span) for row in rows]
    if any(span.first < began_at or (ended_at is not None and span.last > ended_at) for span in spans):
        raise Unprocessable(
            "consents_outside_period",
            "Datasets of this collection contain consents outside this period. Choose one that covers them.",
        )
