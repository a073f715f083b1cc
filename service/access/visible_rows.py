"""Rows that a caller may see: a row by its id, or a page of rows. `visible` selects ids (see `visibility`)."""

import uuid
from collections.abc import Iterable
from typing import TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import Ids
from service.core.errors import NotFound
from service.core.facts import Fact
from service.core.paging import Slice, read_slice

FactT = TypeVar("FactT", bound=Fact)


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


async def visible_among(
    session: AsyncSession, table: type[FactT], visible: Ids, row_ids: Iterable[uuid.UUID | None]
) -> frozenset[uuid.UUID]:
    """Which of some rows the caller may see: a visible row may refer to another that the caller may not see."""
    wanted = [row_id for row_id in row_ids if row_id is not None]
    if not wanted:
        return frozenset()
    query = select(table.id).where(col(table.id).in_(wanted), col(table.id).in_(visible))
    return frozenset((await session.exec(query)).all())
