"""Statements that fail on a server, each with a number and a text among its words, its parameters or its rows."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from tests.builders import number
from tests.inspection import until

MINE: Final = number(5200)
TEXT: Final = f"{MINE} STOP Zanzibar"

_KEPT: Final = "CREATE TEMPORARY TABLE kept (said text UNIQUE CHECK (said NOT LIKE '%!'), place integer NOT NULL);"


def _fail(dsn: str, *statements: str, parameters: Sequence[Any] = ()) -> None:
    """Run statements of which the last, with these parameters, fails."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements[:-1]:
            connection.execute(statement.encode())
        try:
            connection.execute(statements[-1].encode(), parameters or None)
        except psycopg.Error:
            return
    raise AssertionError("the statement did not fail")


def unknown_column(dsn: str) -> None:
    """A statement that cannot be planned, with a number as a literal."""
    _fail(dsn, f"SELECT nothing FROM pg_class WHERE relname = '{TEXT}'")


def parameter_of_another_type(dsn: str) -> None:
    """A parameter that its type does not take."""
    _fail(dsn, "SELECT %s::uuid", parameters=[TEXT])


def failure_beside_parameters(dsn: str) -> None:
    """A statement that fails by a parameter, and has a number as another."""
    _fail(dsn, "SELECT 1 / %s::integer, %s::text, %s::jsonb", parameters=[0, TEXT, Jsonb([TEXT])])


def duplicate_key(dsn: str) -> None:
    """A violated unique constraint, whose detail quotes the key."""
    _fail(dsn, _KEPT, "INSERT INTO kept VALUES (%s, 1), (%s, 2)", parameters=[TEXT, TEXT])


def violated_check(dsn: str) -> None:
    """A violated check constraint, whose detail quotes the row."""
    _fail(dsn, _KEPT, "INSERT INTO kept VALUES (%s, 1)", parameters=[f"{TEXT}!"])


def missing_value(dsn: str) -> None:
    """A violated NOT NULL, whose detail quotes the row."""
    _fail(dsn, _KEPT, "INSERT INTO kept (said) VALUES (%s)", parameters=[TEXT])


def missing_row(dsn: str) -> None:
    """A violated foreign key, whose detail quotes the key."""
    known = "CREATE TEMPORARY TABLE known (said text PRIMARY KEY)"
    other = "CREATE TEMPORARY TABLE other (said text REFERENCES known)"
    _fail(dsn, known, other, "INSERT INTO other VALUES (%s)", parameters=[TEXT])


def malformed_line_of_copy(dsn: str) -> None:
    """A line of COPY that is refused, which the context of the error quotes."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_KEPT.encode())
        with suppress(psycopg.Error), connection.cursor().copy("COPY kept FROM STDIN") as copy:
            copy.write(f"{TEXT}\t{TEXT}\n")


def raised_by_a_function(dsn: str) -> None:
    """Warnings and errors that a function raises with a number in them."""
    raises = f"RAISE WARNING '{TEXT}'; RAISE unique_violation USING MESSAGE = '{TEXT}', DETAIL = '{TEXT}';"
    _fail(dsn, f"DO $$ BEGIN {raises} END $$")


def statement_timeout(dsn: str) -> None:
    """A statement that takes too long."""
    _fail(dsn, "SET statement_timeout = '20ms'", f"SELECT pg_sleep(60), '{TEXT}'")


def lock_timeout(dsn: str) -> None:
    """A statement that waits for a lock for too long."""
    with psycopg.connect(dsn) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(18)")
        _fail(dsn, "SET lock_timeout = '20ms'", f"SELECT pg_advisory_xact_lock(18), '{TEXT}'")


def deadlock(dsn: str) -> None:
    """Two statements that wait for each other, both of which the detail of the error quotes."""
    with psycopg.connect(dsn) as first, psycopg.connect(dsn) as second:
        first.execute("SELECT pg_advisory_xact_lock(1)")
        second.execute("SELECT pg_advisory_xact_lock(2)")
        failed: list[psycopg.Error] = []

        def wait(connection: psycopg.Connection[Any], lock: int) -> None:
            try:
                connection.execute(f"SELECT pg_advisory_xact_lock({lock}), '{TEXT}'".encode())
            except psycopg.Error as error:
                failed.append(error)

        waiting = threading.Thread(target=wait, args=(first, 2))
        waiting.start()
        wait(second, 1)
        second.rollback()
        waiting.join()
        assert [type(error) for error in failed] == [psycopg.errors.DeadlockDetected]


def killed_process(dsn: str) -> None:
    """A process of the server that is killed at a statement, which the server then quotes. All others end with it."""
    with psycopg.connect(dsn) as connection, psycopg.connect(dsn, autocommit=True) as looking:
        working = threading.Thread(target=_suffer, args=(connection, f"SELECT pg_sleep(60), '{TEXT}'"))
        working.start()
        state = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        killed = connection.info.backend_pid
        until(lambda: looking.execute(state, [killed]).fetchone() == (1,))
        os.kill(killed, signal.SIGKILL)
        working.join()
    until(lambda: _connects(dsn))


def _suffer(connection: psycopg.Connection[Any], statement: str) -> None:
    with suppress(psycopg.Error):
        connection.execute(statement.encode())


def _connects(dsn: str) -> bool:
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return False
    return True


QUOTED: Final[Sequence[Callable[[str], None]]] = (
    unknown_column,
    parameter_of_another_type,
    failure_beside_parameters,
    duplicate_key,
    violated_check,
    missing_value,
    missing_row,
    malformed_line_of_copy,
    raised_by_a_function,
    statement_timeout,
    lock_timeout,
    deadlock,
    killed_process,
)
"""Failures that a server quotes in its log, unless it is set up otherwise."""


def login_with_a_wrong_password(dsn: str) -> None:
    """A password that is refused."""
    with suppress(psycopg.OperationalError):
        psycopg.connect(dsn, password=TEXT)
        raise AssertionError("the server takes any password")


def database_that_does_not_exist(dsn: str) -> None:
    """A login to nothing, whose other parameters contain a number."""
    with suppress(psycopg.OperationalError):
        psycopg.connect(dsn, dbname="nothing", application_name=TEXT)
        raise AssertionError("the server has every database")


def strange_packet(dsn: str) -> None:
    """A client that speaks no protocol of PostgreSQL."""
    with psycopg.connect(dsn) as connection:
        address = (connection.info.host, connection.info.port)
    for packet in (TEXT.encode(), len(TEXT).to_bytes(4) + TEXT.encode(), b"\0\0\0\x08\x04\xd2\x16\x30" + TEXT.encode()):
        with closing(socket.create_connection(address, timeout=10)) as connection:
            connection.sendall(packet)


REFUSED: Final[Sequence[Callable[[str], None]]] = (
    login_with_a_wrong_password,
    database_that_does_not_exist,
    strange_packet,
)
"""Clients that the server refuses. It logs their names, which are no secrets, and nothing of what else they sent."""
