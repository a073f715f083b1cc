"""Statements of a transfer: its sides acknowledge or deny it, and its registrant retracts it or states it again.

A transfer that becomes void gives its recipient nothing more. That is refused as long as it is in use.
"""

import uuid
from enum import Enum, auto

from procrastinate import App
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.core.db import connection_of
from service.core.errors import Conflict, Forbidden, Unprocessable
from service.core.task_queue import TaskName, defer
from service.core.vocabulary import Content, Side, TransferStatus
from service.dataset.counts import count_again_as_shared
from service.dataset.erasure import drop_copies_unneeded_without
from service.dataset.models import Dataset
from service.dataset.sealing import request_flagging
from service.membership import erasure
from service.number.keyring import KeyRing
from service.release.operations import release_by_standing
from service.transfer.models import Transfer, TransferStatement
from service.transfer.operations import find_transfer, read_statements, response_bodies
from service.transfer.schemas import StatementIn, TransferOut
from service.transfer.status import ASSERTING, VOID, Standing, standing_of
from service.transfer.use import refuse_while_in_use, refuse_without_source


async def state_transfer(
    session: AsyncSession, ring: KeyRing, queue: App, actor: Actor, transfer_id: uuid.UUID, wanted: StatementIn
) -> TransferOut:
    """Record what a side, or the registrant, states of a transfer.

    A recipient no longer holds what a void transfer delivered. Copies of erased numbers that were stored for that
    recipient alone are dropped. If the transfer counts again, the recipient holds what the sender's dataset holds then.

    Raises:
        Conflict: a reconciliation decided it, it would become void while it is in use, or nothing is there to retract.
        Forbidden: the caller is not the one who may state this.
    """
    row = await find_transfer(session, actor, transfer_id)
    # A transfer that becomes void may drop copies. One that counts again takes over what is not erased by then.
    await erasure.lock_erasures(await connection_of(session))
    received = await session.get_one(Dataset, row.received_dataset_id, with_for_update=True)
    statements = list(await read_statements(session, [row.id]))
    before = standing_of(row, statements)
    side = _check_speaker(actor, row, before, wanted.status)
    _check_time(row, wanted)
    statement = TransferStatement(
        transfer_id=row.id,
        side=side,
        status=wanted.status,
        comment=wanted.comment,
        **assertion_columns(actor, wanted.occurred_at),
    )
    after = standing_of(row, [*statements, statement])
    change = _change(before, after)
    if actor.organisation_id == row.recipient_id:
        _check_recipient(received, before)
    if change is _Change.BECOMES_VOID:
        await refuse_while_in_use(session, actor, row)
    source = await session.get_one(Dataset, row.dataset_id, with_for_update=change is _Change.COUNTS_AGAIN)
    if change is _Change.COUNTS_AGAIN:
        await refuse_without_source(session, source.id)
        received.taken_over_at = statement.recorded_at
    session.add(statement)
    await session.flush()
    if change is _Change.BECOMES_VOID:
        await drop_copies_unneeded_without(session, ring, received.id)
    elif change is _Change.COUNTS_AGAIN:
        await count_again_as_shared(session, ring, source, received)
    if after.status in VOID:
        # Relays that wait for the recipient end.
        await defer(session, queue, TaskName.RELEASE_WAITING, dataset_id=str(received.id))
    else:
        await _let_out(session, queue, received, statement, change)
    return (await response_bodies(session, actor, [row]))[0]


async def _let_out(
    session: AsyncSession, queue: App, received: Dataset, statement: TransferStatement, change: "_Change"
) -> None:
    """Relays and flags follow from whether numbers count for the recipient, which holds them now."""
    if statement.status is TransferStatus.RETRACTED:
        # It rests on the other side's word from now on, and on a release of it.
        await release_by_standing(session, queue, received.id)
        await defer(session, queue, TaskName.RELEASE_WAITING, dataset_id=str(received.id), withdrawn=True)
    elif statement.side is Side.SENDER or change is _Change.COUNTS_AGAIN:
        # The sender's own word may make numbers count, and a transfer that counts again brings them to the recipient.
        await request_flagging(session, queue, received.id)


class _Change(Enum):
    """What a statement changes for what the recipient holds."""

    NONE = auto()
    BECOMES_VOID = auto()
    COUNTS_AGAIN = auto()


def _change(before: Standing[TransferStatement], after: Standing[TransferStatement]) -> _Change:
    if (before.status in VOID) == (after.status in VOID):
        return _Change.NONE
    return _Change.BECOMES_VOID if after.status in VOID else _Change.COUNTS_AGAIN


def _check_speaker(actor: Actor, row: Transfer, before: Standing[TransferStatement], status: TransferStatus) -> Side:
    """Whether the caller may state this, and for which side it does."""
    if actor.organisation_id == row.asserted_by_id:
        return _check_registrant(actor, row, before, status)
    side = side_of(actor, row)
    if status not in (TransferStatus.ACKNOWLEDGED, TransferStatus.DENIED):
        raise Forbidden(
            "not_your_statement",
            "Only the organisation that registered a transfer can retract it or state it again. Deny it instead.",
        )
    given_up = before.status is TransferStatus.RETRACTED and status is TransferStatus.ACKNOWLEDGED
    if given_up and side is Side.RECIPIENT:
        raise Conflict(
            "transfer_retracted",
            "This transfer was retracted, so that there is nothing to acknowledge. If you did receive the numbers, ask "
            "the organisation that registered it to state it again.",
        )
    return side


def _check_registrant(actor: Actor, row: Transfer, before: Standing[TransferStatement], status: TransferStatus) -> Side:
    """The registrant retracts all that it stated, or states it again as it did at first."""
    side = Side.RECIPIENT if actor.organisation_id == row.recipient_id else Side.SENDER
    again = TransferStatus.ACKNOWLEDGED if side is Side.RECIPIENT else TransferStatus.DECLARED
    if status is TransferStatus.RETRACTED:
        if before.retraction is not None:
            raise Conflict("already_retracted", f"You have retracted this transfer. State `{again}` to take that back.")
        return side
    denied = before.status is TransferStatus.DENIED and side is Side.RECIPIENT
    if denied and status is TransferStatus.ACKNOWLEDGED:
        # It denied what the sender states, after it had retracted its own word.
        return side
    if before.retraction is None:
        raise Forbidden(
            "registered_by_you",
            "You registered this transfer. Retract it if that was a mistake; only the other side can acknowledge or "
            "deny it.",
        )
    contradicts = status is TransferStatus.DENIED and side is Side.RECIPIENT and _is_stated(before.sender)
    if status is not again and not contradicts:
        raise Forbidden(
            "registered_by_you", f"You registered this transfer and retracted it. State `{again}` to take that back."
        )
    return side


def _is_stated(word: TransferStatement | None) -> bool:
    return word is not None and word.status in ASSERTING


def side_of(actor: Actor, row: Transfer) -> Side:
    """Which side of a transfer the caller is."""
    if actor.organisation_id == row.recipient_id:
        return Side.RECIPIENT
    if actor.organisation_id == row.sender_id:
        return Side.SENDER
    raise Forbidden(
        "not_a_side", "Only the two sides of a transfer can make statements about it. Use a key of one of them."
    )


def _check_time(row: Transfer, wanted: StatementIn) -> None:
    if wanted.status in ASSERTING and wanted.occurred_at < row.occurred_at:
        raise Unprocessable("statement_before_transfer", "`occurred_at` is before that of the transfer. Correct it.")


def _check_recipient(received: Dataset, before: Standing[TransferStatement]) -> None:
    refuse_own_file(received)
    if received.reconciling and before.status not in VOID:
        raise Conflict(
            "reconciliation_in_progress",
            "You are reconciling this transfer. Have your file compared, or cancel the reconciliation.",
        )


def refuse_own_file(received: Dataset) -> None:
    """Refuse to give up a recipient's own file that became the content: it is all that shows what else it holds.

    A file that matched adds nothing, and was deleted. After that the recipient may state otherwise, or send another.
    """
    if received.content is Content.UPLOADED:
        raise Conflict(
            "own_file_counts",
            "Your own file is what this dataset holds. If it was the wrong file, withdraw the dataset and ask the "
            "sender to register the transfer again.",
        )
