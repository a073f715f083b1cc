"""One function per operation on transfers."""

import uuid
from collections.abc import Sequence

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.visible_rows import get_visible, list_visible, read_asserters
from service.core.db import connection_of
from service.core.errors import Conflict, Forbidden, Unprocessable
from service.core.paging import Page
from service.core.task_queue import TaskName, defer
from service.core.vocabulary import Content, DatasetState, Side, TransferStatus
from service.dataset.counts import copy_counts, count_again_as_shared
from service.dataset.erasure import drop_copies_unneeded_without
from service.dataset.holdings import lock_holdings
from service.dataset.models import Dataset, DatasetParent
from service.dataset.operations import find_dataset
from service.dataset.sealing import request_flagging
from service.membership import erasure
from service.number.keyring import KeyRing
from service.organisation.models import Organisation
from service.organisation.operations import find_organisation, require_active
from service.release.operations import release_by_standing
from service.transfer.models import Transfer, TransferStatement
from service.transfer.schemas import CriterionOut, StatementIn, StatementOut, TransferIn, TransferOut
from service.transfer.status import status_of


async def register_transfer(session: AsyncSession, queue: App, actor: Actor, wanted: TransferIn) -> TransferOut:
    """Register a transfer, and the dataset that its recipient gets by it."""
    await lock_holdings(session, wanted.recipient_id)
    dataset = await find_dataset(session, actor, wanted.dataset_id, lock=True)
    sender = await find_organisation(session, dataset.holder_id, "dataset_id")
    recipient = await find_organisation(session, wanted.recipient_id, "recipient_id")
    _check_registrant(actor, dataset, sender, recipient)
    _check_dataset(wanted, dataset)
    for side in (sender, recipient):
        require_active(side, wanted.occurred_at)
    received = await _create_received(session, actor, wanted, dataset)
    row = Transfer(
        **wanted.model_dump(exclude={"occurred_at", "targeting"}),
        targeting=[criterion.model_dump() for criterion in wanted.targeting],
        sender_id=sender.id,
        received_dataset_id=received.id,
        number_count=received.number_count or 0,
        **assertion_columns(actor, wanted.occurred_at),
    )
    session.add(row)
    await session.flush()
    session.add(DatasetParent(dataset_id=received.id, parent_id=dataset.id, transfer_id=row.id))
    by_recipient = actor.organisation_id == recipient.id
    statement = TransferStatement(
        transfer_id=row.id,
        side=Side.RECIPIENT if by_recipient else Side.SENDER,
        status=TransferStatus.ACKNOWLEDGED if by_recipient else TransferStatus.DECLARED,
        **assertion_columns(actor, wanted.occurred_at),
    )
    session.add(statement)
    await session.flush()
    await release_by_standing(session, queue, received.id)
    await request_flagging(session, queue, received.id)
    return (await _response_bodies(session, actor, [row]))[0]


def _check_registrant(actor: Actor, dataset: Dataset, sender: Organisation, recipient: Organisation) -> None:
    """The sender registers a transfer. If it has no account, the organisation that asserts its dataset does."""
    if sender.id == recipient.id:
        raise Unprocessable(
            "same_organisation",
            "Sender and recipient are the same organisation. Derive a dataset instead of registering a transfer.",
        )
    if sender.id == actor.organisation_id:
        return
    may_speak_for_recipient = recipient.id == actor.organisation_id or recipient.admitted_at is None
    if sender.admitted_at is not None or dataset.asserted_by_id != actor.organisation_id or not may_speak_for_recipient:
        raise Forbidden(
            "not_your_transfer",
            "Only the sender registers a transfer. If it has no account, its recipient may do so, for a dataset that "
            "the recipient asserted.",
        )


def _check_dataset(wanted: TransferIn, dataset: Dataset) -> None:
    if dataset.state != DatasetState.SEALED or dataset.reconciling:
        raise Conflict("dataset_not_sealed", "Only a sealed dataset can be transferred. Seal it first.")
    if wanted.occurred_at < dataset.occurred_at:
        raise Unprocessable("transfer_before_dataset", "`occurred_at` is before that of the dataset. Correct it.")


async def _create_received(session: AsyncSession, actor: Actor, wanted: TransferIn, dataset: Dataset) -> Dataset:
    """The recipient's dataset. It shares the sender's content, so its counts are known without counting."""
    received = Dataset(
        **dataset.model_dump(include={"name", "default_region", "time_zone"}),
        holder_id=wanted.recipient_id,
        content=Content.SHARED,
        state=DatasetState.SEALED,
        duplicate_count=0,
        rejected_count=0,
        unallocated_count=0,
        **assertion_columns(actor, wanted.occurred_at),
    )
    received.sealed_at = received.recorded_at
    session.add(received)
    await session.flush()
    await copy_counts(session, dataset, received)
    return received


async def find_transfer(session: AsyncSession, actor: Actor, transfer_id: uuid.UUID) -> Transfer:
    """A transfer that the caller sees."""
    return await get_visible(session, Transfer, visibility.visible_transfers(actor), transfer_id, "transfer")


async def get_transfer(session: AsyncSession, actor: Actor, transfer_id: uuid.UUID) -> TransferOut:
    """A transfer with both sides' statements."""
    return (await _response_bodies(session, actor, [await find_transfer(session, actor, transfer_id)]))[0]


async def list_transfers(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[TransferOut]:
    """The transfers that the caller sees."""
    rows = await list_visible(session, Transfer, visibility.visible_transfers(actor), after, limit)
    return rows.page(await _response_bodies(session, actor, rows.rows))


async def state_transfer(
    session: AsyncSession, ring: KeyRing, queue: App, actor: Actor, transfer_id: uuid.UUID, wanted: StatementIn
) -> TransferOut:
    """Record what the side that did not register a transfer states of it.

    A recipient that denies a transfer no longer holds what it delivered. Copies of erased numbers that were stored for
    that recipient alone are dropped. If it acknowledges the transfer later, it holds what the sender's dataset holds
    then.

    Raises:
        Conflict: a reconciliation decided it already, or it is denied after what it delivered was used.
        Forbidden: the caller is not a side of it, or is the side that registered it.
    """
    row = await find_transfer(session, actor, transfer_id)
    side = side_of(actor, row)
    denied = side is Side.RECIPIENT and wanted.status is TransferStatus.DENIED
    if side is Side.RECIPIENT:
        # A denial may drop copies. An acknowledgement after it takes over what is not erased by then.
        await erasure.lock_erasures(await connection_of(session))
    received = await session.get_one(Dataset, row.received_dataset_id, with_for_update=True)
    if row.asserted_by_id == actor.organisation_id:
        raise Forbidden(
            "registered_by_you", "You registered this transfer. Only the other side can acknowledge or deny it."
        )
    if side is Side.RECIPIENT:
        await _check_recipient(session, row, received, wanted.status)
    _check_time(row, wanted)
    statement = TransferStatement(
        transfer_id=row.id,
        side=side,
        status=wanted.status,
        comment=wanted.comment,
        **assertion_columns(actor, wanted.occurred_at),
    )
    holds_again = side is Side.RECIPIENT and not denied and await read_status(session, row) is TransferStatus.DENIED
    if holds_again:
        received.taken_over_at = statement.recorded_at
    session.add(statement)
    await session.flush()
    if denied:
        await drop_copies_unneeded_without(session, ring, received.id)
        # Relays that wait for the recipient end.
        await defer(session, queue, TaskName.RELEASE_WAITING, dataset_id=str(received.id))
    if holds_again:
        source = await session.get_one(Dataset, row.dataset_id, with_for_update=True)
        await count_again_as_shared(session, ring, source, received)
    if side is Side.SENDER or holds_again:
        # The sender's own word may make numbers count, and a denial taken back brings them to the recipient again.
        await request_flagging(session, queue, received.id)
    return (await _response_bodies(session, actor, [row]))[0]


async def _check_recipient(session: AsyncSession, row: Transfer, received: Dataset, status: TransferStatus) -> None:
    await refuse_reconciled(session, row)
    if received.reconciling:
        raise Conflict(
            "reconciliation_in_progress",
            "You are reconciling this transfer. Have your file compared, or cancel the reconciliation.",
        )
    if status is TransferStatus.DENIED:
        await refuse_passed_on(session, received.id)
        await _refuse_campaigns(session, received.id)


def _check_time(row: Transfer, wanted: StatementIn) -> None:
    if wanted.status is TransferStatus.ACKNOWLEDGED and wanted.occurred_at < row.occurred_at:
        raise Unprocessable("statement_before_transfer", "`occurred_at` is before that of the transfer. Correct it.")


def side_of(actor: Actor, row: Transfer) -> Side:
    """Which side of a transfer the caller is."""
    if actor.organisation_id == row.recipient_id:
        return Side.RECIPIENT
    if actor.organisation_id == row.sender_id:
        return Side.SENDER
    raise Forbidden(
        "not_a_side", "Only the two sides of a transfer can make statements about it. Use a key of one of them."
    )


async def refuse_reconciled(session: AsyncSession, row: Transfer) -> None:
    """Refuse to change a transfer after its reconciliation: the recipient's own file is lasting evidence."""
    if await read_status(session, row) in (TransferStatus.CONFIRMED, TransferStatus.DISPUTED):
        raise Conflict("already_reconciled", "This transfer was reconciled with your own file. The result is final.")


async def refuse_passed_on(session: AsyncSession, received_id: uuid.UUID) -> None:
    """Refuse to deny or replace a received dataset that the recipient derived others from, or passed on."""
    derived = select(DatasetParent.dataset_id).where(DatasetParent.parent_id == received_id).limit(1)
    if (await session.exec(derived)).first() is not None:
        raise Conflict(
            "passed_on",
            "You derived a dataset from what this transfer delivered, or passed it on. It can no longer change.",
        )


async def _refuse_campaigns(session: AsyncSession, received_id: uuid.UUID) -> None:
    if await session.scalar(_IN_CAMPAIGN, {"id": received_id}):
        raise Conflict(
            "used_in_campaign",
            "You registered a campaign that used what this transfer delivered. It can no longer be denied.",
        )


_IN_CAMPAIGN = text("SELECT EXISTS (SELECT FROM used_dataset WHERE dataset_id = :id)")


async def _statements(session: AsyncSession, transfer_ids: Sequence[uuid.UUID]) -> Sequence[TransferStatement]:
    query = select(TransferStatement).where(col(TransferStatement.transfer_id).in_(transfer_ids))
    return (await session.exec(query.order_by(col(TransferStatement.recorded_at), col(TransferStatement.id)))).all()


async def read_status(session: AsyncSession, row: Transfer) -> TransferStatus:
    """The status of a transfer, by the statements recorded so far."""
    return status_of(await _statements(session, [row.id]))


async def _response_bodies(session: AsyncSession, actor: Actor, transfers: Sequence[Transfer]) -> list[TransferOut]:
    statements = await _statements(session, [row.id for row in transfers])
    asserters = await read_asserters(session, actor, transfers, statements)
    answers = []
    for row in transfers:
        own = [statement for statement in statements if statement.transfer_id == row.id]
        answers.append(
            TransferOut(
                **asserters.body(
                    row,
                    targeting=[CriterionOut(**criterion) for criterion in row.targeting],
                    status=status_of(own),
                    statements=[StatementOut(**asserters.body(statement)) for statement in own],
                )
            )
        )
    return answers
