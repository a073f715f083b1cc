"""Real transactions that stop right before they commit, so that a test lets others run in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import sql

from tests.inspection import rows, until

_FUNCTION: LiteralString = """
    CREATE OR REPLACE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'
"""
_TRIGGER: LiteralString = """
    CREATE CONSTRAINT TRIGGER wait_for_test AFTER INSERT OR UPDATE ON {} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN ({}) EXECUTE FUNCTION wait_for_test()
"""
_WAITING: LiteralString = """
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 0 AND objid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Held:
    """The transactions that a test holds at their commit."""

    def __init__(self, dsn: str, holding: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._dsn, self._holding = dsn, holding

    def wait(self) -> None:
        """Wait until one has arrived there."""
        until(lambda: rows(self._dsn, _WAITING))

    def release(self) -> None:
        """Let them commit."""
        self._holding.rollback()


@contextmanager
def held_at_commit(dsn: str, table: str, condition: LiteralString = "true") -> Iterator[Held]:
    """Hold each transaction that writes a row of `table` with this condition right before it commits."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_FUNCTION)
        connection.execute(sql.SQL(_TRIGGER).format(sql.Identifier(table), sql.SQL(condition)))
    with psycopg.connect(dsn) as holding:
        holding.execute("SELECT pg_advisory_xact_lock(1)")
        try:
            yield Held(dsn, holding)
        finally:
            holding.rollback()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP TRIGGER wait_for_test ON {}").format(sql.Identifier(table)))
