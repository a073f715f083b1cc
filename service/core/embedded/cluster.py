"""One PostgreSQL cluster on disk: made, started, found running, stopped. Sharing it is up to `embedded`."""

import os
import shlex
import shutil
import signal
import socket
import tempfile
import time
import uuid
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from service.core.embedded import programs as postgres
from service.core.embedded.programs import EmbeddedUnavailable, Programs

_DATABASE = "filiation"
_PORT = 5432
_SOCKET_PATH_BYTES = 103  # what macOS takes; Linux takes four more
_STOP_SECONDS = 300
_POLL_SECONDS = 0.02

_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    # Loads write far more than ordinary traffic: few checkpoints, and no log for replicas that cannot exist.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Neither statements nor the rows that they trip over may reach the log: either can hold a number.
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
        """What the server has to say."""
        return self.home / "server.log"


class Postmaster(NamedTuple):
    """A live server, as its `postmaster.pid` describes it."""

    pid: int
    socket_folder: Path
    ready: bool

    @property
    def dsn(self) -> str:
        """A libpq URL of the service's database."""
        host = quote(str(self.socket_folder), safe="")
        return f"postgresql://{_DATABASE}@/{_DATABASE}?host={host}&port={_PORT}"


def open_cluster(folder: Path) -> Cluster:
    """The cluster of data folder `folder`, made if it is not there; the caller lets in one at a time.

    Its home is `folder/cluster`. Where the server's account may not go there (root's own home, say), that is
    a link to a home under `/var/lib/filiation`, so that nobody's permissions need loosening.
    """
    link = folder / "cluster"
    programs = postgres.programs_for(link / "data")
    if not os.path.lexists(link):
        _settle(link, programs)
    if not link.exists():
        raise EmbeddedUnavailable(
            f"The database of {folder} is gone: {link} leads to {link.readlink()}, and nothing is there."
        )
    cluster = Cluster(link.resolve(), programs)
    if not cluster.data.exists():
        _initialise(cluster)
    found = (cluster.data / "PG_VERSION").read_text().strip()
    if found != postgres.MAJOR:
        raise EmbeddedUnavailable(
            f"{cluster.data} was made by PostgreSQL {found}, and this is PostgreSQL {postgres.MAJOR}: "
            "carry the data over with pg_dump of the old version, or choose another data folder."
        )
    return cluster


def running(cluster: Cluster) -> Postmaster | None:
    """The server that runs on `cluster`, if one does."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 5:
        return None
    pid, socket_folder = int(lines[0]), Path(lines[4])
    # After a crash the process of that number may be a stranger; and a live server may be out of sight, in
    # another container. Only when neither its socket answers nor the process is ours is the file a leftover.
    if not (_answers(socket_folder) or _is_postmaster(pid, cluster.data)):
        return None
    return Postmaster(pid, socket_folder, lines[-1].strip() == "ready")


def start(cluster: Cluster) -> Postmaster:
    """Start the server of `cluster`, or join the one that runs; wait until it takes connections."""
    while (server := running(cluster)) is not None and not server.ready:
        # Whoever started or stopped it was killed half-way. Recovery takes as long as it takes.
        time.sleep(_POLL_SECONDS)
    if server is not None:
        return server
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    settings = _SETTINGS | {"unix_socket_directories": _as_list(_socket_folder(cluster))}
    options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
    said_before = len(_log(cluster))
    waiting = ("--wait", "--timeout=86400", "--silent")
    where = ("-D", cluster.data.name, "-l", cluster.log.name)
    outcome = postgres.run(cluster.programs, cluster.home, "pg_ctl", "start", *waiting, *where, "-o", options)
    server = running(cluster)
    if outcome.returncode or server is None:
        raise postgres.failure("start", _log(cluster)[said_before:] + outcome.stdout)
    return server


def stop(cluster: Cluster) -> None:
    """Stop the server, if one runs: work not committed is rolled back, all that is committed is on disk."""
    server = running(cluster)
    if server is None:
        return
    os.kill(server.pid, signal.SIGINT)  # PostgreSQL calls this its fast shutdown.
    deadline = time.monotonic() + _STOP_SECONDS
    while running(cluster) is not None:
        if time.monotonic() > deadline:
            raise EmbeddedUnavailable(f"PostgreSQL (process {server.pid}) does not stop: see {cluster.log}.")
        time.sleep(_POLL_SECONDS)
    if server.socket_folder.parent != cluster.home:
        shutil.rmtree(server.socket_folder, ignore_errors=True)


def _settle(link: Path, programs: Programs) -> None:
    """Choose where the new cluster lives, and make its empty home."""
    if programs.account is None or postgres.may_reach(link.parent, programs.account):
        link.mkdir(mode=0o700)
        return
    # A new name each time: a data folder that was deleted and made again must not find its former database.
    home = postgres.SYSTEM_FOLDER / "clusters" / uuid.uuid4().hex
    postgres.make_folder(postgres.SYSTEM_FOLDER, 0o711)
    postgres.make_folder(home.parent, 0o711)
    home.mkdir(mode=0o700)
    link.symlink_to(home)


def _initialise(cluster: Cluster) -> None:
    """Make the cluster and its database beside their place, so that they appear whole or not at all."""
    _hand_over(cluster.home, cluster)
    draft = cluster.home / "data.new"
    if draft.exists():
        shutil.rmtree(draft)
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = (f"--username={_DATABASE}", "--auth=trust", "--no-instructions")
    outcome = postgres.run(cluster.programs, cluster.home, "initdb", "-D", draft.name, *locale, *access)
    if outcome.returncode:
        raise postgres.failure("make its data folder", outcome.stdout)
    single = ("postgres", "--single", "-D", draft.name, "postgres")
    outcome = postgres.run(cluster.programs, cluster.home, *single, script=f"CREATE DATABASE {_DATABASE}\n")
    if outcome.returncode or "ERROR:" in outcome.stdout:
        raise postgres.failure("make its database", outcome.stdout)
    draft.rename(cluster.data)


def _hand_over(folder: Path, cluster: Cluster) -> None:
    """Make `folder`, which we just made, the server's."""
    if cluster.programs.account is not None:
        os.chown(folder, *cluster.programs.account)


def _socket_folder(cluster: Cluster) -> Path:
    """A new private folder for the server's socket, with a path that sockets and libpq can take."""
    folder = cluster.home / "socket"
    # A crash leaves a lock in there that, like `postmaster.pid`, may name a stranger.
    shutil.rmtree(folder, ignore_errors=True)
    # To libpq a comma parts two hosts.
    if len(os.fsencode(_socket(folder))) <= _SOCKET_PATH_BYTES and "," not in str(folder):
        folder.mkdir(mode=0o700)
    else:
        folder = Path(tempfile.mkdtemp(prefix="filiation-", dir="/tmp"))
    _hand_over(folder, cluster)
    return folder


def _socket(folder: Path) -> Path:
    return folder / f".s.PGSQL.{_PORT}"


def _as_list(folder: Path) -> str:
    """`folder` as the only item of a PostgreSQL list, where a comma or a space would otherwise end it."""
    return '"' + str(folder).replace('"', '""') + '"'


def _log(cluster: Cluster) -> str:
    return cluster.log.read_text(errors="replace") if cluster.log.exists() else ""


def _answers(socket_folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.fspath(_socket(socket_folder)))
        except OSError:
            return False
    return True


def _is_postmaster(pid: int, data: Path) -> bool:
    """Whether process `pid` is the server of `data`: it works in there. Without /proc, any will do."""
    try:
        if Path("/proc/self/cwd").exists():
            return Path(f"/proc/{pid}/cwd").readlink() == data
        os.kill(pid, 0)
    except OSError:
        return False
    return True
