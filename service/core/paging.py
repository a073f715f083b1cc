"""Keyset pages: a list is read in the order of its ids, and a page ends with the cursor of the next.

A cursor is what the last row of a page is ordered by, as text: an id, or several numbers with dots between them.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, TypeVarTuple, overload

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Row as DatabaseRow
from sqlalchemy import tuple_
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from service.core.errors import Unprocessable

Item = TypeVar("Item")
Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(default=None, description="Pass it as `after` for the next page; null on the last.")


After = Annotated[uuid.UUID | None, Query(description="The `next` of the previous page.")]
TextCursor = Annotated[str | None, Query(max_length=40, description="The `next` of the previous page.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many items a page has at most.")]


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """The rows of one page, and the cursor of the next if there is one."""

    rows: Sequence[Row]
    next: str | None

    def __iter__(self) -> Iterator[Row]:
        """Its rows."""
        return iter(self.rows)

    def page(self, items: Iterable[Item]) -> Page[Item]:
        """The page with what was made of each row."""
        return Page(items=list(items), next=self.next)


@overload
async def read_slice(
    session: AsyncSession, query: SelectOfScalar[Row], after: object | None, limit: int, *order: Any
) -> Slice[Row]: ...
@overload
async def read_slice(
    session: AsyncSession, query: Select[*Columns], after: object | None, limit: int, *order: Any
) -> Slice[tuple[*Columns]]: ...
async def read_slice(session: AsyncSession, query: Any, after: object | None, limit: int, *order: Any) -> Slice[Any]:
    """At most `limit` rows of a query, after a cursor.

    `order` are the columns of the query's first table by which the list is ordered. Together they are unique. `after`
    is the value of the column, or a tuple of the values of all of them.
    """
    columns: list[Any] = [col(column) for column in order]
    if after is not None:
        query = query.where(columns[0] > after if len(columns) == 1 else tuple_(*columns) > after)
    # One row more than fits on the page shows whether there is a next page.
    rows = (await session.exec(query.order_by(*columns).limit(limit + 1))).all()
    return cut(rows, limit, lambda row: write_cursor(*(getattr(_first(row), column.key) for column in columns)))


def _first(row: Any) -> Any:
    """The entity of the query's first table in a row."""
    return row[0] if isinstance(row, DatabaseRow) else row


def cut(rows: Sequence[Row], limit: int, cursor: Callable[[Row], str]) -> Slice[Row]:
    """At most `limit` of `rows`, which contain one more if there is a next page."""
    kept = rows[:limit]
    return Slice(kept, cursor(kept[-1]) if len(rows) > limit else None)


def write_cursor(*values: object) -> str:
    """The cursor of a list that is ordered by these values."""
    return ".".join(map(str, values))


# This many digits fit into a column of 32 bits: a cursor with more would fail in the database.
_DIGITS = 9


def read_cursor(after: str, size: int) -> tuple[int, ...]:
    """The numbers in the cursor of a list that is ordered by `size` numbers.

    Raises:
        Unprocessable: no list gives such a cursor.
    """
    parts = after.split(".")
    if len(parts) != size or not all(part.isascii() and part.isdigit() and len(part) <= _DIGITS for part in parts):
        raise malformed_cursor()
    return tuple(map(int, parts))


def malformed_cursor() -> Unprocessable:
    """The problem that the list did not give this cursor."""
    return Unprocessable(
        "cursor_malformed", "`after` is not a cursor of this list. Leave it out to get the first page."
    )
