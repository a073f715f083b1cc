"""Exclusions: datasets that hold a number no more, because their holder erased it (GDPR Art. 17).

A holding ends by an exclusion. The stored copy stays as long as others draw on it, and with it their origins. Every
function works in the caller's transaction.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import LiteralString

from service.core.clock import now
from service.core.ended import Ended
from service.membership.store import Connection, rows_of


async def exclude(
    conn: Connection, key: bytes, dataset_ids: Collection[uuid.UUID], erased_at: datetime | None = None
) -> None:
    """Have datasets hold a number no more, from `erased_at` on, or from now. What was excluded before stays as it is.

    Raises psycopg.errors.ForeignKeyViolation if there is no such dataset.
    """
    query: LiteralString = """
        INSERT INTO exclusion (key, dataset_id, erased_at) SELECT %s, unnest(%s::uuid[]), %s ON CONFLICT DO NOTHING
    """
    await conn.execute(query, (key, sorted(dataset_ids), erased_at or now()))


async def excluded(conn: Connection, key: bytes) -> Ended:
    """The datasets that a number was erased from, and when; also those of which the stored copy is gone."""
    query: LiteralString = "SELECT dataset_id, erased_at FROM exclusion WHERE key = %s"
    return {dataset_id: erased_at async for dataset_id, erased_at in rows_of(conn, query, (key,))}


async def forget(conn: Connection, key: bytes) -> None:
    """Drop all exclusions of a number: done once nobody stores it any more."""
    await conn.execute("DELETE FROM exclusion WHERE key = %s", (key,))
