"""What a received dataset is used for. As long as it is in use, the transfer that delivered it cannot become void.

Whatever counts below it would rest on nothing. So below a void transfer there are only void ones. Only what counts now
is asked about: a void transfer, a withdrawn dataset and a campaign that was corrected are no use.
"""

import uuid
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.errors import Conflict
from service.transfer.models import Transfer

_CHILDREN: Final = text("""
    SELECT dataset.id, edge.transfer_id, dataset.asserted_by_id
    FROM dataset_parent AS edge JOIN dataset ON dataset.id = edge.dataset_id
    WHERE edge.parent_id = :id
      AND NOT EXISTS (SELECT FROM void_transfer WHERE void_transfer.transfer_id = edge.transfer_id)
      AND NOT EXISTS (SELECT FROM withdrawn_dataset WHERE withdrawn_dataset.dataset_id = dataset.id)
    ORDER BY dataset.id
""")
_EVER_PASSED_ON: Final = text("SELECT EXISTS (SELECT FROM dataset_parent WHERE parent_id = :id)")
_CAMPAIGN: Final = text("SELECT began_at FROM used_dataset WHERE dataset_id = :id")
_HELD: Final = text("""
    SELECT EXISTS (SELECT FROM held_dataset WHERE dataset_id = :id)
       AND NOT EXISTS (SELECT FROM withdrawn_dataset WHERE dataset_id = :id)
""")


class _Child(NamedTuple):
    """A dataset that was made from a received one, or delivered by a transfer of it."""

    dataset_id: uuid.UUID
    transfer_id: uuid.UUID | None
    asserted_by_id: uuid.UUID


async def refuse_while_in_use(session: AsyncSession, actor: Actor, row: Transfer) -> None:
    """Refuse to make a transfer void that delivered what is in use. The row of the received dataset is locked."""
    if actor.organisation_id == row.recipient_id:
        await _refuse_passed_on(session, row.received_dataset_id)
        await _refuse_campaigns(session, row.received_dataset_id)
        return
    children = await _children(session, row.received_dataset_id)
    began_at = await session.scalar(_CAMPAIGN, {"id": row.received_dataset_id})
    if children or (began_at is not None and began_at <= now()):
        raise _in_use([child for child in children if child.asserted_by_id == actor.organisation_id])


async def refuse_replacing(session: AsyncSession, received_id: uuid.UUID) -> None:
    """Refuse to replace the content of a received dataset that was ever passed on, also by a transfer that is void now.

    A transfer states what its dataset held when it was recorded. That cannot change afterwards.
    """
    if await session.scalar(_EVER_PASSED_ON, {"id": received_id}):
        raise Conflict(
            "passed_on",
            "You derived a dataset from what this transfer delivered, or passed it on. Your file can no longer replace "
            "it.",
        )


async def _refuse_passed_on(session: AsyncSession, received_id: uuid.UUID) -> None:
    if await _children(session, received_id):
        raise Conflict(
            "passed_on",
            "You derived a dataset from what this transfer delivered, or passed it on. Retract that first.",
        )


async def refuse_without_source(session: AsyncSession, source_id: uuid.UUID) -> None:
    """Refuse to let a transfer count again whose own dataset no longer counts as held. Its row is locked."""
    if not await session.scalar(_HELD, {"id": source_id}):
        raise Conflict(
            "source_not_held",
            "The sender's dataset was withdrawn, or came by a transfer that was retracted or denied. That must be "
            "taken back before this transfer can count again.",
        )


async def _children(session: AsyncSession, received_id: uuid.UUID) -> Sequence[_Child]:
    connection = await session.connection()
    return [_Child(*child) for child in await connection.execute(_CHILDREN, {"id": received_id})]


async def _refuse_campaigns(session: AsyncSession, received_id: uuid.UUID) -> None:
    if await session.scalar(_CAMPAIGN, {"id": received_id}) is not None:
        raise Conflict(
            "used_in_campaign",
            "You registered a campaign that uses what this transfer delivered. Correct the campaign first.",
        )


def _in_use(by_caller: Sequence[_Child]) -> Conflict:
    """It names what the caller recorded itself, and says of everything else only that it is there."""
    transfers = [str(child.transfer_id) for child in by_caller if child.transfer_id]
    datasets = [str(child.dataset_id) for child in by_caller if not child.transfer_id]
    if by_caller:
        return Conflict(
            "in_use",
            "You recorded that what this transfer delivered was passed on. Retract the transfers in `transfer_ids` and "
            "withdraw the datasets in `dataset_ids` first.",
            transfer_ids=transfers,
            dataset_ids=datasets,
        )
    return Conflict(
        "in_use",
        "What this transfer delivered is in use further on, so that it cannot be retracted. Ask the recipient to deny "
        "the transfer.",
    )
