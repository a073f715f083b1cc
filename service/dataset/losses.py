"""Losses: numbers that a holder erased from its dataset, taken off the counts of what is left.

An erasure stays one cheap write: it only records what each dataset lost, and a task lowers the counts within a minute.
Whoever shares a dataset before takes off what still waits, in the same transaction: what is handed over is counted
without what was erased.
"""

import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final, LiteralString

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database, connection_of, run
from service.core.erasures import Erasures
from service.core.resources import Resources
from service.core.task_queue import task
from service.dataset.models import Loss
from service.membership.descent.ancestors import Ancestors, read_ancestors
from service.membership.descent.dependents import trace_number
from service.membership.erasure import lock_erasures
from service.membership.store import Connection

_RECORD: Final[LiteralString] = """
    INSERT INTO loss (dataset_id, stored_in, erased_from, erased_at)
    SELECT unnest(%s::uuid[]), %s::uuid[], %s::uuid[], %s::timestamptz[]
"""


async def record_losses(
    conn: Connection, dataset_ids: Collection[uuid.UUID], stored_in: Collection[uuid.UUID], earlier: Erasures
) -> None:
    """Record that datasets lost one number, given the datasets that stored it until then and its `earlier` erasures."""
    if dataset_ids:
        await conn.execute(_RECORD, (list(dataset_ids), list(stored_in), list(earlier), list(earlier.values())))


_TAKE = text("DELETE FROM loss WHERE dataset_id = :id RETURNING stored_in, erased_from, erased_at")
_LOWER_DATASET = text("""
    UPDATE dataset
    SET numbers_left = greatest(numbers_left - :numbers, 0), orphans_left = greatest(orphans_left - :orphans, 0)
    WHERE id = :id
""")
_LOWER_ANCESTORS = text("""
    UPDATE ancestor_count SET count_left = greatest(count_left - lost.count, 0)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS bigint[])) AS lost (id, count)
    WHERE dataset_id = :id AND ancestor_id = lost.id
""")
_LOWER_NOTICES = text("""
    UPDATE notice_count SET count_left = greatest(count_left - lost.count, 0)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS bigint[])) AS lost (id, count)
    WHERE dataset_id = :id AND notice_id = lost.id
""")


async def take_off_losses(session: AsyncSession, dataset_id: uuid.UUID) -> None:
    """Lower the counts of what is left in a dataset by the losses that wait. Lock the dataset's row before."""
    losses = (await run(session, _TAKE, {"id": dataset_id})).all()
    if not losses:
        return
    ancestors = await read_ancestors(session, [dataset_id])
    from_ancestors: Counter[uuid.UUID] = Counter()
    from_notices: Counter[uuid.UUID] = Counter()
    orphans = 0
    for loss in losses:
        earlier = dict(zip(loss.erased_from, loss.erased_at, strict=True))
        traced = trace_loss(ancestors, dataset_id, loss.stored_in, earlier)
        notices = {ancestors.notices[ancestor_id] for ancestor_id in traced if ancestor_id in ancestors.notices}
        from_ancestors.update(traced)
        from_notices.update(notices)
        orphans += bool(traced) and not notices
    lowered = {"id": dataset_id, "numbers": from_ancestors[dataset_id], "orphans": orphans}
    await run(session, _LOWER_DATASET, lowered)
    await run(session, _LOWER_ANCESTORS, {"id": dataset_id} | _columns(from_ancestors))
    await run(session, _LOWER_NOTICES, {"id": dataset_id} | _columns(from_notices))


def _columns(lost: Mapping[uuid.UUID, int]) -> dict[str, list[uuid.UUID] | list[int]]:
    return {"ids": list(lost), "counts": list(lost.values())}


def trace_loss(
    ancestors: Ancestors, dataset_id: uuid.UUID, stored_in: Collection[uuid.UUID], earlier: Erasures
) -> set[uuid.UUID]:
    """The dataset and the ancestors that it had a lost number from. Nothing if it did not have it when it was made."""
    # A dataset from which a number was erased stored it until then, even if that copy is gone.
    return trace_number(ancestors.dag, [dataset_id], ancestors.once_stored_in(stored_in, earlier), earlier)


async def forget_losses(session: AsyncSession, dataset_id: uuid.UUID) -> None:
    """Delete the losses of a dataset that is counted again."""
    await run(session, _TAKE, {"id": dataset_id})


_SO_FAR = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM loss_id_seq")


async def losses_so_far(session: AsyncSession) -> int:
    """A number that grows with each erasure. The lock of erasures is held from then on, so that none is on its way."""
    await lock_erasures(await connection_of(session))
    return int(await session.scalar(_SO_FAR) or 0)


_LOCK = text("SELECT FROM dataset WHERE id = :id FOR NO KEY UPDATE")


@task("take_off_losses", cron="* * * * *")
async def take_off_all_losses(resources: Resources) -> None:
    """Lower the counts of every dataset that lost numbers, each in a transaction of its own."""
    database = resources.get(Database)
    async with database.transaction() as session:
        query = select(Loss.dataset_id).distinct().order_by(col(Loss.dataset_id))
        dataset_ids = (await session.exec(query)).all()
    for dataset_id in dataset_ids:
        async with database.transaction() as session:
            await run(session, _LOCK, {"id": dataset_id})
            await take_off_losses(session, dataset_id)
