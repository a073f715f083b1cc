"""The order of a holder's relays: each gets its cursor when the holder's list is read, after it was committed.

Cursors that were given while relays are recorded would have to be committed in their order, so that no reader misses
one. Then all objections would wait for each other, and the gaps would count other holders' relays. Here a reader gives
the next cursors of this holder alone to whatever was committed without one. So later relays come after all that
anybody has read, and the cursors have no gaps. A relay that waits for a release, or for its holder's
account, gets its cursor once it is let out.
"""

import uuid
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import run

_HAS_NEW: Final = text("""
    SELECT EXISTS (
        SELECT FROM relay WHERE holder_id = :holder_id AND cursor IS NULL AND state NOT IN ('waiting', 'undeliverable'))
""")
# Locks the holder's row until the transaction ends, also if it is new.
_LOCK: Final = text("""
    INSERT INTO relay_feed (holder_id, last_cursor) VALUES (:holder_id, 0)
    ON CONFLICT (holder_id) DO UPDATE SET last_cursor = relay_feed.last_cursor
""")
# Relays of one act have the same time. Their order must not tell how the registry found them.
_GIVE: Final = text("""
    WITH given AS (
        UPDATE relay SET cursor = last_cursor + place
        FROM (SELECT id, row_number() OVER (ORDER BY recorded_at, random()) AS place
              FROM relay
              WHERE holder_id = :holder_id AND cursor IS NULL AND state NOT IN ('waiting', 'undeliverable')) AS new,
             relay_feed AS feed
        WHERE relay.id = new.id AND feed.holder_id = :holder_id
        RETURNING relay.cursor)
    UPDATE relay_feed SET last_cursor = last_cursor + (SELECT count(*) FROM given) WHERE holder_id = :holder_id
""")


async def give_cursors(session: AsyncSession, holder_id: uuid.UUID) -> None:
    """Put the relays of a holder that have no cursor yet at the end of its list.

    Call it before reading the list, in a transaction in which each statement sees what is committed.
    """
    values = {"holder_id": holder_id}
    if await session.scalar(_HAS_NEW, values):
        await run(session, _LOCK, values)
        await run(session, _GIVE, values)
