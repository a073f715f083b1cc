"""The row layout: a row for each membership, a recursive query for the lineage. In PostgreSQL, SQLite and DuckDB."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import LiteralString

import psycopg

from benchmarks.database import copy_in, execute
from benchmarks.peers.lineage import EDGES, LAST, Ask, Held
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
def in_postgres(service: Service, held: Held) -> Iterator[Ask]:
    """On the server that the product uses, over its socket."""
    execute(service, *_TABLES)
    copy_in(service, "holding", held.file)
    with psycopg.connect(service.dsn, autocommit=True) as connection:
        with connection.cursor() as cursor:
            cursor.executemany(_EDGE.replace("?", "%s"), EDGES)
        connection.execute("ANALYZE")
        query = _LINEAGE.replace("?", "%s")
        yield lambda number: frozenset(row[0] for row in connection.execute(query, (number, LAST)))


@contextmanager
def in_sqlite(service: Service, held: Held) -> Iterator[Ask]:
    """In a file, in this process."""
    with closing(sqlite3.connect(service.folder / "peer.sqlite")) as connection:
        for table in _TABLES:
            connection.execute(f"{table} WITHOUT ROWID")
        connection.executemany("INSERT INTO holding VALUES (?, ?)", held.memberships.iter_rows())
        connection.executemany(_EDGE, EDGES)
        connection.commit()
        yield lambda number: frozenset(row[0] for row in connection.execute(_LINEAGE, (number, LAST)))


@contextmanager
def in_duckdb(service: Service, held: Held) -> Iterator[Ask]:
    """In a file, in this process."""
    import duckdb  # noqa: PLC0415 - it need not be installed

    with closing(duckdb.connect(service.folder / "peer.duckdb")) as connection:
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"COPY holding FROM '{held.file}' (HEADER)")
        connection.executemany(_EDGE, EDGES)
        yield lambda number: frozenset(row[0] for row in connection.execute(_LINEAGE, (number, LAST)).fetchall())
