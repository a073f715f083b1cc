"""Rows as their caller sees them: one row by its id, or a page of them. `seen` selects ids (see `visibility`)."""

import uuid
from typing import TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import Ids
from service.core.errors import NotFound
from service.core.facts import Fact
from service.core.paging import Slice, read_slice

FactT = TypeVar("FactT", bound=Fact)


async def get_visible(session: AsyncSession, table: type[FactT], seen: Ids, row_id: uuid.UUID, noun: str) -> FactT:
    """The row of that id.

    Raises:
        NotFound: there is none, or the caller does not see it.
    """
    query = select(table).where(table.id == row_id, col(table.id).in_(seen))
    row = (await session.exec(query)).one_or_none()
    if row is None:
        raise NotFound(noun)
    return row


async def list_visible(
    session: AsyncSession, table: type[FactT], seen: Ids, after: uuid.UUID | None, limit: int
) -> Slice[FactT]:
    """The rows of one page."""
    return await read_slice(session, select(table).where(col(table.id).in_(seen)), after, limit, table.id)
