"""Operations on what a holder states of a sealed dataset: that its holding ended, and that it was never so.

Neither changes what the dataset holds. From its end on, no relay, flag or campaign counts a holding, and every answer
says until when it was. What is withdrawn goes out of what organisations are shown and counted. Its persons and the
authority still see it as such, with its paths.
"""

import uuid
from typing import Any, Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.assertion import assertion_columns
from service.access.visible_rows import read_asserters
from service.core.clock import now
from service.core.db import run
from service.core.errors import Conflict, Unprocessable
from service.core.paging import Page, read_slice
from service.core.task_queue import TaskName, defer
from service.core.vocabulary import Content, DatasetState, DatasetStatementKind, EndReason
from service.dataset.holdings import lock_holdings
from service.dataset.models import Dataset, DatasetStatement
from service.dataset.operations import find_dataset, find_own_dataset, is_own
from service.dataset.past_copies import refuse_dropped
from service.dataset.recount import request_recount
from service.dataset.sealing import request_flagging
from service.dataset.standing import end_of, withdrawal_of
from service.dataset.standing_checks import refuse_withdrawn
from service.dataset.standing_schemas import DatasetStatementOut, DatasetWithdrawalIn, HoldingEndIn, TakenBackIn


async def end_holding(
    session: AsyncSession, actor: Actor, dataset_id: uuid.UUID, wanted: HoldingEndIn
) -> DatasetStatementOut:
    """Record since when the caller no longer has a dataset. A later end takes the place of an earlier one.

    Raises:
        NotFound: there is no such dataset of the caller's.
        Conflict: it is not sealed, withdrawn, denied or being reconciled, or was used or passed on after the end.
        Unprocessable: the end is in the future, or before the caller had the dataset.
    """
    row = await _lock_own(session, actor, dataset_id)
    await refuse_withdrawn(session, row.id)
    columns = assertion_columns(actor, wanted.occurred_at)
    if wanted.occurred_at < row.occurred_at:
        raise Unprocessable("end_before_dataset", "`occurred_at` is before you had this dataset. Correct it.")
    after = (await run(session, _LAST_USES, {"id": row.id})).one()
    if after.denied or row.reconciling:
        raise Conflict("not_held", "You deny the transfer of this dataset, or are reconciling it. Finish that first.")
    for slug, last, what in (
        ("used_after_end", after.last_campaign_at, "A campaign used this dataset"),
        ("transferred_after_end", after.last_transfer_at, "You transferred this dataset"),
        ("derived_after_end", after.last_derived_at, "You derived another from this dataset"),
    ):
        if last is not None and last > wanted.occurred_at:
            raise Conflict(slug, f"{what} later than `occurred_at`. Choose a later end, or correct that first.")
    return await _state(
        session, row, DatasetStatementKind.ENDED, columns, end_reason=wanted.end_reason, reason=wanted.reason
    )


# What was done with a dataset last. A transfer that was denied, and a campaign that was corrected, do not count.
_LAST_USES: Final = text("""
    SELECT EXISTS (SELECT FROM void_transfer WHERE received_dataset_id = :id) AS denied,
           (SELECT last_began_at FROM used_dataset WHERE dataset_id = :id) AS last_campaign_at,
           (SELECT max(occurred_at) FROM transfer WHERE dataset_id = :id AND NOT EXISTS (
               SELECT FROM void_transfer WHERE transfer_id = transfer.id)) AS last_transfer_at,
           (SELECT max(child.occurred_at) FROM dataset_parent AS edge JOIN dataset AS child ON child.id = dataset_id
            WHERE parent_id = :id AND edge.transfer_id IS NULL) AS last_derived_at
""")


async def take_end_back(
    session: AsyncSession, queue: App, actor: Actor, dataset_id: uuid.UUID, wanted: TakenBackIn
) -> DatasetStatementOut:
    """Record that a holding did not end: it was said by mistake. Objections since then reach its holder as flags.

    Raises:
        NotFound: there is no such dataset of the caller's.
        Conflict: its holding goes on, or its stored copy was deleted meanwhile.
    """
    row = await _lock_own(session, actor, dataset_id)
    refuse_dropped(row)
    if end_of(await _statements(session, row.id)) is None:
        raise Conflict("not_ended", "The holding of this dataset goes on, so that there is no end to take back.")
    columns = assertion_columns(actor, now())
    stated = await _state(session, row, DatasetStatementKind.END_TAKEN_BACK, columns, reason=wanted.reason)
    await request_flagging(session, queue, row.id)
    return stated


async def withdraw_dataset(
    session: AsyncSession, queue: App, actor: Actor, dataset_id: uuid.UUID, wanted: DatasetWithdrawalIn
) -> DatasetStatementOut:
    """Record that a dataset was never so.

    Raises:
        NotFound: there is no such dataset of the caller's.
        Conflict: it is not sealed, was received, is withdrawn already, or is in use further on.
    """
    row = await _lock_own(session, actor, dataset_id)
    await refuse_withdrawn(session, row.id)
    # Locks all that was made from it, so that nobody uses it while this looks whether anybody did.
    await request_recount(session, queue, [row.id])
    await _refuse_received(session, row)
    await _refuse_used(session, actor, row)
    columns = assertion_columns(actor, now())
    stated = await _state(session, row, DatasetStatementKind.WITHDRAWN, columns, reason=wanted.reason)
    await _judge_again(session, queue, row)
    return stated


async def take_withdrawal_back(
    session: AsyncSession, queue: App, actor: Actor, dataset_id: uuid.UUID, wanted: TakenBackIn
) -> DatasetStatementOut:
    """Record that a dataset was so after all.

    Raises:
        NotFound: there is no such dataset of the caller's.
        Conflict: it is not withdrawn, or a transfer that it was made from was retracted or denied since.
    """
    row = await _lock_own(session, actor, dataset_id)
    refuse_dropped(row)
    await run(session, _LOCK_PARENTS, {"id": row.id})
    if await session.scalar(_PARENT_NOT_HELD, {"id": row.id}):
        raise Conflict(
            "source_not_held",
            "This dataset was made from one that came by a transfer which was retracted or denied. That must be taken "
            "back first.",
        )
    if withdrawal_of(await _statements(session, row.id)) is None:
        raise Conflict("not_withdrawn", "This dataset is not withdrawn, so that there is nothing to take back.")
    await request_recount(session, queue, [row.id])
    columns = assertion_columns(actor, now())
    stated = await _state(session, row, DatasetStatementKind.WITHDRAWAL_TAKEN_BACK, columns, reason=wanted.reason)
    await _judge_again(session, queue, row)
    await request_flagging(session, queue, row.id)
    return stated


_LOCK_PARENTS: Final = text("""
    SELECT FROM dataset WHERE id IN (SELECT parent_id FROM dataset_parent WHERE dataset_id = :id) ORDER BY id FOR SHARE
""")
_PARENT_NOT_HELD: Final = text("""
    SELECT EXISTS (
        SELECT FROM dataset_parent AS edge
        WHERE edge.dataset_id = :id AND edge.parent_id NOT IN (SELECT dataset_id FROM held_dataset))
""")


async def _lock_own(session: AsyncSession, actor: Actor, dataset_id: uuid.UUID) -> Dataset:
    """The caller's sealed dataset, locked. Its holder's holdings begin and end in one order."""
    row = await find_own_dataset(session, actor, dataset_id)
    await lock_holdings(session, row.holder_id)
    row = await find_own_dataset(session, actor, dataset_id, lock=True)
    if row.state != DatasetState.SEALED:
        raise Conflict("dataset_not_sealed", "This dataset is not sealed. Throw it away if it is not to be.")
    return row


async def _state(
    session: AsyncSession,
    row: Dataset,
    kind: DatasetStatementKind,
    columns: dict[str, Any],
    *,
    end_reason: EndReason | None = None,
    reason: str | None = None,
) -> DatasetStatementOut:
    statement = DatasetStatement(dataset_id=row.id, kind=kind, end_reason=end_reason, reason=reason, **columns)
    session.add(statement)
    await session.flush()
    return DatasetStatementOut.model_validate(statement.model_dump())


async def _judge_again(session: AsyncSession, queue: App, row: Dataset) -> None:
    """Have looked at again what numbers count for whom: further down, a path began or ended."""
    await defer(session, queue, TaskName.RELEASE_WAITING, dataset_id=str(row.id), withdrawn=True)


async def _statements(session: AsyncSession, dataset_id: uuid.UUID) -> list[DatasetStatement]:
    query = select(DatasetStatement).where(DatasetStatement.dataset_id == dataset_id)
    return list((await session.exec(query)).all())


async def _refuse_received(session: AsyncSession, row: Dataset) -> None:
    """Refuse to withdraw what a transfer delivered. A file of its holder's own that took its place can be withdrawn."""
    if row.content is not Content.UPLOADED and await session.scalar(_RECEIVED, {"id": row.id}):
        raise Conflict(
            "received_dataset",
            "This dataset was received. If there was no such transfer, deny the transfer instead.",
        )


_RECEIVED: Final = text("SELECT EXISTS (SELECT FROM transfer WHERE received_dataset_id = :id)")
# All that resolves to the numbers of a dataset: itself, what shares them, and what unites them with others. Of these,
# the campaigns that have begun, and the transfers whose recipient compared or used what it got. What does not count is
# left out: a campaign that was corrected or cancelled, a transfer that is denied.
_IN_USE: Final = text("""
    WITH RECURSIVE resolving (id) AS (
        SELECT CAST(:id AS uuid)
        UNION
        SELECT child.id
        FROM resolving JOIN dataset_parent AS edge ON edge.parent_id = resolving.id
        JOIN dataset AS child ON child.id = edge.dataset_id
        WHERE child.content <> 'uploaded'
          AND NOT EXISTS (SELECT FROM void_transfer WHERE void_transfer.transfer_id = edge.transfer_id))
    SELECT campaign.party_id AS by_id, 'campaign' AS kind, campaign.id
    FROM campaign_dataset JOIN counting_campaign AS campaign ON campaign.id = campaign_id
    WHERE dataset_id IN (SELECT id FROM resolving) AND began_at <= now()
    UNION ALL
    SELECT sender_id, 'transfer', transfer.id
    FROM transfer JOIN transfer_status ON transfer_status.transfer_id = transfer.id
    WHERE dataset_id IN (SELECT id FROM resolving) AND status IN ('confirmed', 'disputed')
      AND NOT EXISTS (SELECT FROM withdrawn_dataset WHERE withdrawn_dataset.dataset_id = transfer.received_dataset_id)
    UNION ALL
    SELECT recipient_id, 'use', received.id
    FROM transfer JOIN dataset AS received ON received.id = transfer.received_dataset_id
    WHERE transfer.dataset_id IN (SELECT id FROM resolving)
      AND NOT EXISTS (SELECT FROM void_transfer WHERE void_transfer.transfer_id = transfer.id)
      AND EXISTS (
          SELECT FROM dataset_parent AS edge
          WHERE edge.parent_id = received.id
            AND NOT EXISTS (SELECT FROM void_transfer WHERE void_transfer.transfer_id = edge.transfer_id)
            AND NOT EXISTS (SELECT FROM withdrawn_dataset WHERE withdrawn_dataset.dataset_id = edge.dataset_id))
    ORDER BY 2, 3
""")


async def _refuse_used(session: AsyncSession, actor: Actor, row: Dataset) -> None:
    """Refuse to withdraw what others built on, until that is corrected. Names only what is the caller's own."""
    found = (await run(session, _IN_USE, {"id": row.id})).all()
    if not found:
        return
    own = [f"{use.kind} {use.id}" for use in found if use.by_id == actor.organisation_id and use.kind != "use"]
    named = f" Correct these first: {', '.join(own)}." if own else ""
    others = " It is in use further on." if len(own) < len(found) else ""
    raise Conflict("dataset_in_use", f"This dataset cannot be withdrawn while it is in use.{named}{others}")


async def list_statements(
    session: AsyncSession, actor: Actor, dataset_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Page[DatasetStatementOut]:
    """What the holder of a dataset that the caller sees stated of it, the first statement first."""
    dataset = await find_dataset(session, actor, dataset_id)
    query = select(DatasetStatement).where(DatasetStatement.dataset_id == dataset_id)
    rows = await read_slice(session, query, after, limit, DatasetStatement.id)
    asserters = await read_asserters(session, actor, rows)
    hidden = {} if actor.is_regulator or is_own(actor, dataset) else {"reason": None}
    return rows.page(DatasetStatementOut(**asserters.body(statement) | hidden) for statement in rows)
