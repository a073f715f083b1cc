"""The service's own PostgreSQL. The first process that needs it starts it, others share it, and the last one stops it.

A data folder contains the master secret, the cluster and two lock files. Both locks are flock(2), which the kernel
releases when a process dies for any reason. `starting.lock` is held in order to start or stop the server, and
`using.lock` is shared by its users.
"""

import atexit
import fcntl
import os
import secrets
import signal
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

from service.core.embedded import roles
from service.core.embedded.cluster import Cluster, Postmaster, cluster_home, is_alive, open_cluster, start, stop
from service.core.embedded.programs import (
    SYSTEM_FOLDER,
    EmbeddedUnavailable,
    account_for,
    explained,
    make_folder,
    require_reachable,
)
from service.core.embedded.watch import Watch

__all__ = [
    "EmbeddedServer",
    "EmbeddedUnavailable",
    "acquire",
    "default_folder",
    "embedded",
    "master_secret",
    "secret_file",
]

_SECRET_BYTES = 32


class EmbeddedServer:
    """A process's share in a running server, which `release` gives back.

    `dsn` is a libpq URL for the service, `owner_dsn` for migrations and `administrator_dsn` for the server itself.
    """

    def __init__(self, folder: Path, cluster: Cluster, server: Postmaster, using: int) -> None:
        self.dsn, self.owner_dsn = server.dsn(roles.SERVICE), server.dsn(roles.OWNER)
        self.administrator_dsn = server.dsn(roles.ADMINISTRATOR)
        self._folder, self._cluster, self._server = folder, cluster, server
        self._using: int | None = using
        self._watch: Watch | None = None
        atexit.register(self.release)

    def watch(self) -> None:
        """From now on, start the server again whenever it ends, under the same address."""
        self._watch = Watch(self._server, partial(is_alive, self._cluster), self._start_again)

    def _start_again(self) -> Postmaster:
        with explained(self._folder), _starting(self._folder):
            return start(self._cluster, self._server.socket_folder)

    def release(self) -> None:
        """Give the share back, once. The last process stops the server and waits until it has ended."""
        if self._using is None:
            return
        using, self._using = self._using, None
        if self._watch is not None:
            self._watch.end()
        atexit.unregister(self.release)
        try:
            with _starting(self._folder):
                try:
                    fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                stop(self._cluster)
        finally:
            os.close(using)


def acquire(folder: Path) -> EmbeddedServer:
    """Take a share in the server of a data folder. Folder, database and server are created or started if needed.

    Raises:
        EmbeddedUnavailable: this is not possible here. The text says what to do.
    """
    folder = folder.expanduser().absolute()
    with explained(folder):
        _make_data_folder(folder)
        with _starting(folder):
            cluster = open_cluster(folder)
            server = start(cluster)
            using = _open_lock(folder / "using.lock")
            fcntl.flock(using, fcntl.LOCK_SH)
    return EmbeddedServer(folder, cluster, server, using)


@contextmanager
def embedded(folder: Path, *, watched: bool = False) -> Iterator[EmbeddedServer]:
    """A share in the server during the block. It is also given back on Ctrl-C, SIGTERM and a closed terminal.

    A server that is `watched` is started again if it ends.
    """
    with _signals_leave_block():
        server = acquire(folder)
        try:
            if watched:
                server.watch()
            yield server
        finally:
            server.release()


def default_folder() -> Path:
    """The default data folder: under /var/lib for root, otherwise where XDG puts a user's data."""
    if os.geteuid() == 0:
        return SYSTEM_FOLDER
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "filiation"


def secret_file(folder: Path) -> Path:
    """The file of the master secret in a data folder: outside the database, and not readable by its server."""
    return folder / "master-secret"


def master_secret(folder: Path) -> str:
    """The master secret of a data folder: 32 bytes in hexadecimal, created at first use and needed for ever.

    It is older than the database beside it. So none is created where there is a database: that one's secret was lost.

    Raises:
        EmbeddedUnavailable: it is missing or damaged, or cannot be created.
    """
    path = secret_file(folder)
    with explained(folder):
        _make_data_folder(folder)
        with _starting(folder):
            if not path.exists():
                _refuse_beside_data(folder)
                _write_durably(path, secrets.token_hex(_SECRET_BYTES) + "\n")
        secret = path.read_text(errors="replace").strip()
    if len(secret) != 2 * _SECRET_BYTES or not set(secret) <= set(string.hexdigits):
        raise EmbeddedUnavailable(
            f"The master secret in {path} is damaged. Restore it from its backup: "
            "without it no stored number can be found or read."
        )
    return secret


def _refuse_beside_data(folder: Path) -> None:
    if os.path.lexists(cluster_home(folder)):
        raise EmbeddedUnavailable(
            f"The master secret {secret_file(folder)} of the database in {folder} is missing. Put its backup back, or "
            "set FILIATION_MASTER_SECRET: without it no stored number can be found or read. Nothing was written."
        )


def _make_data_folder(folder: Path) -> None:
    # For root, the server's account must be able to pass through to the cluster. Every other file is closed to it.
    require_reachable(folder, account_for(cluster_home(folder) / "data"))
    make_folder(folder, 0o711 if os.geteuid() == 0 else 0o700)


def _write_durably(path: Path, text: str) -> None:
    """Create a private file. After a power cut it is complete or missing."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """Holds the lock without which no process starts or stops the server of a data folder."""
    descriptor = _open_lock(folder / "starting.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _signals_leave_block() -> Iterator[None]:
    """Lets signals that would end the process leave the block first, unless the process handles them itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    unhandled = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in unhandled:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in unhandled:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)
