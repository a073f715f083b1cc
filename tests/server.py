"""The PostgreSQL server of a test run: the embedded one, for each process its own, or the one that `make matrix` names.

A named server is a throw-away server: its superuser creates roles and databases there, and leaves the roles.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from service.core.embedded import roles
from service.core.embedded import server as embedded_server

NAMED: Final = os.environ.get("TEST_DATABASE_URL", "")
"""The address of a server for its superuser; empty for the embedded one."""

# A test process uses up to 3 GB there, for the write-ahead log above all.
_PLENTY_OF_BYTES: Final = 10 * 2**30

_MADE_BY_TESTS: Final = "made by the tests of Filiation"


@contextmanager
def administrator_of_server() -> Iterator[str]:
    """The address of the server for its superuser. Both roles exist there."""
    if NAMED:
        with psycopg.connect(NAMED, autocommit=True) as connection:
            _make_roles(connection)
        yield NAMED
        return
    folder = Path(tempfile.mkdtemp(prefix="filiation-test-", dir=_folder_in_memory()))
    # If root starts the server, it runs as another account, which has to pass through this folder.
    folder.chmod(0o711)
    with embedded_server.embedded(folder) as server:
        with psycopg.connect(server.administrator_dsn, autocommit=True) as connection:
            # Only durability is switched off, because no test needs data to survive a power cut.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.administrator_dsn
    shutil.rmtree(folder)


def _folder_in_memory() -> str | None:
    """Where files stay in memory, if there is plenty. A database has 600 files, new ones for each test."""
    folder = Path("/dev/shm")
    try:
        return str(folder) if shutil.disk_usage(folder).free >= _PLENTY_OF_BYTES else None
    except OSError:
        return None


def _make_roles(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Create the roles with the superuser's password, which tests then use for all. Processes take turns.

    Raises:
        RuntimeError: roles of that name belong to a registry.
    """
    password = make_url(NAMED).password or ""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        found = connection.execute(
            "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = ANY (%s)",
            [[roles.OWNER, roles.SERVICE]],
        ).fetchall()
        if strange := [name for name, comment in found if comment != _MADE_BY_TESTS]:
            raise RuntimeError(f"The server has a role {strange[0]}, so it may hold a registry. Name another server.")
        if not found:
            for creation in roles.CREATION:
                connection.execute(creation.encode())
        for name in (roles.OWNER, roles.SERVICE):
            role = sql.Identifier(name)
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password)))
            connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(role, sql.Literal(_MADE_BY_TESTS)))


def renamed(dsn: str, database: str) -> str:
    """The same server with another database."""
    return make_url(dsn).set(database=database).render_as_string(hide_password=False)


def as_role(dsn: str, role: str) -> str:
    """The same database for another role."""
    return make_url(dsn).set(username=role).render_as_string(hide_password=False)


def major_version(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """The major version of the server."""
    return connection.info.server_version // 10_000
