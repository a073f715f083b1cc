"""The task that counts how full waiting datasets make number blocks: each dataset, and all of an organisation."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
from procrastinate import App
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database, connection_of, run
from service.core.resources import Resources
from service.core.task_queue import TaskName, defer, task
from service.membership import bulk_read, runs
from service.membership.descent.ancestors import read_ancestors
from service.number.keyring import KeyRing, Keys
from service.release import fill

# The organisation that a dataset waits for, and the datasets of it that wait, each with whether all its numbers do.
_WAITING = text("""
    SELECT organisation_id, waiting.dataset_id, first_upload.dataset_id IS NOT NULL AS is_first_upload,
           fill.dataset_id IS NOT NULL AS is_counted
    FROM unreleased_dataset AS waiting
    LEFT JOIN first_upload ON first_upload.dataset_id = waiting.dataset_id
    LEFT JOIN number_block_fill AS fill ON fill.dataset_id = waiting.dataset_id
    WHERE is_listed AND organisation_id = (
        SELECT CASE WHEN admitted_at IS NULL THEN dataset.asserted_by_id ELSE holder_id END
        FROM dataset JOIN organisation ON organisation.id = holder_id WHERE dataset.id = :id)
""")
_KEEP = text("""
    INSERT INTO number_block_fill (dataset_id, block_counts) VALUES (:id, :block_counts)
    ON CONFLICT (dataset_id) DO UPDATE SET block_counts = excluded.block_counts
""")
_KEEP_TOGETHER = text("""
    INSERT INTO organisation_block_fill (organisation_id, block_counts) VALUES (:id, :block_counts)
    ON CONFLICT (organisation_id) DO UPDATE SET block_counts = excluded.block_counts
""")


async def request_block_fill(session: AsyncSession, queue: App, dataset_id: uuid.UUID) -> None:
    """Ask for the task, in the transaction of `session`."""
    await defer(session, queue, TaskName.COUNT_BLOCK_FILL, dataset_id=str(dataset_id))


@task(TaskName.COUNT_BLOCK_FILL, until_done=True)
async def count_block_fill(resources: Resources, dataset_id: str) -> None:
    """Count the blocks of the numbers that wait for the release of a dataset, and of all that its organisation awaits.

    These are all numbers of a first upload. Of another dataset, they are the numbers without a path. While other
    datasets of the organisation are not counted, their tasks will count what they have together.
    """
    database, wanted = resources.get(Database), uuid.UUID(dataset_id)
    waiting = await _read_waiting(database, wanted)
    if any(row.dataset_id == wanted for row in waiting):
        counts = await _count(resources, [row for row in waiting if row.dataset_id == wanted])
        async with database.transaction() as session:
            await run(session, _KEEP, {"id": wanted, "block_counts": counts})
        # Read again, so that of two tasks at once the last one sees that both are counted.
        waiting = await _read_waiting(database, wanted)
    if waiting and all(row.is_counted for row in waiting):
        counts = await _count(resources, waiting)
        async with database.transaction() as session:
            await run(session, _KEEP_TOGETHER, {"id": waiting[0].organisation_id, "block_counts": counts})


async def _read_waiting(database: Database, dataset_id: uuid.UUID) -> Sequence[Any]:
    async with database.transaction() as session:
        return (await run(session, _WAITING, {"id": dataset_id})).all()


async def _count(resources: Resources, waiting: Sequence[Any]) -> list[int]:
    """The histogram of the numbers that wait in any of these datasets (rows of `_WAITING`)."""
    database, ring = resources.get(Database), resources.get(KeyRing)
    first_uploads = [row.dataset_id for row in waiting if row.is_first_upload]
    others = [row.dataset_id for row in waiting if not row.is_first_upload]
    async with database.transaction() as session:
        ancestors = await read_ancestors(session, [*first_uploads, *others])
        ranges = await bulk_read.ranges_to_trace(await connection_of(session), ancestors.dag)
    filled = fill.NOTHING
    for shards in ranges:
        keys = [runs.no_keys()]
        async with database.snapshot() as session:
            connection = await connection_of(session)
            if first_uploads:
                keys.append((await bulk_read.trace_shards(connection, ancestors.dag, first_uploads, shards)).keys)
            if others:
                found = await bulk_read.trace_shards(connection, ancestors.dag, others, shards)
                keys.append(found.keys[found.orphans(ancestors.notices)])
        filled = await asyncio.to_thread(_add_distinct, ring, filled, keys)
    return fill.histogram(filled)


def _add_distinct(ring: KeyRing, filled: fill.Filled, keys: Sequence[Keys]) -> fill.Filled:
    """The blocks with the numbers of some shards, each once."""
    return fill.add(filled, fill.fill(np.unique(np.concatenate([ring.numbers(part) for part in keys]))))
