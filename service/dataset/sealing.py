"""Sealing: turns staged parts into blocks in their final order, and counts how many numbers come from where.

Each shard is loaded in a transaction of its own, several at once. Lookups ignore the blocks until the last transaction
marks the dataset as sealed. A sealing that is interrupted starts over from the staged parts, with the same result.
"""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, connection_of, run
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.sweeps import sweep
from service.core.task_queue import TaskName, defer, task
from service.core.threads import run_in_thread
from service.core.vocabulary import Content, DatasetState, UsageKind
from service.dataset.holdings import lock_holdings
from service.dataset.losses import forget_losses, losses_so_far
from service.dataset.models import AncestorCount, Dataset, DatasetPart, NoticeCount
from service.dataset.recount_requests import recount_if_ancestors_changed
from service.job.models import Job, JobKind
from service.job.operations import ReportProgress, run_job
from service.membership import bulk_read, store
from service.membership.blocks import SHARDS
from service.membership.descent.ancestors import Ancestors, read_ancestors
from service.membership.encryption import ConsentSpan, encrypt_span
from service.membership.runs import Digest
from service.membership.store import LoadedRange
from service.number.keyring import KeyRing
from service.release.operations import release_by_standing
from service.usage.quotas import add_usage

log = logging.getLogger(__name__)

# Ranges of shards loaded at once: while one is sorted here, the database writes the other.
LOADERS = 2


@task(JobKind.SEAL_DATASET, until_done=True)
async def seal_dataset(resources: Resources, job_id: str) -> None:
    """The task behind `POST /v1/datasets/{id}/seal`."""
    database = resources.get(Database)
    ring = resources.get(KeyRing)

    async def work(job: Job, report: ReportProgress) -> None:
        await seal(database, ring, resources.get(App), resources.get(Settings), job.subject_id, report)

    await run_job(database, uuid.UUID(job_id), work, _reopen)


@dataclass
class Tally:
    """The totals of loading and counting the shards."""

    digest: Digest = field(default_factory=Digest)
    numbers: int = 0
    duplicates: int = 0
    orphans: int = 0
    first_consented_at: datetime | None = None
    last_consented_at: datetime | None = None
    ancestors: Counter[uuid.UUID] = field(default_factory=Counter)
    notices: Counter[uuid.UUID] = field(default_factory=Counter)
    losses_before: int = 0

    def forget_counts(self) -> None:
        """Begin to count again. What was loaded stays."""
        self.numbers = self.orphans = 0
        self.ancestors.clear()
        self.notices.clear()

    def encrypted_span(self, ring: KeyRing, dataset_id: uuid.UUID) -> bytes | None:
        """The span of the dataset's consents as it is stored; None if none is known."""
        if self.first_consented_at is None or self.last_consented_at is None:
            return None
        return encrypt_span(ring, dataset_id, ConsentSpan(self.first_consented_at, self.last_consented_at))

    def add(self, loaded: LoadedRange) -> None:
        """Add the result of loading some shards."""
        self.digest += loaded.digest
        self.duplicates += loaded.duplicates
        firsts = [moment for moment in (self.first_consented_at, loaded.first_consented_at) if moment]
        lasts = [moment for moment in (self.last_consented_at, loaded.last_consented_at) if moment]
        self.first_consented_at = min(firsts, default=None)
        self.last_consented_at = max(lasts, default=None)


async def seal(
    database: Database, ring: KeyRing, queue: App, settings: Settings, dataset_id: uuid.UUID, report: ReportProgress
) -> None:
    """Load and count the staged parts of a dataset in state `sealing`, and mark it as sealed."""
    async with database.transaction() as session:
        row = await session.get_one(Dataset, dataset_id)
        if row.state == DatasetState.SEALED:
            return
        ancestors = await read_ancestors(session, [dataset_id])
    tally = Tally()
    uploaded = row.content == Content.UPLOADED
    alone = uploaded and not ancestors.dag[dataset_id].parents
    steps = 2 * SHARDS if uploaded and not alone else SHARDS
    if uploaded:
        await load_shards(database, ring, dataset_id, tally, report, steps)
    if alone:
        count_without_parents(ancestors, dataset_id, tally)
    else:
        await count_shards(database, ancestors, dataset_id, tally, report, steps)
    async with database.transaction() as session:
        await lock_holdings(session, row.holder_id)
        if not alone:
            await recount_if_erased(database, session, ancestors, dataset_id, tally)
        row = await session.get_one(Dataset, dataset_id, with_for_update=True)
        # Taken late: an objection that is recorded until then is shown as earlier than the dataset.
        await recount_if_ancestors_changed(session, queue, row, ancestors)
        row.state, row.sealed_at = DatasetState.SEALED, now()
        await write_tally(session, ring, row, tally)
        await release_by_standing(session, queue, row.id)
        await request_flagging(session, queue, row.id)
        if row.asserted_by_id is not None:
            await add_usage(session, settings, row.asserted_by_id, UsageKind.NUMBERS, tally.numbers)


async def load_shards(
    database: Database, ring: KeyRing, dataset_id: uuid.UUID, tally: Tally, report: ReportProgress, steps: int
) -> None:
    """Merge the staged runs of a dataset into blocks, in ranges of shards."""
    async with database.transaction(durable=False) as session:
        await drop_stale_uploads(session, dataset_id)
        connection = await connection_of(session)
        segment = await store.begin_segment(connection, dataset_id)
        if len(segment.ranges) == 1:
            # So small that a transaction, a thread or a connection of its own would take longer than the load.
            tally.add(await store.load_range(connection, ring, dataset_id, segment, segment.ranges[0]))
    if len(segment.ranges) == 1:
        await report(SHARDS, steps)
        return
    waiting = iter(segment.ranges)

    def load_one(connection: store.BulkConnection, shards: range) -> LoadedRange:
        with connection.transaction():
            return store.load_range_in_thread(connection, ring, dataset_id, segment, shards)

    async def load_some() -> None:
        with await run_in_thread(database.bulk_connection) as connection:
            for shards in waiting:
                tally.add(await run_in_thread(partial(load_one, connection, shards), connection.cancel_safe))
                await report(shards.stop, steps)

    async with asyncio.TaskGroup() as loaders:
        for _ in range(LOADERS):
            loaders.create_task(load_some())


async def drop_stale_uploads(session: AsyncSession, dataset_id: uuid.UUID) -> None:
    """Delete staged lines of uploads that were interrupted, or replaced by a later upload of the same part."""
    query = select(DatasetPart.upload).where(DatasetPart.dataset_id == dataset_id)
    current = list((await session.exec(query)).all())
    await store.unstage_except(await connection_of(session), dataset_id, current)
    await run(session, _DROP_STALE_REJECTS, {"id": dataset_id, "current": current})


_DROP_STALE_REJECTS = text("DELETE FROM rejected_line WHERE dataset_id = :id AND upload <> ALL(:current)")


async def count_shards(
    database: Database,
    ancestors: Ancestors,
    dataset_id: uuid.UUID,
    tally: Tally,
    report: ReportProgress,
    steps: int,
    *,
    sealing: bool = True,
) -> None:
    """Count the numbers of a dataset by ancestor and by notice, and its orphans: the last of the `steps`.

    A number that an ancestor's holder erased before does not come from there. Later erasures change no count: counts
    say what was sealed, and what was transferred with it. While the dataset is being sealed, what its holder sends now
    counts, whatever it erased before.
    """
    async with database.transaction() as session:
        tally.losses_before = await losses_so_far(session)
        # What was just loaded is stored, and counts for its segment only when that is complete.
        ranges = await bulk_read.ranges_to_trace(await connection_of(session), ancestors.dag, tally.digest.count)
    for shards in ranges:
        await _count_range(database, ancestors, dataset_id, shards, tally, sealing=sealing)
        await report(steps - SHARDS + shards.stop, steps)


async def recount_if_erased(
    database: Database,
    session: AsyncSession,
    ancestors: Ancestors,
    dataset_id: uuid.UUID,
    tally: Tally,
    *,
    sealing: bool = True,
) -> None:
    """Count again if a number was erased while shards were counted. Until `session` ends, no other can be erased."""
    if tally.losses_before != await losses_so_far(session):
        tally.forget_counts()
        ranges = await bulk_read.ranges_to_trace(await connection_of(session), ancestors.dag, tally.digest.count)
        for shards in ranges:
            await _count_range(database, ancestors, dataset_id, shards, tally, sealing=sealing)


async def _count_range(
    database: Database, ancestors: Ancestors, dataset_id: uuid.UUID, shards: range, tally: Tally, *, sealing: bool
) -> None:
    async with database.snapshot() as session:
        connection = await connection_of(session)
        found = await bulk_read.trace_shards(connection, ancestors.dag, [dataset_id], shards, sealing=sealing)
    tally.numbers += len(found.keys)
    tally.orphans += int(found.orphans(ancestors.notices).sum())
    tally.ancestors.update(found.counts())
    for notice_id, collected in ancestors.datasets_by_notice().items():
        tally.notices[notice_id] += found.count(collected)


def count_without_parents(ancestors: Ancestors, dataset_id: uuid.UUID, tally: Tally) -> None:
    """Count the numbers of a dataset without parents. All are its own, so they need not be read again."""
    tally.numbers = tally.digest.count
    if dataset_id in ancestors.notices:
        tally.notices[ancestors.notices[dataset_id]] = tally.numbers
    else:
        tally.orphans = tally.numbers


async def write_tally(session: AsyncSession, ring: KeyRing, row: Dataset, tally: Tally) -> None:
    """Store the counts of a dataset, let lookups find its numbers, and delete what was staged."""
    # Read first, so that the row is written once.
    row.rejected_count, row.unallocated_count = await _counts_of_parts(session, row.id)
    row.number_count = row.numbers_left = tally.numbers
    row.orphan_count = row.orphans_left = tally.orphans
    row.duplicate_count = tally.duplicates
    row.consent_span = tally.encrypted_span(ring, row.id)
    session.add(row)
    session.add_all(
        AncestorCount(dataset_id=row.id, ancestor_id=ancestor_id, count_at_sealing=count, count_left=count)
        for ancestor_id, count in tally.ancestors.items()
        if count and ancestor_id != row.id
    )
    session.add_all(
        NoticeCount(dataset_id=row.id, notice_id=notice_id, count_at_sealing=count, count_left=count)
        for notice_id, count in tally.notices.items()
        if count
    )
    await session.flush()
    connection = await connection_of(session)
    if row.content == Content.UPLOADED:
        await store.complete_segment(connection, ring, row.id, tally.digest)
    await store.unstage(connection, row.id)


async def request_flagging(session: AsyncSession, queue: App, dataset_id: uuid.UUID) -> None:
    """Ask for the task that looks at objections again for a newly sealed dataset.

    It flags its numbers whose owners objected before, and lets out what waited until they count.
    """
    await defer(session, queue, TaskName.FLAG_OBJECTIONS, dataset_id=str(dataset_id))


_COUNTS_OF_PARTS = text("""
    SELECT coalesce(sum(rejected_count), 0) AS rejected, coalesce(sum(unallocated_count), 0) AS unallocated
    FROM dataset_part WHERE dataset_id = :id
""")


async def _counts_of_parts(session: AsyncSession, dataset_id: uuid.UUID) -> tuple[int, int]:
    """How many lines of all parts were rejected, and how many have a number that no plan uses."""
    counts = (await run(session, _COUNTS_OF_PARTS, {"id": dataset_id})).one()
    return int(counts.rejected), int(counts.unallocated)


async def clear_counts(session: AsyncSession, dataset_ids: Collection[uuid.UUID]) -> None:
    """Delete the stored counts of datasets whose content turned out to differ from what was declared."""
    for table in (AncestorCount, NoticeCount):
        for row in (await session.exec(select(table).where(col(table.dataset_id).in_(dataset_ids)))).all():
            await session.delete(row)
    await session.flush()
    for dataset_id in dataset_ids:
        await forget_losses(session, dataset_id)


async def _reopen(session: AsyncSession, job: Job) -> None:
    row = await session.get_one(Dataset, job.subject_id, with_for_update=True)
    # A dataset whose last transaction was committed stays sealed, even if the reply to the commit was lost.
    row.state = DatasetState.OPEN if row.state == DatasetState.SEALING else row.state


_REOPEN_LOST = text("""
    UPDATE dataset SET state = 'open' WHERE state = 'sealing' AND NOT EXISTS (
        SELECT FROM job WHERE subject_id = dataset.id AND state IN ('waiting', 'running'))
    RETURNING id
""")


@sweep
async def reopen_lost_sealings(resources: Resources) -> None:
    """Open the datasets again that no job seals, so that their holders can seal them."""
    async with resources.get(Database).transaction() as session:
        for row in (await run(session, _REOPEN_LOST)).all():
            log.error("No job was sealing the dataset %s, which is open again.", row.id)
