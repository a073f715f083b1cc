"""Outages of one database of the cluster, which other tests share."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import make_url


def _of_cluster(dsn: str) -> tuple[str, str]:
    """The address of the cluster's own database, and the name of that at `dsn`."""
    url = make_url(dsn)
    assert url.database is not None
    return url.set(database="postgres").render_as_string(hide_password=False), url.database


def end_connections(dsn: str) -> None:
    """Kill every backend of a database."""
    cluster, name = _of_cluster(dsn)
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


@contextmanager
def outage(dsn: str) -> Iterator[None]:
    """A database that ends all connections and accepts none during the block, as while its server starts again."""
    cluster, name = _of_cluster(dsn)
    switch = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(switch.format(sql.Identifier(name), sql.Literal(False)))
        try:
            end_connections(dsn)
            yield
        finally:
            connection.execute(switch.format(sql.Identifier(name), sql.Literal(True)))
