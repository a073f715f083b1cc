"""Exclusions: datasets that no longer hold a number, because their holder erased it (GDPR Art. 17).

An exclusion ends a holding. The stored copy stays, and with it the proof of origin, as long as it has dependents. Every
function works in the caller's transaction.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Final, LiteralString

from service.core.clock import now
from service.core.erasures import Erasures
from service.membership import blocks
from service.membership.store import Connection, rows_of
from service.number.keyring import KEY_BYTES

_ABOVE_ALL_KEYS: Final = bytes([255]) * (KEY_BYTES + 1)


async def exclude(
    conn: Connection, key: bytes, dataset_ids: Collection[uuid.UUID], erased_at: datetime | None = None
) -> None:
    """Record that datasets no longer hold a number, from `erased_at` on, or from now. Earlier exclusions stay as is.

    Raises psycopg.errors.ForeignKeyViolation if a dataset does not exist.
    """
    query: LiteralString = """
        INSERT INTO exclusion (key, dataset_id, erased_at) SELECT %s, unnest(%s::uuid[]), %s ON CONFLICT DO NOTHING
    """
    await conn.execute(query, (key, sorted(dataset_ids), erased_at or now()))


async def erasures_in_shards(
    conn: Connection, dataset_ids: Collection[uuid.UUID], shards: range
) -> dict[bytes, Erasures]:
    """The numbers in some shards that were erased from any of these datasets, in key order, with their erasures."""
    width = 1 << 8 - blocks.SHARD_BITS
    begin = bytes([shards.start * width])
    end = bytes([shards.stop * width]) if shards.stop < blocks.SHARDS else _ABOVE_ALL_KEYS
    query: LiteralString = """
        SELECT key, dataset_id, erased_at FROM exclusion
        WHERE dataset_id = ANY(%s) AND key >= %s AND key < %s ORDER BY key
    """
    found: dict[bytes, dict[uuid.UUID, datetime]] = {}
    async for key, dataset_id, erased_at in rows_of(conn, query, (list(dataset_ids), begin, end)):
        found.setdefault(key, {})[dataset_id] = erased_at
    return dict(found)


async def drop_exclusions(conn: Connection, key: bytes, dataset_ids: Collection[uuid.UUID]) -> None:
    """Drop the exclusions of a number from some datasets, whose copy of it is gone for good."""
    await conn.execute("DELETE FROM exclusion WHERE key = %s AND dataset_id = ANY(%s)", (key, list(dataset_ids)))


async def drop_exclusions_of_number(conn: Connection, key: bytes) -> None:
    """Drop all exclusions of a number, once no copy of it is stored."""
    await conn.execute("DELETE FROM exclusion WHERE key = %s", (key,))
