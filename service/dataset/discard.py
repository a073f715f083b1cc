"""Throwing an open dataset away. Nothing was recorded with it yet, so it goes as if nobody had registered it."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.db import connection_of, run
from service.core.errors import Conflict
from service.core.retention import Rule, forget
from service.core.vocabulary import DatasetState
from service.dataset.models import Dataset
from service.dataset.operations import find_own_dataset, get_dataset
from service.dataset.schemas import DatasetOut
from service.membership import store
from service.number.keyring import KeyRing


async def discard_dataset(session: AsyncSession, ring: KeyRing, actor: Actor, dataset_id: uuid.UUID) -> DatasetOut:
    """Throw an open dataset of the caller away, with its parts and rejected lines; returns it as it was.

    The row is locked: an upload that is going on ends at its next lines, and a sealing begins before or never.

    Raises:
        NotFound: there is no such dataset of the caller's.
        Conflict: it is being sealed, or sealed.
    """
    row = await find_own_dataset(session, actor, dataset_id, lock=True)
    if row.state == DatasetState.SEALING:
        raise Conflict("being_sealed", "This dataset is being sealed. Wait for its job, and see what it says then.")
    if row.state != DatasetState.OPEN:
        raise Conflict(
            "dataset_sealed",
            "A sealed dataset is not thrown away. End its holding if you no longer have its numbers, or withdraw it if "
            "it was sealed by mistake.",
        )
    was = await get_dataset(session, ring, actor, dataset_id)
    session.expunge(row)
    await _discard(session, [dataset_id])
    return was


# What hangs on a dataset in other ways goes by the rules of its foreign keys.
_DELETE_EDGES: Final = text("DELETE FROM dataset_parent WHERE dataset_id = ANY(:ids)")
_DELETE: Final = text("DELETE FROM dataset WHERE id = ANY(:ids)")


async def _discard(session: AsyncSession, dataset_ids: Collection[uuid.UUID]) -> None:
    connection = await connection_of(session)
    for dataset_id in dataset_ids:
        await store.unstage(connection, dataset_id)
        # A sealing that failed may have left blocks.
        await store.drop_unfinished_segment(connection, dataset_id)
    ids = {"ids": list(dataset_ids)}
    await run(session, _DELETE_EDGES, ids)
    await run(session, _DELETE, ids)


_FORGOTTEN: Final = text("""
    SELECT id FROM dataset
    WHERE state = 'open' AND last_upload_at < :before
      AND NOT EXISTS (SELECT FROM job WHERE subject_id = dataset.id AND state IN ('waiting', 'running'))
    ORDER BY id FOR UPDATE SKIP LOCKED
""")


async def discard_forgotten(session: AsyncSession, before: datetime) -> None:
    """Throw the open datasets away that nobody sent anything for since a moment."""
    found = (await run(session, _FORGOTTEN, {"before": before})).scalars().all()
    if found:
        await _discard(session, found)


forget(
    "forget_open_datasets",
    "48 4 * * *",
    Rule(
        table=Dataset,
        moment="last_upload_at",
        kept=timedelta(days=90),
        setting="open_kept_days",
        data="a dataset that was never sealed, with its name and what else was stated of it",
        since="its registration, or the last upload",
        work=discard_forgotten,
    ),
)
