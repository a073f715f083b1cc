"""Rows that a caller may see: a row by its id, or a page of rows. `visible` selects ids (see `visibility`)."""

import uuid
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Uuid, column, table
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.visibility import Ids, named, visible_organisations
from service.core.db import run
from service.core.errors import NotFound
from service.core.facts import Fact
from service.core.paging import Slice, read_slice

FactT = TypeVar("FactT", bound=Fact)

_ASSERTERS: Final = ("asserted_by_id", "asserted_through_id")
# The table of a feature above.
_ORGANISATION_ID: Final = table("organisation", column("id", Uuid)).c.id


async def get_visible(session: AsyncSession, table: type[FactT], visible: Ids, row_id: uuid.UUID, noun: str) -> FactT:
    """The row with an id.

    Raises:
        NotFound: nothing has the id, or the caller may not see it.
    """
    query = select(table).where(table.id == row_id, col(table.id).in_(visible))
    row = (await session.exec(query)).one_or_none()
    if row is None:
        raise NotFound(noun)
    return row


async def list_visible(
    session: AsyncSession, table: type[FactT], visible: Ids, after: uuid.UUID | None, limit: int
) -> Slice[FactT]:
    """The rows of a page."""
    return await read_slice(session, select(table).where(col(table.id).in_(visible)), after, limit, table.id)


@dataclass(frozen=True, slots=True)
class Asserters:
    """Which asserters of some facts a caller sees."""

    known: Container[uuid.UUID]

    def body(self, row: Fact, **values: Any) -> dict[str, Any]:
        """The fields of a fact, without an asserter that the caller does not see, and other `values`."""
        of_row = {name: named(self.known, getattr(row, name)) for name in _ASSERTERS}
        return row.model_dump() | of_row | values


async def read_asserters(session: AsyncSession, actor: Actor, *facts: Iterable[Fact]) -> Asserters:
    """Which asserters of these facts the caller sees."""
    wanted = {getattr(row, name) for rows in facts for row in rows for name in _ASSERTERS}
    return Asserters(await visible_organisations_among(session, actor, wanted))


async def visible_organisations_among(
    session: AsyncSession, actor: Actor, organisation_ids: Iterable[uuid.UUID | None]
) -> frozenset[uuid.UUID]:
    """Which of some organisations the caller sees."""
    own = {actor.organisation_id, actor.asserts_through_id}
    others = {organisation_id for organisation_id in organisation_ids if organisation_id not in {*own, None}}
    found = frozenset(organisation_id for organisation_id in own if organisation_id is not None)
    if not others:
        return found
    query = select(_ORGANISATION_ID).where(
        _ORGANISATION_ID.in_(others), _ORGANISATION_ID.in_(visible_organisations(actor))
    )
    return found.union(row.id for row in await run(session, query))


async def visible_among(
    session: AsyncSession, table: type[FactT], visible: Ids, row_ids: Iterable[uuid.UUID | None]
) -> frozenset[uuid.UUID]:
    """Which of some rows the caller may see: a visible row may refer to another that the caller may not see."""
    wanted = [row_id for row_id in row_ids if row_id is not None]
    if not wanted:
        return frozenset()
    query = select(table.id).where(col(table.id).in_(wanted), col(table.id).in_(visible))
    return frozenset((await session.exec(query)).all())
