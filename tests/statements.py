"""The SQL statements that this process executes on one database: the work of an operation, whatever time it takes."""

from typing import Any, NamedTuple

import psycopg
import pytest
from sqlalchemy import make_url


class Statement(NamedTuple):
    """An executed statement, and how many rows it returned or changed."""

    text: str
    row_count: int


def record_statements(monkeypatch: pytest.MonkeyPatch, dsn: str) -> list[Statement]:
    """A list that grows with each statement executed asynchronously on the database, by services and by tests."""
    executed: list[Statement] = []
    database, execute = make_url(dsn).database, psycopg.AsyncCursor.execute

    async def record(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        result = await execute(cursor, query, *arguments, **options)
        # Other tests' applications may run in this process, each on a database of its own.
        if cursor.connection.info.dbname == database:
            executed.append(Statement(query if isinstance(query, str) else repr(query), cursor.rowcount))
        return result

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", record)
    return executed
