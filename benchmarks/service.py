"""The product as users run it: `filiation serve` as a process, on its own PostgreSQL with its own settings."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from service.core.embedded import server as embedded_server

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[1]
"""The checkout, where `python -m` finds the service and the benchmarks."""

_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: its port, its database, its process and its data folder."""

    port: int
    dsn: str
    process: int
    folder: Path

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://{HOST}:{self.port}"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for data and files, removed at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="filiation-bench-"))
    # The database of a service started by root runs under another account, which must be able to enter.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running_service(*module: str) -> Iterator[Service]:
    """The service with its worker on a new database: `filiation serve`, or another module if its name is given."""
    with temporary_folder() as folder, _own_server(folder / "data") as server:
        port = _free_port()
        command = [sys.executable, "-m", *(module or ("service", "serve")), "--port", str(port)]
        with (
            (folder / "service.log").open("wb") as log,
            subprocess.Popen(command, cwd=ROOT, env=_environment(folder / "data"), stdout=log, stderr=log) as process,
        ):
            service = Service(port, server.administrator_dsn, process.pid, folder)
            try:
                _wait_until_healthy(service, process)
                yield service
            finally:
                process.terminate()


@contextmanager
def _own_server(data: Path) -> Iterator[embedded_server.EmbeddedServer]:
    # As `serve` does, which refuses a database without its secret.
    embedded_server.master_secret(data)
    with embedded_server.embedded(data) as server:
        yield server


# What one organisation of a benchmark does is the work of many. It is counted all the same.
_LIMITS = (
    "FILIATION_BYTES_PER_DAY",
    "FILIATION_LINES_PER_DAY",
    "FILIATION_STAGED_NUMBERS",
    "FILIATION_DATASETS_PER_DAY",
    "FILIATION_OPEN_DATASETS",
    "FILIATION_LOOKUPS_PER_DAY",
    "FILIATION_LOOKUPS_PER_SECOND",
    "FILIATION_REPORTS_PER_DAY",
    "FILIATION_OBJECTIONS_PER_DAY",
)


def _environment(data: Path) -> dict[str, str]:
    """This process's environment without any other configuration of the service."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FILIATION_")}
    environment.pop("DATABASE_URL", None)
    # A person's answer waits for a multiple of 0.3 s, which would hide what it costs.
    own = {"FILIATION_DATA_DIR": str(data), "FILIATION_PERSON_WAIT_SECONDS": "0"}
    return environment | own | dict.fromkeys(_LIMITS, str(10**12))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
    return port


def _wait_until_healthy(service: Service, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx2.get(f"{service.url}/v1/health").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    log = (service.folder / "service.log").read_text(errors="replace")
    raise RuntimeError(f"The service did not start:\n{log[-2000:]}")
