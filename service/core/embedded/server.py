"""The service's own PostgreSQL: started by whoever needs it first, shared, stopped by whoever leaves last.

A data folder holds the master secret, the cluster and two lock files. Both locks are flock(2), which the
kernel lets go when a process dies, however it dies: `starting.lock` is held to start or to stop the server,
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
from pathlib import Path
from typing import NoReturn

from service.core.embedded.cluster import Cluster, open_cluster, start, stop
from service.core.embedded.programs import SYSTEM_FOLDER, EmbeddedUnavailable, explained, make_folder

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
    """One user's share in a running server. `dsn` is a libpq URL; `release` gives the share back."""

    def __init__(self, folder: Path, cluster: Cluster, dsn: str, using: int) -> None:
        self.dsn = dsn
        self._folder, self._cluster = folder, cluster
        self._using: int | None = using
        atexit.register(self.release)

    def release(self) -> None:
        """Give the share back, once; the last of all users stops the server and waits for its end."""
        if self._using is None:
            return
        using, self._using = self._using, None
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
    """Start the server of data folder `folder`, or join it; folder and database are made at first use.

    Raises `EmbeddedUnavailable`, with what to do about it.
    """
    folder = folder.expanduser().absolute()
    with explained(folder):
        _make_data_folder(folder)
        with _starting(folder):
            cluster = open_cluster(folder)
            server = start(cluster)
            using = _open_lock(folder / "using.lock")
            fcntl.flock(using, fcntl.LOCK_SH)
    return EmbeddedServer(folder, cluster, server.dsn, using)


@contextmanager
def embedded(folder: Path) -> Iterator[EmbeddedServer]:
    """A share in the server during the block, given back also on Ctrl-C, SIGTERM and a closed terminal."""
    with _signals_leave():
        server = acquire(folder)
        try:
            yield server
        finally:
            server.release()


def default_folder() -> Path:
    """Where data goes when nobody says: under /var/lib as root, else where XDG puts a user's data."""
    if os.geteuid() == 0:
        return SYSTEM_FOLDER
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "filiation"


def secret_file(folder: Path) -> Path:
    """Where `folder` keeps its master secret: outside the database, and not readable by its server."""
    return folder / "master-secret"


def master_secret(folder: Path) -> str:
    """The master secret of `folder`, 32 bytes in hexadecimal, made at first use and needed for ever.

    Raises `EmbeddedUnavailable` if it cannot be made or is damaged.
    """
    path = secret_file(folder)
    with explained(folder):
        _make_data_folder(folder)
        with _starting(folder):
            if not path.exists():
                _write_durably(path, secrets.token_hex(_SECRET_BYTES) + "\n")
        secret = path.read_text(errors="replace").strip()
    if len(secret) != 2 * _SECRET_BYTES or not set(secret) <= set(string.hexdigits):
        raise EmbeddedUnavailable(
            f"The master secret in {path} is damaged: put its backup back, "
            "for without it no stored number can be found or read."
        )
    return secret


def _make_data_folder(folder: Path) -> None:
    # As root, the server's account has to pass through to the cluster; the rest is closed to it file by file.
    make_folder(folder, 0o711 if os.geteuid() == 0 else 0o700)


def _write_durably(path: Path, text: str) -> None:
    """Make the private file `path`: after a power cut it is there whole or not at all."""
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
    """While nobody else starts or stops the server of `folder`."""
    descriptor = _open_lock(folder / "starting.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _signals_leave() -> Iterator[None]:
    """Let signals that would end the process at once leave the block first, unless somebody handles them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [name for name in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(name) is signal.SIG_DFL]
    for name in taken:
        signal.signal(name, _leave)
    try:
        yield
    finally:
        for name in taken:
            signal.signal(name, signal.SIG_DFL)


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)
