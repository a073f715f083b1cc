"""The task that counts how full the number blocks of a waiting dataset are."""

import asyncio
import uuid

from procrastinate import App
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database, connection_of, run
from service.core.resources import Resources
from service.core.task_queue import TaskName, defer, task
from service.membership import bulk_read
from service.membership.blocks import SHARDS
from service.membership.descent.ancestors import read_ancestors
from service.number.keyring import KeyRing
from service.release import fill

_IS_FIRST_UPLOAD = text("SELECT EXISTS (SELECT FROM first_upload WHERE dataset_id = :id)")
_KEEP = text("""
    INSERT INTO number_block_fill (dataset_id, block_counts) VALUES (:id, :block_counts)
    ON CONFLICT (dataset_id) DO UPDATE SET block_counts = excluded.block_counts
""")


async def request_block_fill(session: AsyncSession, queue: App, dataset_id: uuid.UUID) -> None:
    """Ask for the task, in the transaction of `session`."""
    await defer(session, queue, TaskName.COUNT_BLOCK_FILL, dataset_id=str(dataset_id))


@task(TaskName.COUNT_BLOCK_FILL, until_done=True)
async def count_block_fill(resources: Resources, dataset_id: str) -> None:
    """Count the blocks of the numbers that wait for the release of a dataset.

    These are all numbers of a first upload. Of another dataset, they are the numbers without a path.
    """
    database, ring, wanted = resources.get(Database), resources.get(KeyRing), uuid.UUID(dataset_id)
    async with database.transaction() as session:
        is_first_upload = await session.scalar(_IS_FIRST_UPLOAD, {"id": wanted})
        ancestors = await read_ancestors(session, [wanted])
    filled = fill.NOTHING
    for shard in range(SHARDS):
        async with database.snapshot() as session:
            found = await bulk_read.trace_shard(await connection_of(session), ancestors.dag, [wanted], shard)
        keys = found.keys if is_first_upload else found.keys[found.orphans(ancestors.notices)]
        numbers = await asyncio.to_thread(ring.numbers, keys)
        filled = await asyncio.to_thread(fill.add, filled, fill.fill(numbers))
    async with database.transaction() as session:
        await run(session, _KEEP, {"id": wanted, "block_counts": fill.histogram(filled)})
