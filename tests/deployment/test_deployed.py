"""A registry as the page about deployment sets it up, run with its commands as they are written."""

import json
import os
import re
import shlex
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import typer
from pydantic import SecretStr

from service.__main__ import app
from service.command import schema
from service.command.database import database
from service.core.database_address import with_password
from service.core.embedded import roles
from service.core.settings import read_settings
from service.main import create_app
from tests.builders import collected, number
from tests.callers import Caller
from tests.clusters import Cluster, own_cluster
from tests.deployment.compose import FILE, ROOT, documented_environment, read_compose, read_dotenv
from tests.deployment.documents import DEPLOYMENT, blocks
from tests.deployment.machine import Machine, machine_in
from tests.direct_client import DirectClient
from tests.kannel import SCRIPT


def test_documented_commands_start_register_back_up_upgrade_and_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = blocks("sh")
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with machine_in(old) as machine:
        # The API and the worker start at the same moment on an empty database.
        machine.shell(commands["Start"][0])
        assert machine.migrations[0].startswith("The schema was migrated from nothing to ")
        broker_id, broker_key = _register(machine, commands["Start"][1])
        with httpx2.Client(base_url=f"http://127.0.0.1:{machine.port}", timeout=60) as client:
            broker = Caller(client, broker_id, broker_key)
            # The worker seals.
            collected(broker, range(5))
            assert broker.lookup(number(3))["held"] is True
            assert _checks_health(machine.port) == 0
        assert '"status"' in machine.shell(commands["Watch"][0])
        machine.shell(commands["Text messages"][0])
        machine.shell(commands["Backup"][0])
        assert "already at" in machine.shell(commands["Upgrade"][0])
        for name, process in machine.processes.items():
            assert process.poll() is None, name
        for name in ("filiation.dump", "master-secret"):
            (new / name).write_bytes((old / name).read_bytes())
        assert _checks_health(machine.port + 1) != 0
    documented_environment(new)
    with machine_in(new, starts=()) as machine:
        assert "no violations" in machine.shell(commands["Restore"][0])
        for variable, value in machine.environment_of("api").items():
            monkeypatch.setenv(variable, value)
        settings = read_settings()
        with database(settings) as dsn, DirectClient(create_app(settings, dsn, with_worker=False)) as client:
            assert Caller(client, broker_id, broker_key).lookup(number(3))["held"] is True


def test_documented_commands_remove_what_waits_for_kannel(tmp_path: Path) -> None:
    documented_environment(tmp_path)
    (commands,) = blocks("sh")["What waits outside PostgreSQL"]
    with machine_in(tmp_path, starts=()) as machine:
        (volume,) = (volume.partition(":")[2] for volume in machine.service("kannel")["volumes"])
        spool = tmp_path / volume.strip("/")
        for place in ("4f", "c1"):
            (spool / place).mkdir(parents=True)
            (spool / place / "message").write_text("STOP")
        machine.shell(commands)
    assert [path for path in spool.rglob("*") if path.is_file()] == []


def test_documented_account_of_an_operator_reaches_kannel_as_it_is(tmp_path: Path) -> None:
    documented_environment(tmp_path)
    (account,) = blocks("env")["Text messages"]
    with (tmp_path / ".env").open("a") as file:
        file.write(account)
    services = read_compose(read_dotenv(tmp_path / ".env"))["services"]
    given = services["kannel"]["environment"]
    assert all(f"{name}=" in account for name in given)
    assert (given["KANNEL_SMSC_PASSWORD"], given["KANNEL_SMSC_SYSTEM_TYPE"]) == ('pa$s"#1', "")
    assert "KANNEL_SMSC_PASSWORD='pa$s\"#1'" in FILE.read_text(encoding="utf-8")
    assert services["api"]["environment"]["FILIATION_KANNEL_ORIGINATOR"] == "Filiation"
    # A bearerbox that shows its configuration instead of running with it.
    (tmp_path / "bearerbox").write_text("#!/bin/sh\nexec cat /dev/fd/3\n")
    (tmp_path / "bearerbox").chmod(0o755)
    environment = given | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KANNEL_FOLDER": str(tmp_path)}
    started = subprocess.run([SCRIPT], env=environment, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert started.stdout.splitlines().count('smsc-password = "pa$s\\"#1"') == 1


def test_commands_outside_blocks_are_run_elsewhere_or_exist() -> None:
    page = DEPLOYMENT.read_text(encoding="utf-8")
    outside = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    named = {line for line in re.findall(r"`([^`]+)`", outside) if re.match(r"(docker|make|filiation) ", line)}
    run = "".join(text for texts in blocks("sh").values() for text in texts)
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    root: Any = typer.main.get_command(app)
    exist = {f"make {target}" for target in targets}
    exist |= {f"filiation {command}" for command in root.list_commands(typer.Context(root))}
    unknown = {line for line in named if line not in run and " ".join(line.split()[:2]) not in exist}
    # Nothing here can run Docker's builder.
    (build,) = unknown
    found = re.fullmatch(r"docker build --build-arg LOCK=(\S+) \.", build)
    assert found is not None
    assert (ROOT / found[1]).is_file()
    assert "ARG LOCK=" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def _register(machine: Machine, script: str) -> tuple[uuid.UUID, str]:
    """Register as documented, and return the broker's id and key."""
    *keys, broker_id = machine.shell(f'{script}echo "$BROKER"').split()
    assert len(keys) == 2
    assert all(key.startswith("fil_") for key in keys)
    return uuid.UUID(broker_id), keys[1]


def _checks_health(port: int) -> int:
    """The status of the image's own check of a service on a port."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    _, _, check = text.partition("HEALTHCHECK")
    program, *arguments = json.loads(check.partition("CMD ")[2].partition("\n")[0])
    assert program == "python"
    environment = os.environ | {"FILIATION_PORT": str(port)}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, stderr=subprocess.DEVNULL, check=False
    ).returncode


def test_database_is_healthy_only_while_everybody_reaches_it(compose: dict[str, str]) -> None:
    database = read_compose(compose)["services"]["database"]
    kind, *check = database["healthcheck"]["test"]
    assert kind == "CMD"
    initdb = shlex.split(database["environment"]["POSTGRES_INITDB_ARGS"])

    def status(cluster: Cluster) -> int:
        # In the container, port and socket are the defaults of the program.
        socket_folder = cluster.home / "data"
        environment = {
            "PATH": cluster.environment["PATH"],
            "PGPORT": str(cluster.port),
            "PGHOST": str(socket_folder),
        }
        return subprocess.run(check, env=environment, timeout=60, check=False).returncode

    with own_cluster("administrator's", initdb=initdb) as cluster:
        assert status(cluster) == 0
        cluster.crash()
        assert status(cluster) == 2
    # As the image starts it while it prepares a new database.
    unreachable = {"listen_addresses": "", "unix_socket_directories": "."}
    with own_cluster("administrator's", initdb=initdb, settings=unreachable) as cluster:
        assert status(cluster) == 2


def test_api_is_checked_as_its_image_says(compose: dict[str, str]) -> None:
    """What `_checks_health` runs is what Compose runs."""
    assert "healthcheck" not in read_compose(compose)["services"]["api"]


AWKWARD = (
    """'";--$$x\\%@/:?#[]{}&=+ """,
    "$(touch x)`id`${OWNER_PASSWORD}",
    " leading and trailing blanks ",
    "mot de passe à accents, €, 日本",
    "\\'\\\\''%s%%\"",
)


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of the documented `.env`."""
    return documented_environment(tmp_path_factory.mktemp("documented"))


def test_script_for_roles_takes_any_password_and_gives_the_documented_rights(
    compose: dict[str, str], tmp_path: Path
) -> None:
    file = read_compose(compose)
    initdb = shlex.split(file["services"]["database"]["environment"]["POSTGRES_INITDB_ARGS"])
    with own_cluster("administrator's", initdb=initdb) as cluster:
        for place, password in enumerate(AWKWARD):
            passwords = {"OWNER_PASSWORD": f"{password}owner", "SERVICE_PASSWORD": f"{password}service"}
            _run_role_script(cluster, file["configs"]["roles"]["content"], passwords, tmp_path)
            for role, name in ((roles.OWNER, "OWNER_PASSWORD"), (roles.SERVICE, "SERVICE_PASSWORD")):
                address = SecretStr(f"postgresql://{role}@127.0.0.1:{cluster.port}/filiation")
                whole = with_password("DATABASE_URL", address, "DATABASE_PASSWORD", SecretStr(passwords[name]))
                assert whole is not None
                dsn = whole.get_secret_value()
                with psycopg.connect(dsn) as connection:
                    assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
                if place == 0 and role == roles.OWNER:
                    schema.upgrade(dsn)
                elif place == 0:
                    schema.require_current(dsn)
            _drop_all(cluster)
    assert [path.name for path in tmp_path.iterdir()] == ["roles.sh"]


def _run_role_script(cluster: Cluster, script: str, passwords: dict[str, str], folder: Path) -> None:
    """As the image's entry point does: bash reads the script, and stops at an error."""
    (folder / "roles.sh").write_text(script)
    command = ["/bin/bash", "-Eeuo", "pipefail", "-c", ". ./roles.sh"]
    done = subprocess.run(
        command, cwd=folder, env=cluster.environment | passwords, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _drop_all(cluster: Cluster) -> None:
    dsn = f"postgresql://postgres@127.0.0.1:{cluster.port}/postgres"
    with psycopg.connect(dsn, password=cluster.password, autocommit=True) as connection:
        for statement in ("DATABASE filiation", f"ROLE {roles.SERVICE}", f"ROLE {roles.OWNER}"):
            connection.execute(f"DROP {statement}")


def test_documented_unit_of_systemd_hands_every_secret_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ((unit,),) = (units for units in blocks("ini").values() if units)
    settings = [line.partition("=")[::2] for line in unit.splitlines() if "=" in line]
    credentials = dict(value.split(":", 1) for name, value in settings if name == "LoadCredential")
    for name in [*os.environ]:
        if name.startswith(("FILIATION_", "DATABASE_")):
            monkeypatch.delenv(name)
    # As systemd does: a folder that only the service may enter, with a file that nobody may change for each credential.
    for name in credentials:
        (tmp_path / name).write_text(f"{'5e' * 32}\n")
        (tmp_path / name).chmod(0o400)
    tmp_path.chmod(0o500)
    for name, value in settings:
        if name == "Environment":
            variable, _, text = value.partition("=")
            monkeypatch.setenv(variable, text.replace("%d", str(tmp_path)))
    found = read_settings()
    assert found.secret() == "5e" * 32
    assert found.database_url is not None
    assert found.database_url.get_secret_value() == f"postgresql://filiation:{'5e' * 32}@127.0.0.1/filiation"
    (command,) = (value for name, value in settings if name == "ExecStart")
    program, name, *arguments = command.split()
    assert program.endswith("/.venv/bin/filiation")
    root: Any = typer.main.get_command(app)
    root.get_command(typer.Context(root), name).make_context(name, arguments)
