"""Work that must not be lost: a row says what is to be done, from the transaction that asks for it until it is done.

The queue's own record of a job does not serve for that: a job that raises an exception has failed and is not run again,
and its record may be lost. So a task that is registered as `until_done` is started again, after growing pauses and
without end, as long as its row is there. An outage of the database ends an attempt without a pause of its own.
"""

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from sqlalchemy import DateTime, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Connection, Database, run
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
    values = {"id": pending_id, "moment": now(), "pauses": _PAUSES, "longest": _LONGEST_PAUSE}
    row = await database.without_transaction(lambda connection: _row(connection, _BEGIN, values))
    return None if row is None else row[0]


async def end_attempt(database: Database, pending_id: uuid.UUID, error: Exception | None) -> None:
    """Delete the record of a task that is done. Of one that failed, keep the kind of the error."""
    values = {"id": pending_id, "error": None if error is None else type(error).__name__}
    query = _DONE if error is None else _FAILED
    row = await database.without_transaction(lambda connection: _row(connection, query, values))
    if row is not None and error is not None:
        log.error("Attempt %d of the task %s failed.", *row, exc_info=error)


# Single statements, because most tasks take no longer than a session would. An attempt that is counted twice, after a
# lost connection, only lets the next one wait longer.
_BEGIN: Final[LiteralString] = """
    UPDATE pending_task
    SET attempts = attempts + 1,
        next_attempt_at = %(moment)s + coalesce((%(pauses)s::interval[])[attempts + 2], %(longest)s)
    WHERE id = %(id)s RETURNING arguments
"""
_DONE: Final[LiteralString] = "DELETE FROM pending_task WHERE id = %(id)s RETURNING attempts, name"
_FAILED: Final[LiteralString] = """
    UPDATE pending_task SET last_error = %(error)s WHERE id = %(id)s RETURNING attempts, name
"""


async def _row(connection: Connection, query: LiteralString, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    return await (await connection.execute(query, values)).fetchone()


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


_LATE: Final[LiteralString] = "SELECT EXISTS (SELECT FROM pending_task WHERE requested_at < %s)"


async def is_work_late(connection: Connection) -> bool:
    """Whether a task has waited longer than `LATE_AFTER` to be done."""
    ((late,),) = await (await connection.execute(_LATE, [now() - LATE_AFTER])).fetchall()
    return bool(late)
