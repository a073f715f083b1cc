"""The operations on releases: release a dataset, take it back, and list what waits."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.db import run
from service.core.errors import Conflict, NotFound
from service.core.paging import Page, cut, write_cursor
from service.core.readiness import Condition, look_for
from service.core.task_queue import TaskName, defer
from service.organisation.operations import find_organisation
from service.release.block_fill import request_block_fill
from service.release.fill import spans
from service.release.models import DatasetRelease, StandingRelease
from service.release.schemas import (
    BlockFillOut,
    ReleaseIn,
    ReleaseOut,
    StandingReleaseIn,
    StandingReleaseOut,
    WaitingDataset,
    WaitingHolder,
)

CHECK_PERIOD: Final = timedelta(days=5)
"""The time that the operator has to look at a file. After it, the operator is overdue, as persons can read.

The view `unreleased_dataset` says the same in SQL.
"""

# The dataset's row is locked, so that of two acts at once the second sees the first.
_LOCK: Final = text("SELECT state FROM dataset WHERE id = :id FOR UPDATE")
_STATE: Final = text("""
    SELECT EXISTS (SELECT FROM released_dataset WHERE dataset_id = :id) AS released,
           EXISTS (SELECT FROM unreleased_dataset WHERE dataset_id = :id) AS unreleased
""")


async def release_dataset(
    session: AsyncSession, queue: App, actor: Actor, dataset_id: uuid.UUID, wanted: ReleaseIn
) -> ReleaseOut:
    """Release a dataset: its numbers count for its holder and for those who got them from it. Again changes nothing.

    Raises:
        NotFound: no dataset has this id.
        Conflict: it is not sealed, or none of its numbers needs its release.
    """
    released, unreleased = await _lock_dataset(session, dataset_id)
    if released:
        return ReleaseOut.model_validate((await _latest(session, dataset_id)).model_dump())
    if not unreleased:
        raise Conflict(
            "nothing_to_release",
            "No number of this dataset waits for its release: each came by a path. Release the dataset where it began.",
        )
    act = DatasetRelease(dataset_id=dataset_id, operator_id=actor.organisation_id, comment=wanted.comment)
    return await _record(session, queue, act)


async def withdraw_release(
    session: AsyncSession, queue: App, actor: Actor, dataset_id: uuid.UUID, wanted: ReleaseIn
) -> ReleaseOut:
    """Take the release of a dataset back. Its numbers wait again; what its holders were sent stays theirs.

    Raises:
        NotFound: no dataset has this id.
        Conflict: it is not released.
    """
    released, _ = await _lock_dataset(session, dataset_id)
    if not released:
        raise Conflict("not_released", "This dataset is not released, so that there is no release to take back.")
    act = DatasetRelease(
        dataset_id=dataset_id, withdrawn=True, operator_id=actor.organisation_id, comment=wanted.comment
    )
    return await _record(session, queue, act)


async def _lock_dataset(session: AsyncSession, dataset_id: uuid.UUID) -> tuple[bool, bool]:
    """Lock a sealed dataset; returns whether it is released, and whether numbers of it need that."""
    state = await session.scalar(_LOCK, {"id": dataset_id})
    if state is None:
        raise NotFound("dataset")
    if state != "sealed":
        raise Conflict("dataset_not_sealed", "This dataset is not sealed. Release it when its holder has sealed it.")
    row = (await run(session, _STATE, {"id": dataset_id})).one()
    return row.released, row.unreleased


async def _latest(session: AsyncSession, dataset_id: uuid.UUID) -> DatasetRelease:
    latest_first = (col(DatasetRelease.recorded_at).desc(), col(DatasetRelease.id).desc())
    query = select(DatasetRelease).where(DatasetRelease.dataset_id == dataset_id).order_by(*latest_first)
    return (await session.exec(query.limit(1))).one()


async def _record(session: AsyncSession, queue: App, act: DatasetRelease) -> ReleaseOut:
    session.add(act)
    await session.flush()
    await defer(session, queue, TaskName.RELEASE_WAITING, dataset_id=str(act.dataset_id), withdrawn=act.withdrawn)
    await request_block_fill(session, queue, act.dataset_id)
    return ReleaseOut.model_validate(act.model_dump())


async def set_standing_release(
    session: AsyncSession, actor: Actor, organisation_id: uuid.UUID, wanted: StandingReleaseIn
) -> StandingReleaseOut:
    """Set how many numbers of an organisation are released in 24 hours as its files are sealed.

    It changes nothing for files that are sealed already.

    Raises:
        NotFound: no organisation has this id.
    """
    await find_organisation(session, organisation_id, "organisation_id")
    row = StandingRelease(**wanted.model_dump(), organisation_id=organisation_id, operator_id=actor.organisation_id)
    session.add(row)
    await session.flush()
    return StandingReleaseOut.model_validate(row.model_dump())


# Locked, so that of two files that are sealed at once the second counts the first.
_STANDING: Final = text("""
    SELECT standing.id, operator_id, up_to_count, standing.organisation_id, dataset.number_count
    FROM unreleased_dataset AS unreleased
    JOIN dataset ON dataset.id = unreleased.dataset_id
    JOIN standing_release AS standing ON standing.id = (
        SELECT id FROM standing_release WHERE organisation_id = unreleased.organisation_id
        ORDER BY recorded_at DESC, id DESC LIMIT 1)
    WHERE unreleased.dataset_id = :id
    FOR NO KEY UPDATE OF standing
""")
_RELEASED_IN_A_DAY: Final = text("""
    SELECT coalesce(sum(number_count), 0)
    FROM dataset_release
    JOIN standing_release ON standing_release.id = standing_id
    JOIN dataset ON dataset.id = dataset_id
    WHERE standing_release.organisation_id = :organisation_id AND NOT withdrawn AND dataset_release.recorded_at > :since
""")
_NEEDS_RELEASE: Final = text("SELECT EXISTS (SELECT FROM unreleased_dataset WHERE dataset_id = :id)")


async def release_by_standing(session: AsyncSession, queue: App, dataset_id: uuid.UUID) -> None:
    """Release a dataset that was just sealed, if a standing release covers it. Otherwise it waits for the operator.

    A standing release covers so many numbers in 24 hours: a large file in many small parts is not covered.
    Call it in the transaction that seals the dataset, after its counts are written.
    """
    if not await session.scalar(_NEEDS_RELEASE, {"id": dataset_id}):
        return
    standing = (await run(session, _STANDING, {"id": dataset_id})).one_or_none()
    if standing is not None:
        day = {"organisation_id": standing.organisation_id, "since": now() - timedelta(days=1)}
        released_count = int(await session.scalar(_RELEASED_IN_A_DAY, day) or 0)
        if released_count + standing.number_count <= standing.up_to_count:
            session.add(
                DatasetRelease(dataset_id=dataset_id, operator_id=standing.operator_id, standing_id=standing.id)
            )
            await session.flush()
            return
    await request_block_fill(session, queue, dataset_id)


# Whose datasets wait is all that the operator sees here: no name of a file, no supplier, no client.
_WAITING: Final = text("""
    SELECT waiting.dataset_id, waiting.holder_id, legal_name, waiting.number_count, contract, waiting.sealed_at,
           due_at, due_at < now() AS overdue, fill.block_counts, together.block_counts AS counts_together
    FROM unreleased_dataset AS waiting
    JOIN organisation AS holder ON holder.id = waiting.holder_id
    LEFT JOIN transfer ON transfer.received_dataset_id = waiting.dataset_id
    LEFT JOIN number_block_fill AS fill ON fill.dataset_id = waiting.dataset_id
    LEFT JOIN organisation_block_fill AS together ON together.organisation_id = waiting.organisation_id
    WHERE is_listed AND (CAST(:after AS uuid) IS NULL OR waiting.dataset_id > :after)
    ORDER BY waiting.dataset_id LIMIT :limit
""")


async def list_waiting_datasets(session: AsyncSession, after: uuid.UUID | None, limit: int) -> Page[WaitingDataset]:
    """The datasets that wait for their release, in the order in which they were registered."""
    found = (await run(session, _WAITING, {"after": after, "limit": limit + 1})).all()
    rows = cut(found, limit, lambda row: write_cursor(row.dataset_id))
    return rows.page(
        WaitingDataset(
            dataset_id=row.dataset_id,
            holder=WaitingHolder(id=row.holder_id, legal_name=row.legal_name),
            number_count=row.number_count,
            contract=row.contract,
            sealed_at=row.sealed_at,
            due_at=row.due_at,
            overdue=row.overdue,
            block_fill=_block_fill(row.block_counts),
            # Without the file's own fill, that of all was counted before this file came.
            organisation_block_fill=_block_fill(row.counts_together if row.block_counts else None),
        )
        for row in rows
    )


def _block_fill(block_counts: Sequence[int] | None) -> list[BlockFillOut] | None:
    if block_counts is None:
        return None
    return [
        BlockFillOut(from_count=first, to_count=last, block_count=count)
        for (first, last), count in zip(spans(), block_counts, strict=True)
    ]


look_for(
    "releases",
    "SELECT EXISTS (SELECT FROM overdue_release)",
    Condition.WARNING,
    "A dataset has waited for its release for more than five days. The operator releases it, or says why not.",
    "No release is overdue.",
)
