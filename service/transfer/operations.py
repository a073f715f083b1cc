"""One function per operation on transfers."""

import uuid
from collections.abc import Sequence

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility, visible_rows
from service.access.actor import Actor
from service.access.assertion import asserted
from service.core.db import driver
from service.core.errors import Conflict, Forbidden, Unprocessable
from service.core.paging import Page, cut
from service.core.vocabulary import Content, DatasetState, Side, TransferStatus
from service.dataset.erasure import release_after
from service.dataset.models import AncestorCount, Dataset, DatasetParent, NoticeCount
from service.dataset.operations import find_dataset
from service.dataset.sealing import ask_for_flags
from service.membership import erasure
from service.number.keyring import KeyRing
from service.organisation.models import Organisation
from service.organisation.operations import require
from service.transfer.models import Transfer, TransferStatement
from service.transfer.schemas import CriterionOut, StatementIn, StatementOut, TransferIn, TransferOut
from service.transfer.status import status_of


async def register_transfer(session: AsyncSession, queue: App, actor: Actor, wanted: TransferIn) -> TransferOut:
    """Register a transfer, and with it the dataset that it made in the recipient's hands."""
    dataset = await find_dataset(session, actor, wanted.dataset_id, lock=True)
    sender = await require(session, dataset.holder_id, "dataset_id")
    recipient = await require(session, wanted.recipient_id, "recipient_id")
    _check_voice(actor, dataset, sender, recipient)
    _check_dataset(wanted, dataset)
    received = await _receive(session, actor, wanted, dataset)
    row = Transfer(
        **wanted.model_dump(exclude={"occurred_at", "targeting"}),
        targeting=[criterion.model_dump() for criterion in wanted.targeting],
        sender_id=sender.id,
        received_dataset_id=received.id,
        **asserted(actor, wanted.occurred_at),
    )
    session.add(row)
    await session.flush()
    session.add(DatasetParent(dataset_id=received.id, parent_id=dataset.id, transfer_id=row.id))
    told_by_recipient = actor.organisation_id == recipient.id
    statement = TransferStatement(
        transfer_id=row.id,
        side=Side.RECIPIENT if told_by_recipient else Side.SENDER,
        status=TransferStatus.ACKNOWLEDGED if told_by_recipient else TransferStatus.DECLARED,
        **asserted(actor, wanted.occurred_at),
    )
    session.add(statement)
    await session.flush()
    await ask_for_flags(session, queue, received.id)
    return (await _complete(session, [row]))[0]


def _check_voice(actor: Actor, dataset: Dataset, sender: Organisation, recipient: Organisation) -> None:
    """The sender tells of a transfer. For one without an account whoever asserts its dataset does: its buyer."""
    if sender.id == recipient.id:
        raise Unprocessable(
            "same_sides", "Sender and recipient are one: between one's own datasets nothing is transferred."
        )
    if sender.id == actor.organisation_id:
        return
    told_for_both = recipient.id == actor.organisation_id or recipient.admitted_at is None
    if sender.admitted_at is not None or dataset.asserted_by_id != actor.organisation_id or not told_for_both:
        raise Forbidden(
            "not_your_transfer",
            "A transfer is registered by its sender. Only for a sender without an account may the recipient do it, "
            "of a dataset that it asserted itself.",
        )


def _check_dataset(wanted: TransferIn, dataset: Dataset) -> None:
    if dataset.state != DatasetState.SEALED or dataset.receiving:
        raise Conflict("dataset_not_sealed", "Only a sealed dataset is transferred: seal it first.")
    if wanted.occurred_at < dataset.occurred_at:
        raise Unprocessable("transfer_before_dataset", "`occurred_at` is before the dataset was made, or collected.")


async def _receive(session: AsyncSession, actor: Actor, wanted: TransferIn, dataset: Dataset) -> Dataset:
    """The recipient's dataset. It shares the sender's content, so that its counts are known without counting."""
    copied = {"name", "default_region", "time_zone", "number_count", "orphan_count"}
    received = Dataset(
        **dataset.model_dump(include=copied),
        holder_id=wanted.recipient_id,
        content=Content.SHARED,
        state=DatasetState.SEALED,
        duplicate_count=0,
        rejected_count=0,
        **asserted(actor, wanted.occurred_at),
    )
    received.sealed_at = received.recorded_at
    session.add(received)
    await session.flush()
    await copy_counts(session, dataset, received.id)
    return received


async def copy_counts(session: AsyncSession, source: Dataset, received_id: uuid.UUID) -> None:
    """Give `received_id` the counts of the dataset that it shares, plus that one as an ancestor."""
    by_ancestor = select(AncestorCount).where(AncestorCount.dataset_id == source.id)
    for above in (await session.exec(by_ancestor)).all():
        session.add(AncestorCount(**above.model_dump() | {"dataset_id": received_id}))
    if source.number_count:
        session.add(AncestorCount(dataset_id=received_id, ancestor_id=source.id, number_count=source.number_count))
    by_notice = select(NoticeCount).where(NoticeCount.dataset_id == source.id)
    for notice in (await session.exec(by_notice)).all():
        session.add(NoticeCount(**notice.model_dump() | {"dataset_id": received_id}))


async def find_transfer(session: AsyncSession, actor: Actor, transfer_id: uuid.UUID) -> Transfer:
    """A transfer that the caller sees."""
    return await visible_rows.one(session, Transfer, visibility.visible_transfers(actor), transfer_id, "transfer")


async def get_transfer(session: AsyncSession, actor: Actor, transfer_id: uuid.UUID) -> TransferOut:
    """A transfer with both sides' statements."""
    return (await _complete(session, [await find_transfer(session, actor, transfer_id)]))[0]


async def list_transfers(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[TransferOut]:
    """The transfers that the caller sees."""
    rows = await visible_rows.page(session, Transfer, visibility.visible_transfers(actor), after, limit)
    return cut(await _complete(session, rows), limit, "id")


async def state_transfer(
    session: AsyncSession, ring: KeyRing, actor: Actor, transfer_id: uuid.UUID, wanted: StatementIn
) -> TransferOut:
    """Record what the side that did not register a transfer says of it.

    A recipient that denies it holds nothing of it any more: erased numbers that only it drew on go.

    Raises:
        Conflict: it was settled by a file already, or it is denied after what it delivered was used.
        Forbidden: the caller is no side of it, or the side that registered it.
    """
    row = await find_transfer(session, actor, transfer_id)
    side = side_of(actor, row)
    releases = side is Side.RECIPIENT and wanted.status is TransferStatus.DENIED
    if releases:
        await erasure.lock_erasures(await driver(session))
    received = await session.get_one(Dataset, row.received_dataset_id, with_for_update=True)
    if row.asserted_by_id == actor.organisation_id:
        raise Forbidden(
            "your_own_word", "You registered this transfer yourself: the other side says what it says of it."
        )
    if side is Side.RECIPIENT:
        await _check_recipient(session, row, received, wanted.status)
    _check_time(row, wanted)
    session.add(
        TransferStatement(
            transfer_id=row.id,
            side=side,
            status=wanted.status,
            comment=wanted.comment,
            **asserted(actor, wanted.occurred_at),
        )
    )
    await session.flush()
    if releases:
        await release_after(session, ring, received.id)
    return (await _complete(session, [row]))[0]


async def _check_recipient(session: AsyncSession, row: Transfer, received: Dataset, status: TransferStatus) -> None:
    await refuse_settled(session, row)
    if received.receiving:
        raise Conflict("receipt_open", "Your file for this transfer is being uploaded: seal its receipt first.")
    if status is TransferStatus.DENIED:
        await refuse_passed_on(session, received.id)
        await _refuse_campaigns(session, received.id)


def _check_time(row: Transfer, wanted: StatementIn) -> None:
    if wanted.status is TransferStatus.ACKNOWLEDGED and wanted.occurred_at < row.occurred_at:
        raise Unprocessable("statement_before_transfer", "`occurred_at` is before the transfer that it acknowledges.")


def side_of(actor: Actor, row: Transfer) -> Side:
    """Which side of a transfer the caller is."""
    if actor.organisation_id == row.recipient_id:
        return Side.RECIPIENT
    if actor.organisation_id == row.sender_id:
        return Side.SENDER
    raise Forbidden("not_a_side", "Only the two sides of a transfer say something of it.")


async def refuse_settled(session: AsyncSession, row: Transfer) -> None:
    """Refuse to go on once the recipient's file was compared: its content is the recipient's evidence for ever."""
    if await read_status(session, row) in (TransferStatus.CONFIRMED, TransferStatus.DISPUTED):
        raise Conflict("settled", "Your own file was compared with this transfer already, and that stands.")


async def refuse_passed_on(session: AsyncSession, received_id: uuid.UUID) -> None:
    """Refuse to deny or to replace what the recipient has derived datasets from, or passed on."""
    derived = select(DatasetParent.dataset_id).where(DatasetParent.parent_id == received_id).limit(1)
    if (await session.exec(derived)).first() is not None:
        raise Conflict("passed_on", "You derived datasets from what this transfer delivered, or passed it on.")


async def _refuse_campaigns(session: AsyncSession, received_id: uuid.UUID) -> None:
    if await session.scalar(_IN_CAMPAIGN, {"id": received_id}):
        raise Conflict("used_in_campaign", "You registered a campaign that used what this transfer delivered.")


# Campaigns stand above transfers, so that their table is named in plain SQL.
_IN_CAMPAIGN = text("SELECT EXISTS (SELECT FROM campaign_dataset WHERE dataset_id = :id)")


async def _statements(session: AsyncSession, transfer_ids: Sequence[uuid.UUID]) -> Sequence[TransferStatement]:
    query = select(TransferStatement).where(col(TransferStatement.transfer_id).in_(transfer_ids))
    return (await session.exec(query.order_by(col(TransferStatement.recorded_at), col(TransferStatement.id)))).all()


async def read_status(session: AsyncSession, row: Transfer) -> TransferStatus:
    """The status of a transfer, by the statements recorded so far."""
    return status_of(await _statements(session, [row.id]))


async def _complete(session: AsyncSession, transfers: Sequence[Transfer]) -> list[TransferOut]:
    statements = await _statements(session, [row.id for row in transfers])
    counts = select(Dataset.id, Dataset.number_count).where(col(Dataset.id).in_([row.dataset_id for row in transfers]))
    numbers = dict((await session.exec(counts)).all())
    answers = []
    for row in transfers:
        own = [statement for statement in statements if statement.transfer_id == row.id]
        answers.append(
            TransferOut(
                **row.model_dump(exclude={"targeting"}),
                targeting=[CriterionOut(**criterion) for criterion in row.targeting],
                status=status_of(own),
                number_count=numbers[row.dataset_id] or 0,
                statements=[StatementOut(**statement.model_dump()) for statement in own],
            )
        )
    return answers
