"""What each transaction changed, in rows that triggers write: read by the graph's version, or in one order of all.

A row names the object that was changed, and the organisations whose act or side the change is. It holds no phone
number and no free text. Its serial is drawn while its transaction holds the lock of the object. What changes the graph
draws it during the commit, under the lock of `graph_version`, which stands for every object of the graph.

The triggers are in the migration of changes, where a table says what a change to it means.

The *sequencer* numbers committed rows, in batches and in each worker, of which one at a time does it. A row that is
committed late gets a later number, so that readers of the sequence miss none. Among the rows of one object it keeps
the order of the serials, which is that of the commits. (By transaction id, two writers of one object can stand the
wrong way round.)
"""

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import ARRAY, BigInteger, DateTime, Index, Uuid, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.columns import enum_type
from service.core.db import Connection, Database, run
from service.core.locks import Lock, try_to_take
from service.core.resources import Resources
from service.core.retention import Rule, forget
from service.core.vocabulary import ChangeKind, ChangeOperation
from service.core.worker import beside_tasks

log = logging.getLogger(__name__)


class Change(SQLModel, table=True):
    """What a statement did to the rows of one kind that belong to one object.

    `version` is that of the graph which the transaction made, null if the graph does not depend on the rows. `position`
    is its place in the one order of all committed changes, once the sequencer has numbered it.
    """

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_waiting", "serial", postgresql_where=text("position IS NULL")),)

    serial: int = Field(primary_key=True, sa_type=BigInteger)
    version: int | None = Field(default=None, sa_type=BigInteger, index=True)
    kind: ChangeKind = Field(sa_type=enum_type(ChangeKind))
    operation: ChangeOperation = Field(sa_type=enum_type(ChangeOperation))
    object_id: uuid.UUID
    row_ids: list[uuid.UUID] = Field(sa_type=ARRAY(Uuid))
    organisation_ids: list[uuid.UUID] = Field(sa_type=ARRAY(Uuid))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    position: int | None = Field(default=None, sa_type=BigInteger, index=True, unique=True)


class ChangeSequence(SQLModel, table=True):
    """A single row: the last position that was given to a change."""

    __tablename__ = "change_sequence"

    singleton: bool = Field(default=True, primary_key=True, sa_column_kwargs={"server_default": text("true")})
    last_position: int = Field(default=0, sa_type=BigInteger)


# A version without rows was bumped by hand, or its rows are no longer kept.
_SINCE: Final = """
    SELECT graph_version.version, kind, array_agg(DISTINCT object_id) AS object_ids,
           (SELECT count(DISTINCT counted.version) FROM change AS counted
            WHERE counted.version > %(before)s AND counted.version <= graph_version.version) AS versions
    FROM graph_version
    LEFT JOIN change ON change.version > %(before)s AND change.version <= graph_version.version
    GROUP BY graph_version.version, kind
"""


class ChangesSince(NamedTuple):
    """The version of the graph, and the objects of each kind that changed since an earlier one.

    `objects` is None if that is not known: `before` is a later version, or the rows of one are missing.
    """

    version: int
    objects: Mapping[ChangeKind, frozenset[uuid.UUID]] | None


async def version_now(connection: Connection) -> int:
    """The version of the graph that the transaction of `connection` reads."""
    ((version,),) = await (await connection.execute("SELECT version FROM graph_version")).fetchall()
    return int(version)


async def changes_since(connection: Connection, before: int) -> ChangesSince:
    """The version that the transaction of `connection` reads, and what changed after the version `before`."""
    cursor = connection.cursor(binary=True, row_factory=tuple_row)
    found = await (await cursor.execute(_SINCE, {"before": before})).fetchall()
    version, *_, versions = found[0]
    if version < before or versions < version - before:
        return ChangesSince(version, None)
    return ChangesSince(version, {ChangeKind(kind): frozenset(ids) for _, kind, ids, _ in found if kind})


_BATCH: Final = 10_000
_PAUSE_SECONDS: Final = 0.5

_IS_WAITING: Final = "SELECT EXISTS (SELECT FROM change WHERE position IS NULL)"
# What is committed while this runs is left for the next batch.
_NUMBER = text("""
    WITH waiting AS (
        SELECT serial, row_number() OVER (ORDER BY serial) AS place
        FROM change WHERE position IS NULL ORDER BY serial LIMIT :batch),
    sequence AS (
        UPDATE change_sequence SET last_position = last_position + (SELECT count(*) FROM waiting)
        RETURNING last_position - (SELECT count(*) FROM waiting) AS before)
    UPDATE change SET position = before + place FROM waiting, sequence WHERE change.serial = waiting.serial
""")


async def number_changes(database: Database) -> int:
    """Give the next positions to a batch of committed changes, and return how many these are.

    They are none if another worker is doing so.
    """
    if not await database.without_transaction(_changes_wait):
        return 0
    async with database.transaction() as session:
        if not await try_to_take(session, Lock.CHANGE_SEQUENCE):
            return 0
        return (await run(session, _NUMBER, {"batch": _BATCH})).rowcount


async def _changes_wait(connection: Connection) -> bool:
    cursor = await connection.execute(_IS_WAITING)
    return bool((await cursor.fetchall())[0][0])


@beside_tasks
async def sequence_changes(resources: Resources) -> None:
    """Number changes for as long as a worker runs, less than a second after they are committed."""
    while True:
        try:
            while await number_changes(resources.get(Database)) == _BATCH:
                pass
        except (psycopg.Error, DBAPIError, OSError) as error:
            log.warning("Changes could not be numbered: %s. They are tried again.", type(error).__name__)
        await asyncio.sleep(_PAUSE_SECONDS)


async def changes_after(session: AsyncSession, position: int, limit: int) -> Sequence[Change]:
    """The changes after a position, in the one order of all. Those that are not numbered yet come later."""
    query = select(Change).where(col(Change.position) > position).order_by(col(Change.position)).limit(limit)
    return (await session.exec(query)).all()


forget(
    "forget_changes",
    "50 4 * * *",
    Rule(
        table=Change,
        moment="recorded_at",
        kept=timedelta(days=90),
        setting="changes_kept_days",
        data="a change: kinds and ids of what a transaction wrote, and the organisations concerned",
        since="the change",
    ),
)
