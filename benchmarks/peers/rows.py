"""A row for each membership and a recursive query for the lineage, in PostgreSQL, SQLite and DuckDB."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import LiteralString

import psycopg

from benchmarks.database import copy_in, execute
from benchmarks.peers.lineage import EDGES, LAST, LineageQuery, Memberships
from benchmarks.service import Service

_TABLES: tuple[LiteralString, ...] = (
    "CREATE TABLE holding (number bigint, dataset integer, PRIMARY KEY (number, dataset))",
    "CREATE TABLE edge (dataset integer, parent integer, PRIMARY KEY (dataset, parent))",
)
_EDGE = "INSERT INTO edge VALUES (?, ?)"
_LINEAGE: LiteralString = """
    WITH RECURSIVE held(dataset) AS (SELECT dataset FROM holding WHERE number = ?),
    lineage(dataset) AS (
        SELECT dataset FROM held WHERE dataset = ?
        UNION
        SELECT edge.parent FROM lineage JOIN edge USING (dataset) JOIN held ON held.dataset = edge.parent)
    SELECT dataset FROM lineage
"""


@contextmanager
def open_postgres(service: Service, memberships: Memberships) -> Iterator[LineageQuery]:
    """Rows on the PostgreSQL server of the product, over its socket."""
    execute(service, *_TABLES)
    copy_in(service, "holding", memberships.file)
    with psycopg.connect(service.dsn, autocommit=True) as connection:
        with connection.cursor() as cursor:
            cursor.executemany(_EDGE.replace("?", "%s"), EDGES)
        connection.execute("ANALYZE")
        query = _LINEAGE.replace("?", "%s")
        yield lambda number: frozenset(row[0] for row in connection.execute(query, (number, LAST)))


@contextmanager
def open_sqlite(service: Service, memberships: Memberships) -> Iterator[LineageQuery]:
    """Rows in a SQLite file, in this process."""
    with closing(sqlite3.connect(service.folder / "peer.sqlite")) as connection:
        for table in _TABLES:
            connection.execute(f"{table} WITHOUT ROWID")
        connection.executemany("INSERT INTO holding VALUES (?, ?)", memberships.frame.iter_rows())
        connection.executemany(_EDGE, EDGES)
        connection.commit()
        yield lambda number: frozenset(row[0] for row in connection.execute(_LINEAGE, (number, LAST)))


@contextmanager
def open_duckdb(service: Service, memberships: Memberships) -> Iterator[LineageQuery]:
    """Rows in a DuckDB file, in this process."""
    import duckdb  # noqa: PLC0415 - may be missing

    with closing(duckdb.connect(service.folder / "peer.duckdb")) as connection:
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"COPY holding FROM '{memberships.file}' (HEADER)")
        connection.executemany(_EDGE, EDGES)
        yield lambda number: frozenset(row[0] for row in connection.execute(_LINEAGE, (number, LAST)).fetchall())
