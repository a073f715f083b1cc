"""A registry as it is deployed, in processes that a test kills: the service, the worker, and PostgreSQL."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import httpx2
import psycopg

from service.core.embedded.server import embedded
from tests.conftest import MASTER_SECRET
from tests.free_ports import free_port
from tests.inspection import rows, until
from tests.processes import Running, command, service_id_of

# Dead workers are found within seconds, and limits that count the callers of one address are out of the way.
_SETTINGS: Final = {
    "FILIATION_MASTER_SECRET": MASTER_SECRET,
    "FILIATION_SWEEP_SECONDS": "1",
    "FILIATION_HEARTBEAT_SECONDS": "0.5",
    "FILIATION_VERIFICATIONS_PER_ADDRESS": "100000",
    "FILIATION_SMS_BLOCK_BUDGET": "100000",
}


@dataclass
class Machine:
    """The processes over one data folder. The test starts them again, as the system would; they start PostgreSQL."""

    folder: Path
    dsn: str
    client: httpx2.Client
    port: int
    processes: dict[str, Running[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Start what does not run."""
        commands = {"service": ("serve", "--no-worker", "--port", str(self.port)), "worker": ("worker",)}
        environment = os.environ | _SETTINGS | {"FILIATION_DATA_DIR": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            for name, arguments in commands.items():
                if name not in self.processes or self.processes[name].poll() is not None:
                    self.processes[name] = Running(command(*arguments), env=environment, stdout=log, stderr=log)

    def is_ready(self) -> bool:
        """Whether the registry says that it can do its work. Starts what has ended since, as the system would.

        A process that was just starting ends if it finds no database.
        """
        self.start()
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def kill(self, target: str, random: Random) -> None:
        """Kill one of the targets, or nothing if it does not run at the moment."""
        for process_id in _TARGETS[target](self, random):
            try:
                os.kill(process_id, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if target in self.processes:
            self.processes[target].wait()

    def stop(self) -> None:
        """End everything."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()


def _of(name: str) -> Callable[[Machine, Random], list[int]]:
    return lambda machine, _: [service_id_of(machine.processes[name].pid)]


def _postmaster(machine: Machine, _: Random) -> list[int]:
    return [int((machine.folder / "cluster" / "data" / "postmaster.pid").read_text().split()[0])]


def _backend(machine: Machine, random: Random) -> list[int]:
    found = rows(
        machine.dsn,
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY 1",
    )
    return [random.choice(found)[0]] if found else []


def _reader(machine: Machine, random: Random) -> list[int]:
    """A process that reads a part, or the one from which such processes are forked."""
    found = sorted(_descendants(service_id_of(machine.processes["service"].pid)))
    return [random.choice(found)] if found else []


def _descendants(process_id: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from _descendants(child)


_TARGETS: Final[Mapping[str, Callable[[Machine, Random], list[int]]]] = {
    "service": _of("service"),
    "worker": _of("worker"),
    "postmaster": _postmaster,
    "backend": _backend,
    "reader": _reader,
}
TARGETS: Final = tuple(_TARGETS)


@contextmanager
def running_machine(folder: Path) -> Iterator[Machine]:
    """The processes of a new registry."""
    # The share of this process keeps PostgreSQL running while the service and the worker are both killed.
    with embedded(folder) as server:
        with psycopg.connect(server.administrator_dsn, autocommit=True) as connection:
            # Processes die here, not the machine.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        port = free_port()
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            machine = Machine(folder, server.administrator_dsn, client, port)
            machine.start()
            try:
                until(machine.is_ready)
                yield machine
            finally:
                machine.stop()
