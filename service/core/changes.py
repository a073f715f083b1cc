"""What each transaction changed, in rows that triggers write: the graph reads them by version.

A row names the object that was changed, and the organisations whose act or side the change is. It holds no phone
number and no free text. Its serial is drawn while its transaction holds the lock of the object. What changes the graph
draws it during the commit, under the lock of `graph_version`, which stands for every object of the graph.

The triggers are in the migration of changes, where a table says what a change to it means.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, DateTime, Index, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.columns import enum_type
from service.core.db import run
from service.core.vocabulary import ChangeKind, ChangeOperation


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
_SINCE = text("""
    SELECT kind, array_agg(DISTINCT object_id) AS object_ids,
           (SELECT count(DISTINCT version) FROM change WHERE version > :before AND version <= :version) AS versions
    FROM change
    WHERE version > :before AND version <= :version
    GROUP BY kind
""")


async def changes_of_versions(
    session: AsyncSession, before: int, version: int
) -> Mapping[ChangeKind, frozenset[uuid.UUID]] | None:
    """The objects of each kind that changed after the version `before`, up to `version`; None if it is not known."""
    found = (await run(session, _SINCE, {"before": before, "version": version})).all()
    if not found or found[0].versions < version - before:
        return None
    return {ChangeKind(row.kind): frozenset(row.object_ids) for row in found}
