"""Exclusions: datasets that hold a number no more, because their holder erased it (GDPR Art. 17).

A holding ends by an exclusion. The stored copy stays as long as others draw on it, and with it their origins. Every
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

_BEYOND: Final = bytes([255]) * (KEY_BYTES + 1)


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


async def excluded(conn: Connection, key: bytes) -> Erasures:
    """The datasets that a number was erased from, and when; also those of which the stored copy is gone."""
    query: LiteralString = "SELECT dataset_id, erased_at FROM exclusion WHERE key = %s"
    return {dataset_id: erased_at async for dataset_id, erased_at in rows_of(conn, query, (key,))}


async def erasures_in_shard(conn: Connection, dataset_ids: Collection[uuid.UUID], shard: int) -> dict[bytes, Erasures]:
    """The numbers in one shard that were erased from any of these datasets, in key order, and where and when each."""
    width = 1 << 8 - blocks.SHARD_BITS
    bounds = [bytes([one * width]) if one < blocks.SHARDS else _BEYOND for one in (shard, shard + 1)]
    query: LiteralString = """
        SELECT key, dataset_id, erased_at FROM exclusion
        WHERE dataset_id = ANY(%s) AND key >= %s AND key < %s ORDER BY key
    """
    found: dict[bytes, dict[uuid.UUID, datetime]] = {}
    async for key, dataset_id, erased_at in rows_of(conn, query, (list(dataset_ids), *bounds)):
        found.setdefault(key, {})[dataset_id] = erased_at
    return dict(found)


async def drop_exclusions_of_dataset(conn: Connection, dataset_id: uuid.UUID) -> None:
    """Drop all exclusions of a dataset: its holder has sent a file since, which says what is in it."""
    await conn.execute("DELETE FROM exclusion WHERE dataset_id = %s", (dataset_id,))


async def drop_exclusions_of_number(conn: Connection, key: bytes) -> None:
    """Drop all exclusions of a number: done once nobody stores it any more."""
    await conn.execute("DELETE FROM exclusion WHERE key = %s", (key,))
