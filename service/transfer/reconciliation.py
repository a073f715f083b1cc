"""Reconciliation: the recipient's own file is compared with what the sender declares.

A file that matches confirms the transfer and is deleted. A file that differs disputes the transfer, and becomes the
content of the received dataset. Either way the recipient does not hold again what it erased: its file says that it
received these numbers, and its erasures stay. They match, whether or not its file still contains them.
"""

import uuid
from dataclasses import replace
from typing import NamedTuple

from procrastinate import App
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.visible_rows import read_asserters
from service.core.clock import now
from service.core.db import Database, connection_of
from service.core.errors import Conflict, Forbidden
from service.core.resources import Resources
from service.core.task_queue import task
from service.core.vocabulary import Content, Side, TransferStatus
from service.dataset.erasure import drop_copies_unneeded_without
from service.dataset.expiry import note_upload
from service.dataset.holdings import lock_holdings
from service.dataset.models import Dataset, DatasetParent, DatasetPart
from service.dataset.operations import dataset_out, require_numbers
from service.dataset.recount_requests import recount_if_ancestors_changed
from service.dataset.schemas import DatasetOut
from service.dataset.sealing import (
    Tally,
    clear_counts,
    count_shards,
    drop_stale_uploads,
    load_shards,
    recount_if_erased,
    request_flagging,
    write_tally,
)
from service.job.models import Job, JobKind
from service.job.operations import ReportProgress, has_unfinished_job, run_job, start_job
from service.job.schemas import JobOut
from service.membership import bulk_read, erasure, exclusion, store
from service.membership.blocks import SHARDS
from service.membership.descent.ancestors import Ancestors, read_ancestors
from service.membership.runs import isin_sorted
from service.number.keyring import KeyRing, unpack_keys
from service.release.operations import release_by_standing
from service.transfer.models import Transfer, TransferStatement
from service.transfer.operations import find_transfer, get_transfer, read_standing
from service.transfer.schemas import TransferOut
from service.transfer.statements import refuse_reconciled, side_of
from service.transfer.status import VOID, Standing
from service.transfer.use import refuse_replacing


async def open_reconciliation(session: AsyncSession, ring: KeyRing, actor: Actor, transfer_id: uuid.UUID) -> DatasetOut:
    """Let the recipient upload its file as parts of the received dataset."""
    row = await find_transfer(session, actor, transfer_id)
    _require_recipient(actor, row)
    received = await session.get_one(Dataset, row.received_dataset_id, with_for_update=True)
    standing = await read_standing(session, row)
    refuse_reconciled(standing)
    _refuse_void(standing)
    await refuse_replacing(session, received.id)
    if received.reconciling:
        raise Conflict(
            "reconciliation_already_open", "The reconciliation of this transfer is already open. Send your file."
        )
    received.reconciling = True
    note_upload(received)
    session.add(received)
    await session.flush()
    edge = await session.get_one(DatasetParent, (received.id, row.dataset_id))
    return dataset_out(ring, received, [edge], await read_asserters(session, actor, [received]))


async def cancel_reconciliation(session: AsyncSession, actor: Actor, transfer_id: uuid.UUID) -> TransferOut:
    """Close a reconciliation without comparing, and delete the parts that were sent."""
    row = await find_transfer(session, actor, transfer_id)
    _require_recipient(actor, row)
    received = await _lock_received(session, row)
    received.reconciling = False
    received.dialect = None
    session.add(received)
    await _delete_file(session, received)
    return await get_transfer(session, actor, transfer_id)


async def _lock_received(session: AsyncSession, row: Transfer) -> Dataset:
    """The received dataset, locked, whose reconciliation must be open and not yet comparing."""
    received = await session.get_one(Dataset, row.received_dataset_id, with_for_update=True)
    if not received.reconciling:
        raise Conflict(
            "no_reconciliation", "No reconciliation of this transfer is open. Open one and send your file first."
        )
    if await has_unfinished_job(session, received.id):
        raise Conflict("being_compared", "Your file is already being compared. Follow that job.")
    return received


def _refuse_void(standing: Standing[TransferStatement]) -> None:
    if standing.status is TransferStatus.DENIED:
        raise Conflict("transfer_denied", "You denied this transfer. Acknowledge it before you send your file.")
    if standing.status in VOID:
        raise Conflict(
            "transfer_retracted",
            "This transfer was retracted. The organisation that registered it must state it again before you can "
            "reconcile it.",
        )


def _require_recipient(actor: Actor, row: Transfer) -> None:
    if side_of(actor, row) is not Side.RECIPIENT:
        raise Forbidden("not_the_recipient", "Only the recipient can reconcile a transfer with its own file.")


async def start_comparison(session: AsyncSession, queue: App, actor: Actor, transfer_id: uuid.UUID) -> JobOut:
    """Start the job that compares the recipient's file with what the sender declares."""
    row = await find_transfer(session, actor, transfer_id)
    _require_recipient(actor, row)
    received = await _lock_received(session, row)
    _refuse_void(await read_standing(session, row))
    await require_numbers(session, received.id)
    return await start_job(session, queue, actor, JobKind.RECONCILE_TRANSFER, received.id)


@task(JobKind.RECONCILE_TRANSFER, until_done=True)
async def reconcile_transfer(resources: Resources, job_id: str) -> None:
    """The task behind `POST /v1/transfers/{id}/reconciliation/compare`."""
    database = resources.get(Database)
    ring = resources.get(KeyRing)

    async def work(job: Job, report: ReportProgress) -> None:
        await _compare(database, ring, resources.get(App), job, report)

    await run_job(database, uuid.UUID(job_id), work)


async def _compare(database: Database, ring: KeyRing, queue: App, job: Job, report: ReportProgress) -> None:
    async with database.transaction() as session:
        transfer = await _transfer_into(session, job.subject_id)
        received = await session.get_one(Dataset, transfer.received_dataset_id)
        # A job that was killed after its last transaction starts again, and finds no file to compare.
        if not received.reconciling:
            return
        await drop_stale_uploads(session, transfer.received_dataset_id)
        ancestors = await read_ancestors(session, [transfer.received_dataset_id])
        lines = await _count_lines(session, transfer.received_dataset_id)
        ranges = await bulk_read.ranges_to_trace(await connection_of(session), ancestors.dag, lines)
    found = _Difference(0, 0, 0)
    for shards in ranges:
        async with database.snapshot() as session:
            found = found.plus(await _difference(session, ring, ancestors, transfer, shards))
        await report(shards.stop, SHARDS)
    # The file proves what was handed over then, also if the transfer was denied in between.
    received_id = transfer.received_dataset_id
    uploaded = replace(ancestors.dag[received_id], content=Content.UPLOADED, made_at=transfer.recorded_at)
    counted = replace(ancestors, dag=ancestors.dag | {received_id: uploaded})
    own = await _load_as_own(database, ring, counted, received_id, report) if any(found) else None
    await _record_result(database, queue, ring, job, found, _Counted(ancestors, counted, own))


async def _count_lines(session: AsyncSession, received_id: uuid.UUID) -> int:
    """How many lines a recipient's own file has."""
    query = select(func.coalesce(func.sum(DatasetPart.accepted_count), 0)).where(DatasetPart.dataset_id == received_id)
    return int((await session.exec(query)).one())


async def _transfer_into(session: AsyncSession, received_id: uuid.UUID) -> Transfer:
    return (await session.exec(select(Transfer).where(Transfer.received_dataset_id == received_id))).one()


class _Difference(NamedTuple):
    """How a recipient's file differs from what the sender declares.

    `extra` are the numbers that only the file has, and `missing` those that it lacks. `gone` are numbers in both that
    the received dataset no longer resolves to, because the sender erased them while the recipient denied the transfer.
    """

    extra: int
    missing: int
    gone: int

    def plus(self, other: "_Difference") -> "_Difference":
        """The difference in two parts of the numbers."""
        return _Difference(self.extra + other.extra, self.missing + other.missing, self.gone + other.gone)


async def _difference(
    session: AsyncSession, ring: KeyRing, ancestors: Ancestors, transfer: Transfer, shards: range
) -> _Difference:
    """The difference in the numbers of some shards."""
    connection = await connection_of(session)
    dag, received_id = ancestors.dag, transfer.received_dataset_id
    file = await store.staged_keys(connection, ring, received_id, shards)
    erased = unpack_keys(b"".join(await exclusion.erasures_in_shards(connection, [received_id], shards)))
    declared = held = await bulk_read.content_in_shards(connection, dag, received_id, shards)
    if dag[received_id].made_at > transfer.recorded_at:
        at_transfer = replace(dag[received_id], made_at=transfer.recorded_at)
        declared = await bulk_read.content_in_shards(connection, dag | {received_id: at_transfer}, received_id, shards)
    in_file, was_erased = isin_sorted(declared, file), isin_sorted(declared, erased)
    return _Difference(
        extra=int((~isin_sorted(file, declared) & ~isin_sorted(file, erased)).sum()),
        missing=int((~in_file & ~was_erased).sum()),
        gone=int((in_file & ~was_erased & ~isin_sorted(declared, held)).sum()),
    )


async def _load_as_own(
    database: Database, ring: KeyRing, ancestors: Ancestors, received_id: uuid.UUID, report: ReportProgress
) -> Tally:
    """Store the recipient's file as blocks of its dataset. Lookups ignore them until the content is `uploaded`."""
    tally = Tally()
    await load_shards(database, ring, received_id, tally, report, 2 * SHARDS)
    await count_shards(database, ancestors, received_id, tally, report, 2 * SHARDS, sealing=False)
    return tally


class _Counted(NamedTuple):
    """The ancestors of a received dataset, also as they are with the recipient's file, and the file's counts, if any.

    The file is counted only if it becomes the content.
    """

    ancestors: Ancestors
    with_file: Ancestors
    tally: Tally | None


async def _record_result(
    database: Database,
    queue: App,
    ring: KeyRing,
    job: Job,
    found: _Difference,
    counted: _Counted,
) -> None:
    tally = counted.tally
    async with database.transaction() as session:
        transfer = await _transfer_into(session, job.subject_id)
        if tally is not None:
            # Taken before any row is locked, because copies that only the recipient needed are dropped below.
            await lock_holdings(session, transfer.recipient_id)
            await erasure.lock_erasures(await connection_of(session))
            received_id = transfer.received_dataset_id
            await recount_if_erased(database, session, counted.with_file, received_id, tally, sealing=False)
        received = await session.get_one(Dataset, transfer.received_dataset_id, with_for_update=True)
        # It may have been retracted meanwhile. The file stays, until the recipient cancels the reconciliation.
        _refuse_void(await read_standing(session, transfer))
        received.reconciling = False
        await recount_if_ancestors_changed(session, queue, received, counted.ancestors)
        if tally is None:
            await _delete_file(session, received)
        else:
            received.content, received.sealed_at = Content.UPLOADED, now()
            await clear_counts(session, [received.id])
            await write_tally(session, ring, received, tally)
            await release_by_standing(session, queue, received.id)
            await request_flagging(session, queue, received.id)
            # Also drops what the file contains of the numbers that the recipient erased.
            await drop_copies_unneeded_without(session, ring, received.id)
        session.add(
            TransferStatement(
                transfer_id=transfer.id,
                side=Side.RECIPIENT,
                status=TransferStatus.DISPUTED if found.extra or found.missing else TransferStatus.CONFIRMED,
                extra_count=found.extra,
                missing_count=found.missing,
                asserted_by_id=job.organisation_id,
                asserted_through_id=job.through_id,
                occurred_at=now(),
            )
        )


async def _delete_file(session: AsyncSession, received: Dataset) -> None:
    """Delete the recipient's file: one that matches adds nothing to the sender's dataset."""
    for part in (await session.exec(select(DatasetPart).where(DatasetPart.dataset_id == received.id))).all():
        await session.delete(part)
    await session.flush()
    await drop_stale_uploads(session, received.id)
    # A comparison that was killed may have left blocks.
    await store.drop_unfinished_segment(await connection_of(session), received.id)
