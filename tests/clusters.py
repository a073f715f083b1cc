"""PostgreSQL clusters that a test makes for itself, beside the one that all tests share."""

import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from service.core.embedded import programs
from tests.free_ports import free_port
from tests.inspection import until

ADMINISTRATOR = "postgres"


@dataclass(frozen=True)
class Cluster:
    """A running server that listens on 127.0.0.1, and the folder of PostgreSQL's programs."""

    port: int
    password: str
    programs: Path
    home: Path
    start: Callable[[], None]
    crash: Callable[[], None]
    """Ends the server without a warning."""

    def kill(self) -> None:
        """Kill the server with all of its processes, as the end of its container does."""
        lock = self.home / "data" / "postmaster.pid"
        postmaster = lock.read_text().split()[0]
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process_id in (postmaster, *children):
            with suppress(ProcessLookupError):
                os.kill(int(process_id), signal.SIGKILL)
        until(lambda: not any(map(_is_running, (postmaster, *children))))
        # In a new container no other process has the id in this file. Here the dead may wait for their parent.
        lock.unlink()

    def log(self) -> str:
        """What the server has written to its log."""
        return (self.home / "log").read_text(errors="replace")

    @property
    def environment(self) -> dict[str, str]:
        """How libpq reaches it as its administrator."""
        return {
            "PATH": f"{self.programs}:{os.defpath}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": ADMINISTRATOR,
            "PGPASSWORD": self.password,
        }


def _is_running(process_id: str) -> bool:
    """Whether a process exists that is not only waiting for its parent to look at its end."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextmanager
def own_cluster(
    password: str, *, initdb: Sequence[str], settings: Mapping[str, str] | None = None, standby: bool = False
) -> Iterator[Cluster]:
    """A new cluster, made with arguments of initdb, that asks everybody for a password. It ends with the block."""
    with passable_folder() as folder, _cluster_in(folder, password, initdb, settings or {}, standby=standby) as cluster:
        yield cluster


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account may pass through, unlike pytest's own where the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="filiation-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _cluster_in(
    folder: Path, password: str, initdb: Sequence[str], settings: Mapping[str, str], *, standby: bool
) -> Iterator[Cluster]:
    installed = programs.programs_for(folder / "home" / "data")
    home = folder / "home"
    home.mkdir()
    (home / "password").write_text(password)
    if installed.account is not None:
        for path in (home, home / "password"):
            os.chown(path, *installed.account)
    access = (f"--username={ADMINISTRATOR}", "--pwfile=password", "--auth=scram-sha-256", "--no-sync")
    made = programs.run(installed, home, "initdb", "-D", "data", *initdb, *access)
    assert made.returncode == 0, made.stdout
    if standby:
        (home / "data" / "standby.signal").touch()
    port = free_port()
    usual = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off"}
    options = shlex.join(f"-c{name}={value}" for name, value in (usual | dict(settings)).items())
    control = ("pg_ctl", "-D", "data", "-l", "log", "-o", options)

    def start() -> None:
        started = programs.run(installed, home, *control, "start", "--wait")
        assert started.returncode == 0, (home / "log").read_text()

    def crash() -> None:
        programs.run(installed, home, "pg_ctl", "-D", "data", "stop", "--mode=immediate")

    try:
        start()
        yield Cluster(port, password, installed.folder, home, start, crash)
    finally:
        crash()
