"""What tests inspect and do apart from calling the API: problems, rows, tasks and resources."""

import json
import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, LiteralString, TypeVar

import psycopg
from httpx2 import Response
from psycopg.rows import tuple_row

from service.core.resources import Resources

Found = TypeVar("Found")


def refusal(response: Response) -> tuple[int, str]:
    """The status and slug of a response, which must be a problem."""
    assert response.headers["content-type"] == "application/problem+json", (response.status_code, response.text)
    problem = response.json()
    assert problem["status"] == response.status_code
    return response.status_code, problem["type"].removeprefix("urn:filiation:problem:")


def rows(dsn: str, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
    """The rows that a statement returns. A statement that only writes returns none.

    The main thread keeps its connection to each database until `close_connections`, since to make one costs more than
    most statements, and a test that waits for a condition asks again and again.
    """
    if threading.current_thread() is not threading.main_thread():
        with _connect(dsn) as connection:
            return _rows(connection, statement, values)
    if (kept := _kept.get(dsn)) is not None:
        try:
            return _rows(kept, statement, values)
        except psycopg.OperationalError:
            # A test may end all connections, or the server. Any other error leaves the connection open.
            if not kept.closed:
                raise
    _kept[dsn] = _connect(dsn)
    return _rows(_kept[dsn], statement, values)


_kept: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}


def close_connections() -> None:
    """Close what `rows` has kept. A database that somebody uses can neither be copied nor dropped."""
    while _kept:
        _kept.popitem()[1].close()


def _connect(dsn: str) -> psycopg.Connection[tuple[Any, ...]]:
    # Nothing is prepared, because a test may change a table between two equal statements.
    return psycopg.connect(dsn, row_factory=tuple_row, autocommit=True, prepare_threshold=None)


def _rows(
    connection: psycopg.Connection[tuple[Any, ...]], statement: LiteralString, values: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    cursor = connection.execute(statement, values)
    return cursor.fetchall() if cursor.description is not None else []


def defer(dsn: str, task: str, **arguments: Any) -> None:
    """Put a task into the queue, as the queue itself does after a worker was killed."""
    statement: LiteralString = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', %s, %s)"
    rows(dsn, statement, task, json.dumps(arguments))


def defer_pending(dsn: str, task: str, **arguments: Any) -> None:
    """Record that a task is to be done, and put it into the queue, as the service does."""
    statement: LiteralString = """
        WITH pending AS (
            INSERT INTO pending_task (id, name, arguments, requested_at, attempts, next_attempt_at)
            VALUES (gen_random_uuid(), %s, %s, now(), 0, now() + interval '1 day') RETURNING id, name)
        INSERT INTO procrastinate_jobs (queue_name, task_name, args)
        SELECT 'default', name, jsonb_build_object('pending_id', id) FROM pending
    """
    rows(dsn, statement, task, json.dumps(arguments))


def retry_pending(dsn: str) -> None:
    """Make the pauses of all pending tasks end now, and start what is due."""
    rows(dsn, "UPDATE pending_task SET next_attempt_at = now()")
    defer(dsn, "sweep")


def until(look: Callable[[], Found]) -> Found:
    """Wait until `look` finds something, and return it. The time limit is far longer than needed."""
    end = monotonic() + 120
    while monotonic() < end:
        if found := look():
            return found
        sleep(0.02)
    raise AssertionError("the condition was not met in time")


def waiting_for_locks(dsn: str) -> int:
    """The number of connections to a database that wait for a lock."""
    with psycopg.connect(dsn) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ((count,),) = connection.execute(query).fetchall()
    return int(count)


def resources_of_app(app: Any) -> Resources:
    """The resources of a running application."""
    resources: Resources = app.state.resources
    return resources
