"""`serve`, `worker` and `migrate` on a database server that cannot be used: one sentence, and no start."""

import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from service.__main__ import run_command
from tests.command.false_servers import make_certificate, old_server, server_with
from tests.free_ports import free_port
from tests.server import as_role, renamed

SECRET = "ab" * 32
PASSWORD = "open-sesame"
COMMANDS = ("serve", "worker", "migrate")
NOBODY = f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/registry"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Settings of a service with a database of its operator's."""
    for variable in ("DATABASE_OWNER_URL", "DATABASE_PASSWORD", "DATABASE_OWNER_PASSWORD"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FILIATION_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FILIATION_PORT", str(free_port()))
    monkeypatch.setenv("FILIATION_MASTER_SECRET", SECRET)
    return monkeypatch


def refusals(environment: pytest.MonkeyPatch, service: str, owner: str) -> dict[str, str]:
    """What each command says when it ends, with the address for the service's role and the one for the owner."""
    environment.setenv("DATABASE_URL", service)
    said = {}
    for command in COMMANDS:
        if command == "migrate":
            environment.setenv("DATABASE_OWNER_URL", owner)
        environment.setattr(sys, "argv", ["filiation", command])
        with pytest.raises(SystemExit) as ended:
            run_command()
        # A text is printed to the standard error, and the status is 1.
        assert isinstance(ended.value.code, str), command
        said[command] = ended.value.code
        environment.delenv("DATABASE_OWNER_URL", raising=False)
    return said


def problems(said: dict[str, str], reason: str) -> list[tuple[str, str]]:
    """The commands whose last word is not one sentence that gives the reason and hides the password."""
    return [
        (command, text)
        for command, text in said.items()
        if reason not in text
        or PASSWORD in text
        or "\n" in text
        or not text.startswith("filiation: ")
        or not text.endswith(".")
    ]


@pytest.mark.parametrize("version", ["14.23", "13.9", "10.1", "9.6.24", "9.5.25"])
def test_start_on_an_older_postgresql_is_refused_by_its_version(environment: pytest.MonkeyPatch, version: str) -> None:
    with old_server(version) as (port, asked):
        dsn = f"postgresql://somebody:{PASSWORD}@127.0.0.1:{port}/registry"
        said = refusals(environment, dsn, dsn)
    assert problems(said, f"The server is PostgreSQL {version}, and the registry needs 15 or newer.") == []
    # It was asked nothing but to end the connection.
    assert {part[:1] for part in asked} <= {b"X"}


def test_start_without_a_server_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert problems(refusals(environment, NOBODY, NOBODY), "The database cannot be reached: ") == []
    # No database of its own was started instead.
    assert not (tmp_path / "data").exists()


def test_start_with_a_role_or_database_that_is_missing_is_refused(
    environment: pytest.MonkeyPatch, cluster: str
) -> None:
    for dsn in (renamed(cluster, "nothing"), as_role(cluster, "stranger")):
        assert problems(refusals(environment, dsn, dsn), "The database cannot be reached: ") == []


def test_start_with_a_certificate_for_another_host_or_without_an_authority_is_refused(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path, "elsewhere", "database.example")
    # Where libpq looks for the authority that no option names.
    environment.setenv("HOME", str(tmp_path))
    with server_with(certificate, key) as port:
        dsn = f"postgresql://somebody:{PASSWORD}@127.0.0.1:{port}/registry?sslmode=verify-full"
        assert problems(refusals(environment, dsn, dsn), "does not exist") == []
        dsn += f"&sslrootcert={quote(str(certificate), safe='')}"
        assert problems(refusals(environment, dsn, dsn), "does not match host name") == []
