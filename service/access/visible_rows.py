"""Rows as their caller sees them: one by its id, or a page of them. `seen` is a selection of ids that `sight` gives."""

import uuid
from collections.abc import Sequence
from typing import TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import Ids
from service.core.errors import NotFound
from service.core.facts import Fact

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
) -> Sequence[FactT]:
    """The rows after the cursor, and one more than a page has if there are more, for `paging.cut` to see it."""
    query = select(table).where(col(table.id).in_(seen))
    if after is not None:
        query = query.where(col(table.id) > after)
    return (await session.exec(query.order_by(col(table.id)).limit(limit + 1))).all()
