"""Whether the registry can do its work: its database, its worker, what waits for them, and its disk.

Everybody may ask, so that a probe needs no key. So the findings are the same few sentences for everybody, without
counts, names and sizes, and are looked for at most once a second. A database that hangs counts as one that is away.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import IntEnum
from time import monotonic
from typing import Final, LiteralString, NamedTuple

import psycopg

from service.core.db import Connection, driver_url
from service.core.disk import Disk
from service.core.settings import Settings
from service.core.sweeps import HEARTBEATS_MISSED

# This leaves a fifth of a second for the rest of the answer.
_PATIENCE_SECONDS: Final = 0.8
_STATEMENT_MILLISECONDS: Final = 400
_FRESH_SECONDS: Final = 1.0


class Condition(IntEnum):
    """How something that was looked at is."""

    OK = 0
    WARNING = 1
    FAILED = 2


class Finding(NamedTuple):
    """What was found, in one sentence."""

    condition: Condition
    text: str


Look = Callable[[Connection, Settings], Awaitable[Finding]]

_LOOKS: Final[dict[str, Look]] = {}


def look_at(name: str) -> Callable[[Look], Look]:
    """Register what is looked at in the database under `name`. It may take some tens of milliseconds."""

    def register(look: Look) -> Look:
        _LOOKS[name] = look
        return look

    return register


def look_for(name: str, query: LiteralString, condition: Condition, found: str, otherwise: str) -> None:
    """Register a look that finds `condition` if a query returns true, and OK otherwise."""

    async def look(connection: Connection, _: Settings) -> Finding:
        cursor = await connection.execute(query)
        ((is_so,),) = await cursor.fetchall()
        return Finding(condition, found) if is_so else Finding(Condition.OK, otherwise)

    look_at(name)(look)


_AWAY: Final = Finding(
    Condition.FAILED, "The database does not answer. Nothing can be read or recorded until it does; nothing is lost."
)
_ANSWERS: Final = Finding(Condition.OK, "The database answers.")
_SLOW: Final = Finding(Condition.WARNING, "The database did not answer this question in time.")
_ROOM: Final = Finding(Condition.OK, "The disk has room.")
_NO_ROOM: Final = Finding(
    Condition.FAILED, "The disk is nearly full, so new files and facts are refused. Free some space."
)


class Readiness:
    """Looks at everything, for one caller at a time; others get the same findings."""

    def __init__(self, dsn: str, settings: Settings, disk: Disk) -> None:
        self._dsn, self._settings, self._disk = dsn, settings, disk
        self._found: dict[str, Finding] = {}
        self._looking: asyncio.Task[None] | None = None
        self._since = 0.0

    async def findings(self) -> dict[str, Finding]:
        """The findings by name, within a second, and not much older. Without the database, the rest is unknown."""
        if self._looking is None or (self._looking.done() and monotonic() - self._since > _FRESH_SECONDS):
            self._since, self._found = monotonic(), {}
            self._looking = asyncio.create_task(self._look(self._found))
        looking, found = self._looking, self._found
        await asyncio.wait([looking], timeout=max(self._since + _PATIENCE_SECONDS - monotonic(), 0))
        if not looking.done():
            # A statement that hangs is given up, without waiting for the reply to that.
            looking.cancel()
            self._looking = None
        disk = {"disk": _ROOM if self._disk.has_room() else _NO_ROOM} if self._disk.is_watched else {}
        if not found:
            return {"database": _AWAY} | disk
        return {"database": _ANSWERS} | {name: found.get(name, _SLOW) for name in _LOOKS} | disk

    async def _look(self, found: dict[str, Finding]) -> None:
        options = f"{driver_url(self._dsn).query['options']} -c statement_timeout={_STATEMENT_MILLISECONDS}"
        try:
            async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, options=options) as connection:
                for name, look in _LOOKS.items():
                    with suppress(psycopg.errors.QueryCanceled):
                        found[name] = await look(connection, self._settings)
        except (psycopg.Error, OSError):
            # What was not found says so.
            return


_SILENCE: Final = "SELECT extract(epoch FROM now() - max(last_heartbeat))::float FROM procrastinate_workers"


@look_at("worker")
async def _look_at_worker(connection: Connection, settings: Settings) -> Finding:
    cursor = await connection.execute(_SILENCE)
    ((silence,),) = await cursor.fetchall()
    if silence is None or silence > (HEARTBEATS_MISSED + 1) * settings.heartbeat_seconds:
        return Finding(
            Condition.FAILED,
            "No worker runs, so sealing, comparing, webhooks and deletions wait. Start one, or look at its log.",
        )
    return Finding(Condition.OK, "A worker runs.")


_WAITING_SINCE: Final = """
    SELECT extract(epoch FROM now() - min(coalesce(scheduled_at, event.at)))::float
    FROM procrastinate_jobs AS job JOIN procrastinate_events AS event ON event.job_id = job.id
    WHERE status = 'todo' AND event.type = 'deferred' AND (scheduled_at IS NULL OR scheduled_at <= now())
"""
_LONG_SECONDS: Final = 600
_TOO_LONG_SECONDS: Final = 3600


@look_at("queue")
async def _look_at_queue(connection: Connection, _: Settings) -> Finding:
    cursor = await connection.execute(_WAITING_SINCE)
    ((waiting,),) = await cursor.fetchall()
    if waiting is None or waiting <= _LONG_SECONDS:
        return Finding(Condition.OK, "No work has waited for long for its turn.")
    condition = Condition.FAILED if waiting > _TOO_LONG_SECONDS else Condition.WARNING
    return Finding(
        condition,
        f"Work has waited for more than {'an hour' if condition is Condition.FAILED else 'ten minutes'} for its turn. "
        "Start another worker, or look at the log.",
    )


look_for(
    "left_behind",
    """
    SELECT EXISTS (
        SELECT FROM procrastinate_jobs AS job
        LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
        WHERE status = 'doing' AND coalesce(last_heartbeat, '-infinity') < now() - interval '3 minutes'
          AND EXISTS (SELECT FROM procrastinate_events AS event WHERE event.job_id = job.id
                      GROUP BY job_id HAVING max(event.at) < now() - interval '3 minutes'))
    """,
    Condition.FAILED,
    "Work that a worker left behind has not been started again. Look at the log.",
    "No work is left behind.",
)
look_for(
    "tasks",
    "SELECT EXISTS (SELECT FROM pending_task WHERE requested_at < now() - interval '1 hour')",
    Condition.WARNING,
    "Work that should be done has waited for more than an hour. `filiation fsck` names it.",
    "No work is late.",
)
look_for(
    "failures",
    """
    SELECT EXISTS (SELECT FROM pending_task WHERE last_error IS NOT NULL) OR EXISTS (
        SELECT FROM procrastinate_jobs AS job JOIN procrastinate_events AS event ON event.job_id = job.id
        WHERE status = 'failed' AND event.type = 'failed' AND event.at > now() - interval '1 hour')
    """,
    Condition.WARNING,
    "A task has failed within the last hour, or waits to be tried again. The log says why.",
    "No task has failed within the last hour.",
)
