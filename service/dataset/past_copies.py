"""The stored copies of holdings that ended, and of datasets that were withdrawn. They go some years later.

Until then they serve the numbers' persons and the authority, and prove where others have their numbers from. A copy
goes when each holding that has its numbers from there has ended or was withdrawn, and that was recorded so long ago:
neither what a holder states of the past nor what it states last makes a copy go earlier. The facts stay, with their
counts.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, LiteralString

from procrastinate import App
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, connection_of, run
from service.core.errors import Conflict
from service.core.resources import Resources
from service.core.retention import Rule, declare
from service.core.settings import Settings
from service.core.task_queue import task
from service.dataset.erasure import drop_unneeded_copies
from service.dataset.losses import forget_losses
from service.dataset.models import Dataset, DatasetStatement
from service.dataset.recount import request_recount
from service.membership import bulk_read, erasure, exclusion, store
from service.membership.blocks import SHARDS
from service.membership.descent.descendants import DESCENDANTS_QUERY, descendants_from_rows
from service.membership.store import Connection, rows_of
from service.number.keyring import KeyRing, split_keys


async def _by_its_task(_session: AsyncSession, _before: datetime) -> None:
    raise AssertionError("copies are dropped with the key ring, by a task of their own")


_RULE: Final = Rule(
    table=DatasetStatement,
    moment="recorded_at",
    kept=timedelta(days=1096),
    setting="past_copies_kept_days",
    data="the stored copy of a dataset whose holding ended or that was withdrawn, unless others have numbers from it",
    since="the record of the last such end or withdrawal",
    work=_by_its_task,
)
declare(_RULE)

# Uploaded datasets that store a copy. Whatever still has a number from there must be past too. What only shared a
# withdrawn dataset has none.
_OVER: Final = text("""
    WITH past AS MATERIALIZED (
        SELECT dataset_id FROM ended_holding WHERE recorded_at < :before
        UNION SELECT dataset_id FROM withdrawn_dataset WHERE recorded_at < :before)
    SELECT id
    FROM dataset JOIN past ON past.dataset_id = dataset.id
    WHERE content = 'uploaded' AND state = 'sealed'
      AND EXISTS (SELECT FROM segment_member AS member WHERE member.dataset_id = dataset.id AND member.number_count > 0)
      AND NOT EXISTS (
          SELECT FROM ancestor_count AS counted
          WHERE ancestor_id = dataset.id AND count_left > 0
            AND counted.dataset_id NOT IN (SELECT dataset_id FROM past))
    ORDER BY id
""")


@task("forget_past_copies", cron="53 4 * * *")
async def forget_past_copies(resources: Resources) -> None:
    """Drop the stored copies that nobody has had for long enough, each in a transaction of its own."""
    database, days = resources.get(Database), resources.get(Settings).past_copies_kept_days
    before = now() - timedelta(days=days)
    async with database.transaction() as session:
        dataset_ids = (await run(session, _OVER, {"before": before})).scalars().all()
    for dataset_id in dataset_ids:
        async with database.transaction() as session:
            await erasure.lock_erasures(await connection_of(session))
            # Again, with the lock: an end may have been taken back meanwhile.
            if dataset_id in (await run(session, _OVER, {"before": before})).scalars().all():
                await drop_copy(session, resources.get(KeyRing), resources.get(App), dataset_id)


def refuse_dropped(row: Dataset) -> None:
    """Refuse to take back what a dropped copy rested on.

    Raises:
        Conflict: the dataset's stored copy was dropped.
    """
    if row.copy_dropped_at is not None:
        raise Conflict(
            "copy_dropped", "The stored copy of this dataset was deleted in the meantime. Register the file again."
        )


_ZERO_DATASET: Final = text("""
    UPDATE dataset SET numbers_left = 0, orphans_left = 0, copy_dropped_at = now() WHERE id = :id
""")
_ZERO_ANCESTORS: Final = text("UPDATE ancestor_count SET count_left = 0 WHERE dataset_id = :id")
_ZERO_NOTICES: Final = text("UPDATE notice_count SET count_left = 0 WHERE dataset_id = :id")


async def drop_copy(session: AsyncSession, ring: KeyRing, queue: App, dataset_id: uuid.UUID) -> None:
    """Drop the stored copy of a dataset. What was sealed stays counted, and nothing of it is left."""
    connection = await connection_of(session)
    keys = await _exclusions_of_family(connection, dataset_id)
    for shard in range(SHARDS):
        stored = await bulk_read.keys_in_shards(connection, [dataset_id], range(shard, shard + 1))
        for key in split_keys(stored[dataset_id]):
            await erasure.erase(connection, ring, key, [dataset_id])
    await _drop_exclusions_without_copy(connection, ring, keys, dataset_id)
    for key in keys:
        await drop_unneeded_copies(session, ring, key)
    for zero in (_ZERO_DATASET, _ZERO_ANCESTORS, _ZERO_NOTICES):
        await run(session, zero, {"id": dataset_id})
    await forget_losses(session, dataset_id)
    await request_recount(session, queue, [dataset_id])


async def _exclusions_of_family(connection: Connection, dataset_id: uuid.UUID) -> list[bytes]:
    query: LiteralString = """
        WITH RECURSIVE down (id) AS (
            SELECT %s::uuid
            UNION
            SELECT edge.dataset_id FROM down JOIN dataset_parent AS edge ON edge.parent_id = down.id)
        SELECT DISTINCT key FROM exclusion JOIN down ON down.id = dataset_id ORDER BY key
    """
    return [row[0] async for row in rows_of(connection, query, (dataset_id,))]


async def _drop_exclusions_without_copy(
    connection: Connection, ring: KeyRing, keys: Collection[bytes], dataset_id: uuid.UUID
) -> None:
    """Drop the exclusions of datasets that never held the number, as far as its other copies tell."""
    for key in keys:
        found = await store.lookup(connection, ring, key)
        stored = [membership.dataset_id for membership in found.memberships]
        others = {id_: at for id_, at in found.erasures.items() if id_ != dataset_id}
        concerned = {"ids": [*stored, *found.erasures]}
        rows = [row async for row in rows_of(connection, DESCENDANTS_QUERY, concerned)]
        known = descendants_from_rows(rows).datasets_once_holding(stored, others)
        await exclusion.drop_exclusions(connection, key, found.erasures.keys() - known)
