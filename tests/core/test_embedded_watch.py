"""The embedded PostgreSQL while the service uses it: it is started again if it is killed, or once its disk has room."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from service.core.embedded.server import embedded
from tests.inspection import until


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that PostgreSQL's account may pass through."""
    path = Path(tempfile.mkdtemp(prefix="filiation-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def committed(dsn: str) -> list[tuple[int]]:
    """What was committed, or nothing as long as the server does not answer."""
    try:
        with psycopg.connect(dsn) as connection:
            return connection.execute("SELECT answer FROM committed").fetchall()
    except psycopg.OperationalError:
        return []


def commit(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE committed (answer int)")
        connection.execute("INSERT INTO committed VALUES (42)")


@pytest.mark.parametrize("name", ["short", "d" * 120])
def test_watched_server_that_is_killed_runs_again_under_its_address(place: Path, name: str) -> None:
    """A long path has its socket elsewhere, in a folder whose name is made up."""
    folder = place / name
    with embedded(folder, watched=True) as server:
        commit(server.owner_dsn)
        postmaster = int((folder / "cluster" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        assert until(lambda: _is_another(folder, postmaster) and committed(server.owner_dsn)) == [(42,)]
    assert committed(server.owner_dsn) == []


def _is_another(folder: Path, postmaster: int) -> bool:
    try:
        return int((folder / "cluster" / "data" / "postmaster.pid").read_text().split()[0]) != postmaster
    except (OSError, IndexError):
        return False


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=150m,mode=711", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield
    finally:
        # The server's process is still ending.
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_watched_server_that_a_full_disk_ends_runs_again_when_space_is_free(place: Path) -> None:
    with small_disk(place / "disk"), embedded(place / "disk" / "data", watched=True) as server:
        commit(server.owner_dsn)
        filler = place / "disk" / "filler"
        free = os.statvfs(place / "disk")
        with filler.open("wb") as file:
            file.truncate()
            os.posix_fallocate(file.fileno(), 0, (free.f_bavail - 256) * free.f_frsize)
        with pytest.raises(psycopg.OperationalError), psycopg.connect(server.owner_dsn) as connection:
            connection.execute("CREATE TABLE large AS SELECT repeat('x', 1000) FROM generate_series(1, 200000)")
        filler.unlink()
        assert until(lambda: committed(server.owner_dsn)) == [(42,)]
        with psycopg.connect(server.owner_dsn) as connection:
            connection.execute("INSERT INTO committed VALUES (43)")
