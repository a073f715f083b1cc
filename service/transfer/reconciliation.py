"""Reconciliation: the recipient's own file is compared with what the sender declares, and then counts.

The recipient may look at the comparison before (`transfer.comparison`, `transfer.differences`), and cancel. A file that
matches confirms the transfer and is deleted. A file that differs disputes the transfer, and becomes the content of the
received dataset. Either way the recipient does not hold again what it erased: its file says that it received these
numbers, and its erasures stay. They match, whether or not its file still contains them.
"""

import uuid
from dataclasses import replace
from typing import NamedTuple

from procrastinate import App
from sqlmodel import select
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
from service.dataset.part_form import zone_of
from service.dataset.recount_requests import recount_if_ancestors_changed
from service.dataset.schemas import DatasetOut, region_of
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
from service.membership import erasure, store
from service.membership.blocks import SHARDS
from service.membership.descent.ancestors import Ancestors
from service.number.keyring import KeyRing
from service.organisation.models import Organisation
from service.release.operations import release_by_standing
from service.transfer.comparison import Difference, compare_file, forget_comparison, read_comparison, transfer_into
from service.transfer.models import Transfer, TransferStatement
from service.transfer.operations import find_transfer, get_transfer, read_standing
from service.transfer.schemas import ReconciliationIn, ReconciliationOut, TransferOut
from service.transfer.statements import refuse_own_file, side_of
from service.transfer.status import VOID, Standing
from service.transfer.use import refuse_replacing


async def open_reconciliation(
    session: AsyncSession, ring: KeyRing, actor: Actor, transfer_id: uuid.UUID, wanted: ReconciliationIn
) -> DatasetOut:
    """Let the recipient upload its file as parts of the received dataset, read in the region that it states."""
    row = await find_transfer(session, actor, transfer_id)
    _require_recipient(actor, row)
    received = await session.get_one(Dataset, row.received_dataset_id, with_for_update=True)
    standing = await read_standing(session, row)
    refuse_own_file(received)
    _refuse_void(standing)
    await refuse_replacing(session, received.id)
    if received.reconciling:
        raise Conflict(
            "reconciliation_already_open", "The reconciliation of this transfer is already open. Send your file."
        )
    recipient = await session.get_one(Organisation, row.recipient_id)
    received.default_region = wanted.default_region or region_of(recipient.country)
    received.time_zone = zone_of(received.default_region, wanted.time_zone, reads_consent=False)
    # A file that was compared before may have been laid out otherwise.
    received.dialect, received.month_first_refused = None, []
    received.reconciling = True
    await forget_comparison(session, row.id)
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
    await forget_comparison(session, row.id)
    await _delete_file(session, received)
    return await get_transfer(session, actor, transfer_id)


async def _lock_received(session: AsyncSession, row: Transfer) -> Dataset:
    """The received dataset, locked, whose reconciliation must be open and not yet comparing."""
    received = await session.get_one(Dataset, row.received_dataset_id, with_for_update=True)
    _require_open(received)
    if await has_unfinished_job(session, received.id):
        raise Conflict("being_compared", "Your file is already being compared. Follow that job.")
    return received


def _require_open(received: Dataset) -> None:
    if not received.reconciling:
        raise Conflict(
            "no_reconciliation", "No reconciliation of this transfer is open. Open one and send your file first."
        )


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


async def get_reconciliation(session: AsyncSession, actor: Actor, transfer_id: uuid.UUID) -> ReconciliationOut:
    """How far an open reconciliation has got: how the file is read, and what the comparison found."""
    row = await find_transfer(session, actor, transfer_id)
    _require_recipient(actor, row)
    received = await session.get_one(Dataset, row.received_dataset_id)
    _require_open(received)
    found = await read_comparison(session, row)
    return ReconciliationOut(
        transfer_id=row.id,
        dataset_id=received.id,
        default_region=received.default_region,
        time_zone=received.time_zone,
        compared_at=found.compared_at if found else None,
        extra_count=found.extra_count if found else None,
        missing_count=found.missing_count if found else None,
    )


async def start_comparison(
    session: AsyncSession, queue: App, actor: Actor, transfer_id: uuid.UUID, *, confirm: bool
) -> JobOut:
    """Start the job that compares the recipient's file with what the sender declares; with `confirm`, it counts."""
    row = await find_transfer(session, actor, transfer_id)
    _require_recipient(actor, row)
    received = await _lock_received(session, row)
    _refuse_void(await read_standing(session, row))
    await require_numbers(session, received.id)
    kind = JobKind.RECONCILE_TRANSFER if confirm else JobKind.COMPARE_FILE
    return await start_job(session, queue, actor, kind, received.id)


async def confirm_reconciliation(session: AsyncSession, queue: App, actor: Actor, transfer_id: uuid.UUID) -> JobOut:
    """Start the job that lets the file count, as it was compared.

    Raises:
        Conflict: the file was not compared, or a part was sent since.
    """
    row = await find_transfer(session, actor, transfer_id)
    _require_recipient(actor, row)
    received = await _lock_received(session, row)
    _refuse_void(await read_standing(session, row))
    if await read_comparison(session, row) is None:
        raise Conflict(
            "not_compared", "Your file has not been compared as it is now. Have it compared, and look at the result."
        )
    return await start_job(session, queue, actor, JobKind.RECONCILE_TRANSFER, received.id)


@task(JobKind.RECONCILE_TRANSFER, until_done=True)
async def reconcile_transfer(resources: Resources, job_id: str) -> None:
    """The task that compares the recipient's file and lets it count."""
    database = resources.get(Database)
    ring = resources.get(KeyRing)

    async def work(job: Job, report: ReportProgress) -> None:
        await _compare(database, ring, resources.get(App), job, report)

    await run_job(database, uuid.UUID(job_id), work)


async def _compare(database: Database, ring: KeyRing, queue: App, job: Job, report: ReportProgress) -> None:
    compared = await compare_file(database, ring, job.subject_id, report)
    # A job that was killed after its last transaction starts again, and finds no file to compare.
    if compared is None:
        return
    transfer, ancestors, found = compared
    # The file proves what was handed over then, also if the transfer was denied in between.
    received_id = transfer.received_dataset_id
    uploaded = replace(ancestors.dag[received_id], content=Content.UPLOADED, made_at=transfer.recorded_at)
    counted = replace(ancestors, dag=ancestors.dag | {received_id: uploaded})
    own = await _load_as_own(database, ring, counted, received_id, report) if any(found) else None
    await _record_result(database, queue, ring, job, found, _Counted(ancestors, counted, own))


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
    found: Difference,
    counted: _Counted,
) -> None:
    tally = counted.tally
    async with database.transaction() as session:
        transfer = await transfer_into(session, job.subject_id)
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
        await forget_comparison(session, transfer.id)
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
