"""A recipient's own file beside what the sender declares: the numbers in which they differ, and how many they are.

A comparison counts for nothing by itself. It is kept as long as the file stays as it is, so that the recipient lets
count what it has seen.
"""

import uuid
from dataclasses import replace
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database, connection_of, run
from service.core.resources import Resources
from service.core.task_queue import task
from service.core.vocabulary import Content
from service.dataset.models import Dataset, DatasetPart
from service.dataset.sealing import drop_stale_uploads
from service.job.models import Job, JobKind
from service.job.operations import ReportProgress, run_job
from service.membership import bulk_read, exclusion, store
from service.membership.blocks import SHARDS
from service.membership.descent.ancestors import Ancestors, read_ancestors
from service.membership.descent.dag import Dag
from service.membership.runs import isin_sorted
from service.membership.store import Connection
from service.number.keyring import KeyRing, Keys, unpack_keys
from service.transfer.models import FileComparison, Transfer


async def transfer_into(session: AsyncSession, received_id: uuid.UUID) -> Transfer:
    """The transfer that delivered a dataset."""
    return (await session.exec(select(Transfer).where(Transfer.received_dataset_id == received_id))).one()


class Difference(NamedTuple):
    """How many numbers of a recipient's file and of what the sender declares differ.

    `extra` are the numbers that only the file has, and `missing` those that it lacks. `gone` are numbers in both that
    the received dataset no longer resolves to, because the sender erased them while the transfer was void.
    """

    extra: int
    missing: int
    gone: int

    def plus(self, other: "Difference") -> "Difference":
        """The difference in two parts of the numbers."""
        return Difference(self.extra + other.extra, self.missing + other.missing, self.gone + other.gone)


class Differing(NamedTuple):
    """The numbers themselves, as sorted keys."""

    extra: Keys
    missing: Keys


def differing(file: Keys, declared: Keys, erased: Keys) -> Differing:
    """In which numbers a file differs from what is declared. What the recipient `erased` is neither. All are sorted."""
    return Differing(
        extra=file[~isin_sorted(file, declared) & ~isin_sorted(file, erased)],
        missing=declared[~isin_sorted(declared, file) & ~isin_sorted(declared, erased)],
    )


async def declared_keys(connection: Connection, dag: Dag, transfer: Transfer, shards: range) -> Keys:
    """What the sender declares in some shards: what its dataset held when the transfer was recorded."""
    received_id = transfer.received_dataset_id
    at_transfer = replace(dag[received_id], content=Content.SHARED, made_at=transfer.recorded_at)
    return await bulk_read.content_in_shards(connection, dag | {received_id: at_transfer}, received_id, shards)


async def erased_keys(connection: Connection, dataset_id: uuid.UUID, shards: range) -> Keys:
    """What was erased from a dataset, in some shards."""
    return unpack_keys(b"".join(await exclusion.erasures_in_shards(connection, [dataset_id], shards)))


async def _difference(
    session: AsyncSession, ring: KeyRing, ancestors: Ancestors, transfer: Transfer, shards: range
) -> Difference:
    """The difference in the numbers of some shards."""
    connection = await connection_of(session)
    dag, received_id = ancestors.dag, transfer.received_dataset_id
    file = await store.staged_keys(connection, ring, received_id, shards)
    erased = await erased_keys(connection, received_id, shards)
    declared = await declared_keys(connection, dag, transfer, shards)
    found = differing(file, declared, erased)
    gone = 0
    if dag[received_id].made_at > transfer.recorded_at:
        held = await bulk_read.content_in_shards(connection, dag, received_id, shards)
        proved = isin_sorted(declared, file) & ~isin_sorted(declared, erased)
        gone = int((proved & ~isin_sorted(declared, held)).sum())
    return Difference(len(found.extra), len(found.missing), gone)


class Compared(NamedTuple):
    """A transfer, the ancestors of its received dataset, and how the recipient's file differs."""

    transfer: Transfer
    ancestors: Ancestors
    found: Difference


async def compare_file(
    database: Database, ring: KeyRing, received_id: uuid.UUID, report: ReportProgress
) -> Compared | None:
    """Compare the file that is staged for a received dataset. None if no reconciliation is open."""
    async with database.transaction() as session:
        transfer = await transfer_into(session, received_id)
        received = await session.get_one(Dataset, received_id)
        if not received.reconciling:
            return None
        await drop_stale_uploads(session, received_id)
        ancestors = await read_ancestors(session, [received_id])
        lines = await _count_lines(session, received_id)
        ranges = await bulk_read.ranges_to_trace(await connection_of(session), ancestors.dag, lines)
    found = Difference(0, 0, 0)
    for shards in ranges:
        async with database.snapshot() as session:
            found = found.plus(await _difference(session, ring, ancestors, transfer, shards))
        await report(shards.stop, SHARDS)
    return Compared(transfer, ancestors, found)


async def _count_lines(session: AsyncSession, received_id: uuid.UUID) -> int:
    """How many lines a recipient's own file has."""
    query = select(func.coalesce(func.sum(DatasetPart.accepted_count), 0)).where(DatasetPart.dataset_id == received_id)
    return int((await session.exec(query)).one())


@task(JobKind.COMPARE_FILE, until_done=True)
async def compare_and_keep(resources: Resources, job_id: str) -> None:
    """The task that compares the recipient's file, for it to look at."""
    database, ring = resources.get(Database), resources.get(KeyRing)

    async def work(job: Job, report: ReportProgress) -> None:
        compared = await compare_file(database, ring, job.subject_id, report)
        if compared is None:
            return
        async with database.transaction() as session:
            await session.get_one(Dataset, job.subject_id, with_for_update=True)
            await forget_comparison(session, compared.transfer.id)
            session.add(
                FileComparison(
                    transfer_id=compared.transfer.id,
                    file_version=await _file_version(session, job.subject_id),
                    extra_count=compared.found.extra,
                    missing_count=compared.found.missing,
                )
            )

    await run_job(database, uuid.UUID(job_id), work)


# Each upload of a part has a number of its own.
_FILE_VERSION: Final = text("""
    SELECT md5(string_agg(number || ':' || upload, ',' ORDER BY number)) FROM dataset_part WHERE dataset_id = :id
""")
_FORGET: Final = text("DELETE FROM file_comparison WHERE transfer_id = :id")


async def _file_version(session: AsyncSession, received_id: uuid.UUID) -> str:
    return str(await session.scalar(_FILE_VERSION, {"id": received_id}))


async def read_comparison(session: AsyncSession, row: Transfer) -> FileComparison | None:
    """The comparison of the recipient's file as it is now. None if there is none, or a part was sent since."""
    found = await session.get(FileComparison, row.id)
    if found is None or found.file_version != await _file_version(session, row.received_dataset_id):
        return None
    return found


async def forget_comparison(session: AsyncSession, transfer_id: uuid.UUID) -> None:
    """Forget what a comparison found."""
    await session.flush()
    await run(session, _FORGET, {"id": transfer_id})
