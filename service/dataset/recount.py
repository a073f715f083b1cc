"""Counts again where the numbers of datasets come from, because something upstream of them changed.

A request marks every dataset whose counts it concerns, in the transaction of the change. From then on its counts are
withheld as `recounting`, until a task has made them again. Nobody is shown a count from before.

What was sealed is counted as far as the registry still knows it: with the numbers that the holder erased since, but
without those of which no copy is left anywhere. How many distinct numbers a holder uploaded stays as it was sealed.
"""

import json
import uuid
from collections.abc import Collection
from typing import Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database, run
from service.core.resources import Resources
from service.core.task_queue import TaskName, defer, task
from service.core.vocabulary import Content, DatasetState
from service.dataset.holdings import lock_holdings
from service.dataset.losses import forget_losses
from service.dataset.models import AncestorCount, Dataset, NoticeCount
from service.dataset.recount_requests import NEXT_REQUEST
from service.dataset.sealing import Tally, clear_counts, count_shards, recount_if_erased, request_flagging
from service.membership.blocks import SHARDS
from service.membership.descent.ancestors import read_ancestors
from service.release.operations import release_by_standing

_BELOW: Final = text("""
    WITH RECURSIVE down (id) AS (
        SELECT dataset_id FROM dataset_parent WHERE parent_id = ANY(:ids)
        UNION
        SELECT edge.dataset_id FROM down JOIN dataset_parent AS edge ON edge.parent_id = down.id)
    SELECT id FROM down
""")
# An open dataset is counted when it is sealed.
_MARK: Final = text("""
    UPDATE dataset SET recount_request = :request WHERE id IN (
        SELECT id FROM dataset WHERE id = ANY(:ids) AND state <> 'open' ORDER BY id FOR NO KEY UPDATE)
""")


async def request_recount(session: AsyncSession, queue: App, dataset_ids: Collection[uuid.UUID]) -> None:
    """Have everything that was made from some datasets counted again, after what changed upstream of it.

    The rows of the datasets are locked. Nothing can be derived from a dataset or transferred while its row is, so the
    datasets below are searched again until all of them are locked.
    """
    request = await session.scalar(NEXT_REQUEST)
    await session.flush()
    marked: set[uuid.UUID] = set()
    while below := set((await run(session, _BELOW, {"ids": list(dataset_ids)})).scalars()) - marked:
        await run(session, _MARK, {"ids": sorted(below), "request": request})
        marked |= below
    if marked:
        await defer(session, queue, TaskName.RECOUNT_DATASETS)


@task(TaskName.RECOUNT_DATASETS, alone=True, until_done=True)
async def recount_datasets(resources: Resources) -> None:
    """Count every sealed dataset again of which that was requested, each in transactions of its own."""
    database, queue = resources.get(Database), resources.get(App)
    query = select(Dataset.id).where(col(Dataset.recount_request).is_not(None), Dataset.state == DatasetState.SEALED)
    async with database.transaction() as session:
        dataset_ids = (await session.exec(query.order_by(col(Dataset.recorded_at), col(Dataset.id)))).all()
    for dataset_id in dataset_ids:
        await _recount(database, queue, dataset_id)


async def _recount(database: Database, queue: App, dataset_id: uuid.UUID) -> None:
    """Count a dataset again. If something else changed meanwhile, its request is a later one, and is left alone."""
    async with database.transaction() as session:
        row = await session.get_one(Dataset, dataset_id)
        request, holder_id = row.recount_request, row.holder_id
        ancestors = await read_ancestors(session, [dataset_id])
    if request is None:
        return
    left, at_sealing = Tally(), Tally()
    await count_shards(database, ancestors, dataset_id, left, _unreported, SHARDS, sealing=False)
    await count_shards(database, ancestors, dataset_id, at_sealing, _unreported, SHARDS, sealing=True)
    async with database.transaction() as session:
        await lock_holdings(session, holder_id)
        await recount_if_erased(database, session, ancestors, dataset_id, left, sealing=False)
        await recount_if_erased(database, session, ancestors, dataset_id, at_sealing, sealing=True)
        row = await session.get_one(Dataset, dataset_id, with_for_update=True)
        if row.recount_request != request:
            await defer(session, queue, TaskName.RECOUNT_DATASETS)
            return
        if await session.scalar(_COPY_DROPPED, {"ids": list(ancestors.dag)}):
            await _write_left(session, row, left)
        else:
            await _write(session, row, left, at_sealing)
        await release_by_standing(session, queue, dataset_id)
        await defer(session, queue, TaskName.RELEASE_WAITING, dataset_id=str(dataset_id), withdrawn=True)
        # What it holds again was perhaps objected to meanwhile.
        await request_flagging(session, queue, dataset_id)


async def _unreported(_done: int, _total: int) -> None:
    """Nobody follows this task."""


_COPY_DROPPED: Final = text("SELECT EXISTS (SELECT FROM dataset WHERE id = ANY(:ids) AND copy_dropped_at IS NOT NULL)")
_KEEP_ANCESTORS: Final = text("""
    UPDATE ancestor_count SET count_left = coalesce((CAST(:left AS jsonb) ->> CAST(ancestor_id AS text))::bigint, 0)
    WHERE dataset_id = :id
""")
_KEEP_NOTICES: Final = text("""
    UPDATE notice_count SET count_left = coalesce((CAST(:left AS jsonb) ->> CAST(notice_id AS text))::bigint, 0)
    WHERE dataset_id = :id
""")


async def _write_left(session: AsyncSession, row: Dataset, left: Tally) -> None:
    """Store what is left alone. What was sealed can no longer be counted where a stored copy was dropped."""
    await forget_losses(session, row.id)
    row.numbers_left, row.orphans_left, row.recount_request = left.numbers, left.orphans, None
    session.add(row)
    await session.flush()
    for statement, counts in ((_KEEP_ANCESTORS, left.ancestors), (_KEEP_NOTICES, left.notices)):
        values = json.dumps({str(id_): count for id_, count in counts.items()})
        await run(session, statement, {"id": row.id, "left": values})


async def _write(session: AsyncSession, row: Dataset, left: Tally, at_sealing: Tally) -> None:
    await clear_counts(session, [row.id])
    if row.content != Content.UPLOADED:
        row.number_count = at_sealing.numbers
    row.numbers_left = left.numbers
    row.orphan_count, row.orphans_left = at_sealing.orphans, left.orphans
    row.recount_request = None
    session.add(row)
    session.add_all(
        AncestorCount(
            dataset_id=row.id,
            ancestor_id=ancestor_id,
            count_at_sealing=count,
            count_left=left.ancestors[ancestor_id],
        )
        for ancestor_id, count in at_sealing.ancestors.items()
        if count and ancestor_id != row.id
    )
    session.add_all(
        NoticeCount(dataset_id=row.id, notice_id=notice_id, count_at_sealing=count, count_left=left.notices[notice_id])
        for notice_id, count in at_sealing.notices.items()
        if count
    )
    await session.flush()
