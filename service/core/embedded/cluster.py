"""One PostgreSQL cluster on disk: create, start, find and stop it. `server` shares it between processes."""

import os
import shlex
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from service.core.embedded import programs as postgres
from service.core.embedded import roles
from service.core.embedded.programs import EmbeddedUnavailable, Programs

_DATABASE = "filiation"
_PORT = 5432
_SOCKET_PATH_BYTES = 103  # the limit of macOS; Linux allows four more
_STOP_SECONDS = 300
_POLL_SECONDS = 0.02

_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    # Loading writes far more than ordinary traffic, so checkpoints are rare. There are no replicas to keep a log for.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Neither a statement nor a value that it failed on may reach the log: both can contain a number.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class Cluster(NamedTuple):
    """A cluster's home, and the programs that work on it."""

    home: Path
    programs: Programs

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "server.log"


class Postmaster(NamedTuple):
    """A live server, as its `postmaster.pid` describes it."""

    pid: int
    socket_folder: Path
    ready: bool

    def dsn(self, role: str) -> str:
        """A libpq URL of the service's database for a role."""
        host = quote(str(self.socket_folder), safe="")
        return f"postgresql://{role}@/{_DATABASE}?host={host}&port={_PORT}"


def open_cluster(folder: Path) -> Cluster:
    """The cluster of a data folder, created if it is missing. Callers must not do this at the same time.

    All of it is in `folder/cluster`, so that a copy of the data folder is whole.
    """
    home = cluster_home(folder)
    programs = postgres.programs_for(home / "data")
    postgres.require_reachable(folder, programs.account)
    if not os.path.lexists(home):
        home.mkdir(mode=0o700)
    if not home.exists():
        raise EmbeddedUnavailable(
            f"The database of {folder} is missing: {home} points to {home.readlink()}, which does not exist. "
            "Restore it from a backup, or choose another data folder."
        )
    cluster = Cluster(home.resolve(), programs)
    if not cluster.data.exists():
        _initialise(cluster)
    found = (cluster.data / "PG_VERSION").read_text().strip()
    if found != postgres.MAJOR:
        raise EmbeddedUnavailable(
            f"PostgreSQL {found} created {cluster.data}, and this is PostgreSQL {postgres.MAJOR}. "
            "Transfer the data with pg_dump of the old version, or choose another data folder."
        )
    return cluster


def cluster_home(folder: Path) -> Path:
    """The place of the cluster in a data folder."""
    return folder / "cluster"


def running(cluster: Cluster) -> Postmaster | None:
    """The server that is running on `cluster`, if there is one."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 5:
        return None
    pid, socket_folder = int(lines[0]), Path(lines[4])
    # After a crash, another process may have that id, and a live server may be invisible in another container. The file
    # is a leftover only if its socket does not respond and the process is not ours.
    if not (_responds(socket_folder) or _is_postmaster(pid, cluster.data)):
        return None
    return Postmaster(pid, socket_folder, lines[-1].strip() == "ready")


def is_alive(cluster: Cluster, server: Postmaster) -> bool:
    """Whether `server` still runs. Unlike `running`, this makes no connection, and may be asked often."""
    return _is_postmaster(server.pid, cluster.data)


def start(cluster: Cluster, socket_folder: Path | None = None) -> Postmaster:
    """Start the server of `cluster`, or find the running one, and wait until it accepts connections.

    `socket_folder` is that of the address under which it is known, if it ran before.
    """
    while (server := running(cluster)) is not None and not server.ready:
        # The process that started or stopped it was killed in between. Recovery has no time limit.
        time.sleep(_POLL_SECONDS)
    if server is not None:
        return server
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    settings = _SETTINGS | {"unix_socket_directories": _as_list(_socket_folder(cluster, socket_folder))}
    options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
    logged_before = len(_log(cluster))
    waiting = ("--wait", "--timeout=86400", "--silent")
    paths = ("-D", cluster.data.name, "-l", cluster.log.name)
    result = postgres.run(cluster.programs, cluster.home, "pg_ctl", "start", *waiting, *paths, "-o", options)
    server = running(cluster)
    if result.returncode or server is None:
        raise postgres.failure("start", _log(cluster)[logged_before:] + result.stdout)
    return server


def stop(cluster: Cluster) -> None:
    """Stop the server, if it is running. Uncommitted work is rolled back, and everything committed is on disk."""
    server = running(cluster)
    if server is None:
        return
    os.kill(server.pid, signal.SIGINT)  # PostgreSQL calls this its fast shutdown.
    deadline = time.monotonic() + _STOP_SECONDS
    while running(cluster) is not None:
        if time.monotonic() > deadline:
            raise EmbeddedUnavailable(f"PostgreSQL (process {server.pid}) does not stop. See {cluster.log}.")
        time.sleep(_POLL_SECONDS)
    if server.socket_folder.parent != cluster.home:
        shutil.rmtree(server.socket_folder, ignore_errors=True)


def _initialise(cluster: Cluster) -> None:
    """Create the cluster and its database under another name, so that they appear complete or not at all."""
    _give_to_server(cluster.home, cluster)
    draft = cluster.home / "data.new"
    if draft.exists():
        shutil.rmtree(draft)
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = (f"--username={roles.ADMINISTRATOR}", "--auth=trust", "--no-instructions")
    result = postgres.run(cluster.programs, cluster.home, "initdb", "-D", draft.name, *locale, *access)
    if result.returncode:
        raise postgres.failure("create its data folder", result.stdout)
    # In single-user mode each line is a statement.
    for database, statements in (
        ("postgres", (*roles.CREATION, roles.creation_of(_DATABASE))),
        (_DATABASE, roles.GRANTS),
    ):
        single = ("postgres", "--single", "-D", draft.name, database)
        script = "".join(f"{statement}\n" for statement in statements)
        result = postgres.run(cluster.programs, cluster.home, *single, script=script)
        if result.returncode or "ERROR:" in result.stdout:
            raise postgres.failure("create its database", result.stdout)
    draft.rename(cluster.data)


def _give_to_server(folder: Path, cluster: Cluster) -> None:
    """Make the server's account the owner of a new folder."""
    if cluster.programs.account is not None:
        os.chown(folder, *cluster.programs.account)


def _socket_folder(cluster: Cluster, known: Path | None) -> Path:
    """A private folder for the server's socket, with a path that sockets and libpq accept: the known one, or new."""
    folder = known or cluster.home / "socket"
    # A crash leaves a lock file there which, like `postmaster.pid`, may name another process.
    shutil.rmtree(folder, ignore_errors=True)
    # In libpq a comma separates two hosts.
    if known is not None or (len(os.fsencode(_socket(folder))) <= _SOCKET_PATH_BYTES and "," not in str(folder)):
        folder.mkdir(mode=0o700)
    else:
        folder = Path(tempfile.mkdtemp(prefix="filiation-", dir="/tmp"))
    _give_to_server(folder, cluster)
    return folder


def _socket(folder: Path) -> Path:
    return folder / f".s.PGSQL.{_PORT}"


def _as_list(folder: Path) -> str:
    """`folder` as the only item of a PostgreSQL list. Without quotes, a comma or a space would end it."""
    return '"' + str(folder).replace('"', '""') + '"'


def _log(cluster: Cluster) -> str:
    return cluster.log.read_text(errors="replace") if cluster.log.exists() else ""


def _responds(socket_folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.fspath(_socket(socket_folder)))
        except OSError:
            return False
    return True


def _is_postmaster(pid: int, data: Path) -> bool:
    """Whether the server of `data` is process `pid`: `data` is its working directory. Without /proc, any process is."""
    try:
        if Path("/proc/self/cwd").exists():
            return Path(f"/proc/{pid}/cwd").readlink() == data
        os.kill(pid, 0)
    except OSError:
        return False
    return True
