"""Cursor pages: a list is read in the order of its ids, and a page ends with the cursor of the next."""

import uuid
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(default=None, description="Pass it as `after` for the next page; null on the last.")


After = Annotated[uuid.UUID | None, Query(description="The `next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many items a page has at most.")]


def cut(items: list[Item], limit: int, cursor: str) -> Page[Item]:
    """A page of at most `limit` of `items`, of which one more than that was read if there are more.

    `cursor` names the attribute of an item that orders the list.
    """
    page = items[:limit]
    more = len(items) > limit
    return Page(items=page, next=str(getattr(page[-1], cursor)) if more else None)
