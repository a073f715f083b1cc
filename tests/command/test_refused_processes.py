"""`serve` and `migrate` as processes, on a server that cannot be used: one sentence, status 1, nothing written."""

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from service.core.embedded import roles
from tests.clusters import own_cluster
from tests.command.false_servers import make_certificate, server_with, server_without_tls
from tests.conftest import MASTER_SECRET, as_service
from tests.free_ports import free_port
from tests.inspection import rows
from tests.processes import command
from tests.server import as_role, renamed
from tests.test_processes import served

COMMANDS = ("serve", "migrate")
PASSWORD = "open-sesame"


def administer(dsn: str, *statements: str) -> None:
    """Run statements as the administrator, with the name of the database put in for {}."""
    name = sql.Identifier(make_url(dsn).database or "")
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(sql.SQL(statement).format(name))


def content_of(dsn: str) -> list[tuple[str, int]]:
    """Every table of the database, and how many rows it has."""
    with psycopg.connect(dsn) as connection:
        query = "SELECT relname FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p') ORDER BY relname"
        names = [str(name) for (name,) in connection.execute(query)]
        counted = []
        for name in names:
            ((count,),) = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
            counted.append((name, int(count)))
    return counted


def ends(folder: Path, service: str, owner: str | None = None, **more: str) -> dict[str, str]:
    """The sentence of each command, which must end at once with nothing else, given the addresses of the database."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FILIATION_", "DATABASE_"))}
    environment = inherited | {
        "DATABASE_URL": service,
        "FILIATION_MASTER_SECRET": MASTER_SECRET,
        "FILIATION_DATA_DIR": str(folder / "data"),
        "FILIATION_PORT": str(free_port()),
        # Where libpq looks for certificates that no option names.
        "HOME": str(folder),
    }
    environment |= {"DATABASE_OWNER_URL": owner} if owner is not None else {}

    def run(name: str) -> str:
        ended = subprocess.run(
            command(name),
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert (ended.returncode, ended.stdout) == (1, ""), (name, ended)
        assert ended.stderr.startswith("filiation: "), (name, ended)
        assert ended.stderr.endswith(".\n"), (name, ended)
        assert ended.stderr.count("\n") == 1, (name, ended)
        assert PASSWORD not in ended.stderr, (name, ended)
        return ended.stderr

    with ThreadPoolExecutor(len(COMMANDS)) as threads:
        said = dict(zip(COMMANDS, threads.map(run, COMMANDS), strict=True))
    # No database of its own was started instead.
    assert not (folder / "data").exists()
    return said


# What the administrator did to a database of this version, what `serve` says then, and what `migrate` says.
CASES: dict[str, tuple[Sequence[str], str, str]] = {
    "read_only": (
        ["ALTER DATABASE {} SET default_transaction_read_only = on"],
        "default_transaction_read_only is on",
        "default_transaction_read_only is on",
    ),
    "missing_rights": (
        ["ALTER DATABASE {} OWNER TO postgres", "REVOKE UPDATE ON dataset FROM filiation"],
        "may not read and write dataset.",
        "may not create tables in the schema public",
    ),
    "not_the_owner": (
        [
            "GRANT CREATE ON SCHEMA public TO filiation_owner",
            "ALTER TABLE dataset OWNER TO postgres",
            "REVOKE ALL ON dataset FROM filiation",
        ],
        "may not read and write dataset.",
        "The tables belong to the role postgres",
    ),
    "collation_changed": (
        ["UPDATE pg_database SET datcollversion = '0' WHERE datname = current_database()"],
        "REFRESH COLLATION VERSION",
        "REFRESH COLLATION VERSION",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_start_on_a_database_that_cannot_be_used_is_refused_and_writes_nothing(
    dsn: str, case: str, tmp_path: Path
) -> None:
    statements, at_serve, at_migrate = CASES[case]
    administer(dsn, *statements)
    before = content_of(dsn)
    said = ends(tmp_path, as_service(dsn), as_role(dsn, roles.OWNER))
    assert at_serve in said["serve"]
    assert at_migrate in said["migrate"]
    assert content_of(dsn) == before


def test_start_in_another_encoding_is_refused_and_writes_nothing(cluster: str, tmp_path: Path) -> None:
    name = f"in_latin1_{os.getpid()}"
    dsn = renamed(cluster, name)
    administer(cluster, f"CREATE DATABASE {name} ENCODING LATIN1 LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    said = ends(tmp_path, dsn)
    assert all("has the encoding LATIN1, and the registry needs UTF8" in sentence for sentence in said.values())
    assert content_of(dsn) == []
    administer(cluster, f"DROP DATABASE {name}")


def test_start_on_a_standby_is_refused(tmp_path: Path) -> None:
    with own_cluster(PASSWORD, initdb=("--encoding=UTF8", "--locale=C"), standby=True) as standby:
        said = ends(tmp_path, f"postgresql://postgres:{PASSWORD}@127.0.0.1:{standby.port}/postgres")
    assert all("The server is a standby, which takes no writes." in sentence for sentence in said.values())


def test_start_with_a_transaction_timeout_is_refused_and_with_other_timeouts_is_not(dsn: str, tmp_path: Path) -> None:
    administer(dsn, "ALTER DATABASE {} OWNER TO filiation_owner")
    for role in (roles.OWNER, roles.SERVICE):
        for timeout in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            administer(dsn, f"ALTER ROLE {role} IN DATABASE {{}} SET {timeout} = '1ms'")
    environment = os.environ | {"DATABASE_URL": as_role(dsn, roles.OWNER), "FILIATION_MASTER_SECRET": MASTER_SECRET}
    migrated = subprocess.run(command("migrate"), env=environment, capture_output=True, check=True)
    assert b"nothing to migrate" in migrated.stdout
    with served(as_service(dsn)) as client:
        assert client.get("/v1/health").status_code == 200
    if rows(dsn, "SELECT current_setting('transaction_timeout', true)") == [(None,)]:
        return
    administer(dsn, "ALTER DATABASE {} SET transaction_timeout = '5s'")
    said = ends(tmp_path, as_service(dsn), as_role(dsn, roles.OWNER))
    assert all("transaction_timeout is 5 s for the role" in sentence for sentence in said.values())


def test_start_with_a_wrong_certificate_or_without_tls_is_refused(tmp_path: Path) -> None:
    (certificate, key), (other, _) = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "other")
    with server_with(certificate, key) as port:
        options = f"sslmode=verify-full&sslrootcert={quote(str(other), safe='')}"
        said = ends(tmp_path, f"postgresql://somebody:{PASSWORD}@127.0.0.1:{port}/registry?{options}")
    assert all("certificate verify failed" in sentence for sentence in said.values()), said
    assert all(sentence.endswith("Check DATABASE_URL.\n") for sentence in said.values()), said
    with server_without_tls() as port:
        said = ends(tmp_path, f"postgresql://somebody:{PASSWORD}@127.0.0.1:{port}/registry?sslmode=require")
    assert all("server does not support SSL, but SSL was required" in sentence for sentence in said.values()), said


def test_start_with_the_master_secret_of_another_registry_is_refused(dsn: str) -> None:
    rows(dsn, "INSERT INTO pseudonym_key VALUES ('0123456789abcdef', now())")
    before = content_of(dsn)
    # To migrate, it is not needed.
    environment = os.environ | {"DATABASE_URL": as_service(dsn), "FILIATION_MASTER_SECRET": MASTER_SECRET}
    for arguments in (["serve", "--port", "0"], ["serve", "--port", "0", "--processes", "2"], ["worker"]):
        ended = subprocess.run(
            command(*arguments), env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert ended.returncode == 1, ended
        assert "were encrypted with the master secret 0123456789abcdef, but the given secret is " in ended.stderr
        assert ended.stderr.count("\n") == 1
    assert content_of(dsn) == before
