"""The SQL statements that this process executes on one database: the work of an operation, whatever time it takes."""

import threading
from typing import Any, NamedTuple

import psycopg
import pytest
from sqlalchemy import make_url


class Statement(NamedTuple):
    """An executed statement, and how many rows it returned or changed."""

    text: str
    row_count: int


def record_statements(monkeypatch: pytest.MonkeyPatch, dsn: str, *, of_test: bool = False) -> list[Statement]:
    """A list that grows with each statement executed asynchronously on the database, by services and by tests.

    With `of_test`, only by what the test runs in its own thread, so that no worker takes part in it.
    """
    executed: list[Statement] = []
    database, execute, thread = make_url(dsn).database, psycopg.AsyncCursor.execute, threading.get_ident()

    async def record(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        result = await execute(cursor, query, *arguments, **options)
        # Other tests' applications may run in this process, each on a database of its own.
        if cursor.connection.info.dbname == database and not (of_test and threading.get_ident() != thread):
            executed.append(Statement(query if isinstance(query, str) else repr(query), cursor.rowcount))
        return result

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", record)
    return executed
