"""Keyset pages: the slices of a list, and the cursors between them."""

import asyncio
from typing import Any

import pytest
from sqlmodel import select

from service.core.db import Database
from service.core.errors import Unprocessable
from service.core.paging import cut, read_cursor, read_slice, write_cursor
from service.organisation.models import Organisation
from tests.callers import Registry


def walk(dsn: str, query: Any, limit: int, *order: Any) -> list[list[Any]]:
    """Every slice of a query, from the first one to the last."""

    async def read() -> list[list[Any]]:
        database, slices, after = Database(dsn), [], None
        try:
            async with database.snapshot() as session:
                while True:
                    found = await read_slice(session, query, after, limit, *order)
                    slices.append(list(found))
                    if found.next is None:
                        return slices
                    after = found.next if len(order) == 1 else tuple(found.next.split("."))
        finally:
            await database.close()

    return asyncio.run(read())


def test_read_slice_gives_every_row_once_in_order(registry: Registry, dsn: str) -> None:
    for _ in range(4):
        registry.collector()
    query = select(Organisation)
    ids = sorted(row.id for (row,) in walk(dsn, query, 1, Organisation.id))
    assert len(ids) >= 4
    for limit in (2, len(ids) - 1, len(ids), len(ids) + 1):
        slices = walk(dsn, query, limit, Organisation.id)
        assert [row.id for part in slices for row in part] == ids
        assert [len(part) for part in slices[:-1]] == [limit] * (len(slices) - 1)
        assert slices[-1]


def test_read_slice_of_several_tables_is_ordered_by_the_first(registry: Registry, dsn: str) -> None:
    for _ in range(3):
        registry.collector()
    slices = walk(dsn, select(Organisation, Organisation.legal_name), 2, Organisation.country, Organisation.id)
    found = [row.id for part in slices for row, _ in part]
    assert len(found) >= 3
    assert found == sorted(found)


def test_cut_a_full_last_page_has_no_cursor() -> None:
    assert cut([1, 2], 2, str).next is None
    assert cut([1, 2, 3], 2, str).next == "2"
    assert list(cut([1, 2, 3], 2, str)) == [1, 2]


def test_read_cursor_of_a_list_is_what_was_written() -> None:
    assert read_cursor(write_cursor(12, 0), 2) == (12, 0)


def is_refused(after: str) -> bool:
    """Whether the cursor of a list of two numbers is refused."""
    try:
        read_cursor(after, 2)
    except Unprocessable:
        return True
    return False


def test_read_cursor_that_no_list_gives_is_refused() -> None:
    wrong = ("", "1", "1.", ".1", "1.2.3", "a.1", "-1.2", "1.2 ", "1.1234567890", "１.2", "².1")
    assert [after for after in wrong if not is_refused(after)] == []


def test_read_cursor_of_another_size_is_refused() -> None:
    with pytest.raises(Unprocessable):
        read_cursor("1.2", 1)
