"""One function per operation on transfers."""

import uuid
from collections.abc import Sequence

from procrastinate import App
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.visible_rows import get_visible, list_visible, read_asserters
from service.core.errors import Conflict, Forbidden, Unprocessable
from service.core.paging import Page
from service.core.vocabulary import Content, DatasetState, Side, TransferStatus
from service.dataset.counts import copy_counts
from service.dataset.holdings import lock_holdings
from service.dataset.models import Dataset, DatasetParent
from service.dataset.operations import find_dataset
from service.dataset.part_form import zone_of
from service.dataset.schemas import region_of
from service.dataset.sealing import request_flagging
from service.dataset.standing_checks import refuse_not_held
from service.organisation.models import Organisation
from service.organisation.operations import find_organisation, require_active
from service.release.operations import release_by_standing
from service.transfer.models import Transfer, TransferStatement
from service.transfer.schemas import CriterionOut, StatementOut, TransferIn, TransferOut
from service.transfer.status import Standing, standing_of


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
    await refuse_not_held(session, [dataset.id], wanted.occurred_at)
    received = await _create_received(session, actor, wanted, dataset, recipient)
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
    return (await response_bodies(session, actor, [row]))[0]


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


async def _create_received(
    session: AsyncSession, actor: Actor, wanted: TransferIn, dataset: Dataset, recipient: Organisation
) -> Dataset:
    """The recipient's dataset. It shares the sender's content, so its counts are known without counting."""
    region = region_of(recipient.country)
    received = Dataset(
        name=dataset.name,
        default_region=region,
        time_zone=zone_of(region, None, reads_consent=False),
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
    return (await response_bodies(session, actor, [await find_transfer(session, actor, transfer_id)]))[0]


async def list_transfers(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[TransferOut]:
    """The transfers that the caller sees."""
    rows = await list_visible(session, Transfer, visibility.visible_transfers(actor), after, limit)
    return rows.page(await response_bodies(session, actor, rows.rows))


async def read_statements(session: AsyncSession, transfer_ids: Sequence[uuid.UUID]) -> Sequence[TransferStatement]:
    """All statements of some transfers, in the order of recording."""
    query = select(TransferStatement).where(col(TransferStatement.transfer_id).in_(transfer_ids))
    return (await session.exec(query.order_by(col(TransferStatement.recorded_at), col(TransferStatement.id)))).all()


async def read_standing(session: AsyncSession, row: Transfer) -> Standing[TransferStatement]:
    """What counts of the statements of a transfer that were recorded so far."""
    return standing_of(row, await read_statements(session, [row.id]))


async def response_bodies(session: AsyncSession, actor: Actor, transfers: Sequence[Transfer]) -> list[TransferOut]:
    """Some transfers with their statements, as the caller sees them."""
    statements = await read_statements(session, [row.id for row in transfers])
    asserters = await read_asserters(session, actor, transfers, statements)
    recipients = select(Organisation.id).where(
        col(Organisation.id).in_({row.recipient_id for row in transfers}), col(Organisation.admitted_at).is_not(None)
    )
    with_account = set((await session.exec(recipients)).all())
    answers = []
    for row in transfers:
        own = [statement for statement in statements if statement.transfer_id == row.id]
        standing = standing_of(row, own)
        answers.append(
            TransferOut(
                **asserters.body(
                    row,
                    targeting=[CriterionOut(**criterion) for criterion in row.targeting],
                    status=standing.status,
                    vouched_by=sorted(standing.vouching(row)),
                    retracted_at=standing.retraction.recorded_at if standing.retraction else None,
                    recipient_has_account=row.recipient_id in with_account,
                    statements=[StatementOut(**asserters.body(statement)) for statement in own],
                )
            )
        )
    return answers
