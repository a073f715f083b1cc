"""The product as it is run: its own PostgreSQL with its own settings, `filiation serve` as a process, a socket."""

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
"""The checkout: where `python -m` finds the service and the benchmarks."""

_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: where it listens, the database under it, its process and its data folder."""

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
    """A folder for data and files, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="filiation-bench-"))
    # Started as root, the database runs as another account, which has to pass through.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def serving(*module: str) -> Iterator[Service]:
    """The service on a new database, with its worker: `filiation serve`, unless another module to run is given."""
    with temporary_folder() as folder, embedded_server.embedded(folder / "data") as server:
        port = _free_port()
        command = [sys.executable, "-m", *(module or ("service", "serve")), "--port", str(port)]
        with (
            (folder / "service.log").open("wb") as log,
            subprocess.Popen(command, cwd=ROOT, env=_environment(folder / "data"), stdout=log, stderr=log) as process,
        ):
            service = Service(port, server.dsn, process.pid, folder)
            try:
                _wait_for(service, process)
                yield service
            finally:
                process.terminate()


def _environment(data: Path) -> dict[str, str]:
    """Ours, without what the service is configured by otherwise."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FILIATION_")}
    kept.pop("DATABASE_URL", None)
    return kept | {"FILIATION_DATA_DIR": str(data)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(service: Service, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx2.get(f"{service.url}/v1/health").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    log = (service.folder / "service.log").read_text(errors="replace")
    raise RuntimeError(f"The service did not start:\n{log[-2000:]}")
