"""A machine without Docker that does what docker-compose.yml says, with real processes: its database, API and worker.

`docker` on the path of its shell is a small program that hands its arguments to this process. So the commands of the
documentation run as they are written.
"""

import json
import os
import shlex
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from service.__main__ import app
from tests.clusters import Cluster, own_cluster
from tests.deployment.compose import FILE, read_compose, read_dotenv
from tests.free_ports import free_port
from tests.processes import Running, command

_DOCKER = """
import json, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    typed = "" if "exec" not in sys.argv or sys.stdin.isatty() else sys.stdin.buffer.read().hex()
    connection.sendall(json.dumps({{"arguments": sys.argv[1:], "typed": typed}}).encode() + b"\\n")
    answer = json.loads(connection.makefile().readline())
sys.stdout.buffer.write(bytes.fromhex(answer["printed"]))
sys.exit(answer["status"])
"""


class Machine:
    """The services of the Compose file in a folder with a `.env`."""

    def __init__(self, folder: Path, stack: ExitStack, starts: Sequence[str]) -> None:
        self.folder, self._stack, self._starts = folder, stack, starts
        self.port = free_port()
        self.migrations: list[str] = []
        self.cluster: Cluster | None = None
        self.processes: dict[str, Running[bytes]] = {}
        self.places = {"FILIATION_WORKER_LIFE_PATH": str(folder / "worker-life")}
        """What settings say here that name another service of the file, or a place of the image."""

    def compose(self) -> Any:
        """The file, with the variables of `.env`."""
        return read_compose(read_dotenv(self.folder / ".env"))

    def service(self, name: str) -> Any:
        """A service of the file, with the variables of `.env`."""
        return self.compose()["services"][name]

    def environment_of(self, name: str) -> dict[str, str]:
        """The environment of a service. What runs in containers finds the database by its name, here by its port."""
        assert self.cluster is not None
        given = dict(self.service(name)["environment"])
        for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
            if variable in given:
                assert given[variable].count("@database/") == 1
                given[variable] = given[variable].replace("@database/", f"@127.0.0.1:{self.cluster.port}/")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FILIATION_", "PG"))}
        given |= {name: place for name, place in self.places.items() if name in given}
        return inherited | given | {"FILIATION_PORT": str(self.port), "FILIATION_DATA_DIR": str(self.folder / "data")}

    def up(self, *services: str) -> None:
        """Start what does not run: the database and its roles, then a migration, then the API and worker at once.

        With names, start these services alone.
        """
        if services:
            self.service(*services)
        if services == ("kannel",):
            return
        if self.cluster is None:
            self._start_database()
        if services == ("database",):
            return
        self.migrations.append(self.run("migrate", self.service("migrate")["command"]))
        for name in self._starts:
            self.start(name)

    def run(self, service: str, command: Sequence[str], typed: bytes = b"") -> str:
        """What a command prints in a container of a service."""
        return self.execute(service, command, typed).decode()

    def run_alone(self, service: str, command: Sequence[str]) -> bytes:
        """The output of a command in a new container of a service that does not run. Its volumes are folders here."""
        assert service not in self.processes
        mounts = [volume.partition(":")[2] for volume in self.service(service)["volumes"]]
        places = {mount: str(self.folder / mount.strip("/")) for mount in mounts}
        here = [places.get(argument, argument) for argument in command]
        return subprocess.run(here, capture_output=True, check=True).stdout

    def stop(self, service: str) -> None:
        """End the process of a service, if it has one here."""
        self.service(service)
        if (process := self.processes.pop(service, None)) is not None:
            process.terminate()
            process.wait(timeout=60)

    def logs(self, service: str) -> str:
        """What a service has printed."""
        self.service(service)
        log = self.folder / f"{service}.log"
        return "".join(self.migrations) if service == "migrate" else log.read_text() if log.exists() else ""

    def execute(self, service: str, command: Sequence[str], typed: bytes = b"") -> bytes:
        """The output of a command, which must succeed."""
        assert self.cluster is not None
        if command[0] == "filiation":
            ended = CliRunner().invoke(app, list(command[1:]), env=self.environment_of(service))
            assert ended.exit_code == 0, ended.output
            return ended.stdout_bytes
        assert service == "database"
        # The image connects through a socket without a password.
        done = subprocess.run(command, env=self.cluster.environment, input=typed, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, script: str) -> str:
        """What a script prints in this folder, run by a real shell that ends at the first failure."""
        # The port of the file may be taken on this machine.
        script = script.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _start_database(self) -> None:
        service = self.service("database")
        program, *arguments = service["command"]
        assert program == "postgres"
        assert arguments[::2] == ["-c"] * (len(arguments) // 2)
        settings = dict(argument.split("=", 1) for argument in arguments[1::2])
        given = service["environment"]
        initdb = shlex.split(given["POSTGRES_INITDB_ARGS"])
        cluster = own_cluster(given["POSTGRES_PASSWORD"], initdb=initdb, settings=settings)
        self.cluster = self._stack.enter_context(cluster)
        self._create_roles(service)

    def _create_roles(self, service: Any) -> None:
        """Run the script for a new database, as the image's entry point does: bash reads it, and stops at an error."""
        assert self.cluster is not None
        (config,) = (
            config for config in service["configs"] if config["target"].startswith("/docker-entrypoint-initdb.d/")
        )
        script = self.folder / "initdb.sh"
        script.write_text(self.compose()["configs"][config["source"]]["content"])
        environment = self.cluster.environment | service["environment"]
        command = ["/bin/bash", "-Eeuo", "pipefail", "-c", f". {shlex.quote(str(script))}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(self, name: str) -> None:
        """Start a service of the file that does not run."""
        running = self.processes.get(name)
        if running is not None and running.poll() is None:
            return
        program, *arguments = self.service(name)["command"]
        assert program == "filiation"
        log = self._stack.enter_context((self.folder / f"{name}.log").open("ab"))
        process: Running[bytes] = Running(command(*arguments), env=self.environment_of(name), stdout=log, stderr=log)
        self.processes[name] = process
        self._stack.callback(_end, process)


def _end(process: Running[bytes]) -> None:
    process.kill()
    process.wait(timeout=60)


class _Daemon(socketserver.ThreadingUnixStreamServer):
    """Waits for the program `docker` of a machine."""

    def __init__(self, address: Path, machine: Machine) -> None:
        super().__init__(str(address), _Docker)
        self.machine = machine


class _Docker(socketserver.StreamRequestHandler):
    """Answers the program `docker` of a machine."""

    def handle(self) -> None:
        """Run one command of `docker compose`."""
        asked = json.loads(self.rfile.readline())
        assert isinstance(self.server, _Daemon)
        try:
            printed, status = _compose(self.server.machine, asked["arguments"], bytes.fromhex(asked["typed"])), 0
        except Exception as problem:  # noqa: BLE001 - the shell's script ends with it, and the test shows it
            printed, status = f"{type(problem).__name__}: {problem}\n".encode(), 1
        self.wfile.write(json.dumps({"printed": printed.hex(), "status": status}).encode() + b"\n")


def _compose(machine: Machine, arguments: Sequence[str], typed: bytes) -> bytes:
    match list(arguments):
        case ["compose", "ps"]:
            return "".join(f"{name}\n" for name in machine.processes).encode()
        case ["compose", "stop", service]:
            machine.stop(service)
            return b""
        case ["compose", "restart", service]:
            machine.stop(service)
            machine.start(service)
            return b""
        case ["compose", "run", "--rm", "--no-deps", service, *command]:
            return machine.run_alone(service, command)
        case ["compose", "up", "--detach", *services] if not any(name.startswith("-") for name in services):
            machine.up(*services)
            return b""
        case ["compose", "up", "--detach", "--wait", "database"]:
            machine.up("database")
            return b""
        case ["compose", "exec", "-T", service, *command]:
            return machine.execute(service, command, typed)
        case ["compose", "build", "--pull"]:
            return b""
        case ["compose", "logs", service]:
            return machine.logs(service).encode()
        case _:
            raise ValueError(f"this machine does not know: docker {shlex.join(arguments)}")


@contextmanager
def machine_in(folder: Path, starts: Sequence[str] = ("api", "worker")) -> Iterator[Machine]:
    """A machine whose folder has the Compose file and nothing else. Everything ends with the block.

    `starts` are the services that `up` runs as processes after the migration.
    """
    (folder / "docker-compose.yml").write_bytes(FILE.read_bytes())
    address = folder / "docker.socket"
    (folder / "bin").mkdir()
    docker = folder / "bin" / "docker"
    docker.write_text(f"#!{sys.executable} -IS\n{_DOCKER.format(address=str(address))}")
    docker.chmod(0o755)
    with ExitStack() as stack:
        machine = Machine(folder, stack, starts)
        server = stack.enter_context(_Daemon(address, machine))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield machine
