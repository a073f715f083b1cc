"""Work that must not be lost: a row says what is to be done, from the transaction that asks for it until it is done.

The queue's own record of a job does not serve for that: a job that raises an exception has failed and is not run again,
and its record may be lost. So a task that is registered as `until_done` is started again, after growing pauses and
without end, as long as its row is there. An outage of the database ends an attempt without a pause of its own.
"""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import DateTime, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, run
from service.core.ids import uuid7

log = logging.getLogger(__name__)

_PAUSES: Final = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 30)]
_LONGEST_PAUSE: Final = timedelta(hours=1)

LATE_AFTER: Final = timedelta(hours=1)
"""Work that has waited longer than this is reported to the operator: by `filiation fsck` and by `GET /v1/health`."""


class PendingTask(SQLModel, table=True):
    """A task that is to be done, and how its attempts went. The finished task deletes it.

    `last_error` names the kind of the last attempt's error, without its text, which may quote what the task reads.
    """

    __tablename__ = "pending_task"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    name: str = Field(sa_type=Text)
    arguments: dict[str, Any] = Field(sa_type=JSONB)
    requested_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    attempts: int = 0
    next_attempt_at: datetime = Field(sa_type=DateTime(timezone=True), index=True)
    last_error: str | None = Field(default=None, sa_type=Text)


def pause_after(attempts: int) -> timedelta:
    """How long to wait for the end of that many attempts before the task is started again."""
    return _PAUSES[attempts] if attempts < len(_PAUSES) else _LONGEST_PAUSE


async def add_pending(session: AsyncSession, name: str, arguments: dict[str, Any]) -> uuid.UUID:
    """Record in the transaction of `session` that a task is to be done. Returns the id of the record."""
    row = PendingTask(name=name, arguments=arguments, next_attempt_at=now() + pause_after(0))
    session.add(row)
    await session.flush()
    return row.id


async def begin_attempt(database: Database, pending_id: uuid.UUID) -> dict[str, Any] | None:
    """Count an attempt, and return the task's arguments; None if the task has been done since it was queued."""
    async with database.transaction() as session:
        row = await session.get(PendingTask, pending_id, with_for_update=True)
        if row is None:
            return None
        row.attempts += 1
        row.next_attempt_at = now() + pause_after(row.attempts)
        return row.arguments


async def end_attempt(database: Database, pending_id: uuid.UUID, error: Exception | None) -> None:
    """Delete the record of a task that is done. Of one that failed, keep the kind of the error."""
    async with database.transaction() as session:
        row = await session.get(PendingTask, pending_id, with_for_update=True)
        if row is None:
            return
        if error is None:
            await session.delete(row)
        else:
            row.last_error = type(error).__name__
            log.error("Attempt %d of the task %s failed.", row.attempts, row.name, exc_info=error)


# A task that waits for its turn in the queue, or that a worker is doing, needs no second job. One that a dead worker
# left is put back by the sweep.
_DUE: Final = text("""
    UPDATE pending_task SET next_attempt_at = :next
    WHERE next_attempt_at <= :moment AND NOT EXISTS (
        SELECT FROM procrastinate_jobs
        WHERE status IN ('todo', 'doing') AND task_name = pending_task.name
          AND args ->> 'pending_id' = pending_task.id::text)
    RETURNING id, name
""")


async def claim_due(session: AsyncSession) -> list[tuple[uuid.UUID, str]]:
    """The id and name of each task that is due to be started again. They count as started for the next minute."""
    moment = now()
    found = await run(session, _DUE, {"moment": moment, "next": moment + pause_after(0)})
    return [(row.id, row.name) for row in found]


_LATE: Final = text("SELECT EXISTS (SELECT FROM pending_task WHERE requested_at < :before)")


async def is_work_late(session: AsyncSession) -> bool:
    """Whether a task has waited longer than `LATE_AFTER` to be done."""
    return bool(await session.scalar(_LATE, {"before": now() - LATE_AFTER}))
