"""What all tests use: the real PostgreSQL of the wheel, a database for each test, and the real application over it.

Each database is a copy of a migrated template, which PostgreSQL creates in milliseconds.
"""

import itertools
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url

from service.command import schema
from service.core.embedded import roles
from service.core.embedded import server as embedded_server
from service.core.settings import Settings
from tests import loop_watch, system_parts
from tests.callers import Registry
from tests.kannel import Kannel, running_kannel
from tests.kept import keep_compiled_statements, kept_app

_LONG_FILES = (
    "tests/openapi/test_schemathesis.py",
    "tests/worlds/test_worlds.py",
    "tests/portal/test_accessibility.py",
    "tests/objection/test_figures.py",
    "tests/dataset/test_erasure_model.py",
    "tests/scenario/test_twin_worlds.py",
    "tests/objection/test_guessed_numbers.py",
    "tests/portal/test_sizes.py",
    "tests/test_million_lines.py",
    "tests/test_problems.py",
)
"""The files that take longest. They are run first, so that no process waits at the end for another's last file."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests of one name: pytest-xdist runs only one of them, and says nothing of the others."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG_FILES))
    counts = Counter(item.nodeid for item in items)
    repeated = sorted(nodeid for nodeid, count in counts.items() if count > 1)
    if repeated:
        raise pytest.UsageError(f"Give each of these tests a name of its own: {', '.join(repeated)}")


def pytest_configure() -> None:
    """Watch the event loops in every process of the tests."""
    loop_watch.install()


@pytest.fixture(autouse=True)
def _loops_are_free() -> Iterator[None]:
    """Fail a test in which a request held up all others."""
    loop_watch.take_findings()
    yield
    found = loop_watch.take_findings()
    assert found == [], "The event loop computed for too long. Leave it to `core.threads`."


MASTER_SECRET = "5e" * 32

_TEMPLATE = "filiation_template"
_numbers = itertools.count(1)

# A test process uses up to 3 GB there, for the write-ahead log above all.
_PLENTY_OF_BYTES = 10 * 2**30

# An example takes as long as the machine lets it. A time limit would fail on a busy one.
hypothesis_settings.register_profile("filiation", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("filiation")

keep_compiled_statements()


def _renamed(dsn: str, database: str) -> str:
    return make_url(dsn).set(database=database).render_as_string(hide_password=False)


def _folder_in_memory() -> str | None:
    """Where files stay in memory, if there is plenty. A database has 600 files, new ones for each test."""
    folder = Path("/dev/shm")
    try:
        return str(folder) if shutil.disk_usage(folder).free >= _PLENTY_OF_BYTES else None
    except OSError:
        return None


def as_service(dsn: str) -> str:
    """The same database for the service's own role. Tests look at it as the administrator."""
    return make_url(dsn).set(username=roles.SERVICE).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a PostgreSQL server for this test run, with the migrated template."""
    folder = Path(tempfile.mkdtemp(prefix="filiation-test-", dir=_folder_in_memory()))
    # If root starts the server, it runs as another account, which has to pass through this folder.
    folder.chmod(0o711)
    with embedded_server.embedded(folder) as server:
        administrator = server.administrator_dsn
        with psycopg.connect(administrator, autocommit=True) as connection:
            # Only durability is switched off, because no test needs data to survive a power cut.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(roles.creation_of(_TEMPLATE))
        with psycopg.connect(_renamed(administrator, _TEMPLATE)) as connection:
            for grant in roles.GRANTS:
                connection.execute(grant)
        schema.upgrade(_renamed(server.owner_dsn, _TEMPLATE))
        yield administrator
    shutil.rmtree(folder)


@pytest.fixture
def empty_dsn(cluster: str) -> Iterator[str]:
    """The address of a database without any table."""
    with temporary_database(cluster, "template0") as dsn:
        yield dsn


@pytest.fixture
def dsn(cluster: str) -> Iterator[str]:
    """The address of a migrated database for this test."""
    with temporary_database(cluster) as dsn:
        yield dsn


@contextmanager
def temporary_database(cluster: str, template: str = _TEMPLATE) -> Iterator[str]:
    """The address of a new database, which is a copy of `template` and exists during the block."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield _renamed(cluster, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def settings() -> Settings:
    """The settings of the application under test."""
    return settings_of_tests()


def settings_of_tests() -> Settings:
    """Settings with a fixed master secret. They allow many codes, because all callers of a test have one address.

    One key also does in a second what many do elsewhere. Nothing that persons are sent waits.
    """
    return Settings(
        master_secret=SecretStr(MASTER_SECRET),
        verifications_per_address=1000,
        codes_per_network=1000,
        lookups_per_second=10_000,
        person_wait_seconds=0,
    )


@pytest.fixture
def client(dsn: str, settings: Settings) -> Iterator[TestClient]:
    """The running application with its worker, without a key."""
    with TestClient(kept_app(settings, as_service(dsn))) as running:
        yield running


@pytest.fixture
def registry(client: TestClient, dsn: str) -> Registry:
    """The running application, and organisations to call it as."""
    return Registry(client, dsn)


@pytest.fixture
def kannel(tmp_path: Path) -> Iterator[Kannel]:
    """A real Kannel with its fake message centre; the test is skipped where Debian's packages are missing."""
    with running_kannel(tmp_path) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with what could not be tested here, if anything."""
    # Whichever process skipped it, its report comes here.
    line = system_parts.closing_line(str(report.longrepr) for report in terminalreporter.stats.get("skipped", ()))
    if line is not None:
        terminalreporter.section("system parts", sep="!", red=True, bold=True)
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture
def unknown_id() -> uuid.UUID:
    """An id that nothing has."""
    return uuid.UUID("01890000-0000-7000-8000-000000000000")
