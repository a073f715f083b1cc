"""What all tests use: the real PostgreSQL of the wheel, a database for each test, and the real application over it.

Each database is a copy of a migrated template, which PostgreSQL creates in milliseconds.
"""

import gc
import itertools
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, TypeVar

import httpx2
import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from pydantic import SecretStr

from service.command import schema
from service.core.embedded import roles
from service.core.settings import Settings
from service.demo.loader import LoadedStory, load_story
from service.demo.story import OPERATOR
from tests import loop_watch
from tests.callers import Caller, Registry
from tests.direct_client import DirectClient
from tests.inspection import close_connections, rows, until
from tests.kannel import Kannel, running_kannel
from tests.kept import keep_compiled_statements, kept_app
from tests.server import NAMED, administrator_of_server, as_role, major_version, renamed
from tests.system_parts import pytest_terminal_summary

_LONG_FILES = (
    "tests/portal/test_accessibility.py",
    "tests/portal/test_browser.py",
    "tests/worlds/test_worlds.py",
    "tests/worlds/test_twins.py",
    "tests/worlds/test_histories.py",
    "tests/openapi/test_schemathesis.py",
    "tests/deployment/test_stops_beside_kills.py",
    "tests/job/test_workers.py",
    "tests/dataset/test_upload_columns.py",
    "tests/test_shares.py",
    "tests/test_million_lines.py",
)
"""The files that take longest. They are run first, so that no process waits at the end for another's last file."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests of one name: pytest-xdist runs only one of them, and says nothing of the others."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG_FILES))
    counts = Counter(item.nodeid for item in items)
    repeated = sorted(nodeid for nodeid, count in counts.items() if count > 1)
    if repeated:
        raise pytest.UsageError(f"Give each of these tests a name of its own: {', '.join(repeated)}")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the process, as `serve` does: modules, tests, Hypothesis."""
    gc.collect()
    gc.freeze()
    # A test leaves little that only the collector can free. To look for it as often as by default takes a tenth of the
    # time of all tests.
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def pytest_configure() -> None:
    """Watch the event loops in every process of the tests. Nothing is garbage until all tests are collected."""
    loop_watch.install()
    gc.disable()


@pytest.fixture(autouse=True)
def _loops_are_free() -> Iterator[None]:
    """Fail a test in which a request held up all others."""
    loop_watch.take_findings()
    yield
    found = loop_watch.take_findings()
    assert found == [], "The event loop computed for too long. Leave it to `core.threads`."


__all__ = ["pytest_terminal_summary"]

MASTER_SECRET = "5e" * 32
Made = TypeVar("Made")

# Several processes share a named server. It may wait for its disk, which copied files would have to reach at once.
_TEMPLATE = f"filiation_template_{os.getpid()}"
_STRATEGY = sql.SQL("WAL_LOG" if NAMED else "FILE_COPY")
_numbers = itertools.count(1)

# An example takes as long as the machine lets it. A time limit would fail on a busy one.
hypothesis_settings.register_profile("filiation", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("filiation")

keep_compiled_statements()


def as_service(dsn: str) -> str:
    """The same database for the service's own role. Tests look at it as the administrator."""
    return as_role(dsn, roles.SERVICE)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a PostgreSQL server for this test run, with the migrated template."""
    with administrator_of_server() as administrator:
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute(roles.creation_of(_TEMPLATE).encode())
            grants = roles.grants_on(major_version(connection))
        template = renamed(administrator, _TEMPLATE)
        with psycopg.connect(template) as connection:
            for grant in grants:
                connection.execute(grant.encode())
        schema.upgrade(as_role(template, roles.OWNER))
        yield administrator
        close_connections()
        while _administrators:
            _administrators.popitem()[1].close()
        if NAMED:
            with psycopg.connect(administrator, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_TEMPLATE)))


class StoredStory(NamedTuple):
    """The name of a database with the whole story of the demonstration, what loading it created, and its operator.

    `responses` are those to the requests of loading it.
    """

    database: str
    story: LoadedStory
    operator_id: uuid.UUID
    responses: Sequence[httpx2.Response]

    def operator(self, client: TestClient | httpx2.Client) -> Caller:
        """The API as the operator calls it."""
        return Caller(client, self.operator_id, self.story.keys[OPERATOR.code])


@contextmanager
def made_once(cluster: str, make: Callable[[Registry], Made]) -> Iterator[tuple[str, Made]]:
    """The name of a database, and what `make` made in it through the application, which has ended.

    Tests take copies of the database, since most of them need longer to make what they have in common.
    """
    with temporary_database(cluster) as dsn:
        with DirectClient(kept_app(settings_of_tests(), as_service(dsn))) as client:
            made = make(Registry(client, dsn))
            until(lambda: not rows(dsn, "SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"))
        yield str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]), made


@pytest.fixture(scope="session")
def stored_story(cluster: str) -> Iterator[StoredStory]:
    """The story, of which tests take copies."""

    def load(registry: Registry) -> tuple[LoadedStory, uuid.UUID, Sequence[httpx2.Response]]:
        operator, responses = registry.operator(), list[httpx2.Response]()
        registry.client.event_hooks["response"].append(responses.append)
        return load_story(registry.client, operator.key), operator.id, responses

    with made_once(cluster, load) as (database, made):
        yield StoredStory(database, *made)


@pytest.fixture
def story_dsn(cluster: str, stored_story: StoredStory) -> Iterator[str]:
    """The address of a copy of the story for this test."""
    with temporary_database(cluster, stored_story.database) as dsn:
        yield dsn


def pytest_report_header() -> str:
    """Say which server is tested."""
    if not NAMED:
        return "PostgreSQL: embedded"
    with psycopg.connect(NAMED) as connection:
        return f"PostgreSQL: {connection.execute('SELECT version()').fetchone()} at TEST_DATABASE_URL"


@pytest.fixture
def empty_dsn(cluster: str) -> Iterator[str]:
    """The address of a database without any table."""
    with temporary_database(cluster, "template0") as dsn:
        yield dsn


@pytest.fixture
def dsn(cluster: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated database for this test, or for all tests of a module with one registry."""
    if has_one_registry(request):
        yield request.getfixturevalue("registry_of_module").dsn
        return
    with temporary_database(cluster) as dsn:
        yield dsn


def has_one_registry(request: pytest.FixtureRequest) -> bool:
    """Whether all tests of a module use one database and one running application.

    To start both takes longer than most tests do. A module says so by `pytestmark = pytest.mark.one_registry`. Each of
    its tests makes organisations of its own, and looks at nothing but what these see: at no whole table, at no list
    that the operator or the public reads, at no setting and no clock that it changed. Where two tests of one module
    object to numbers, these differ. A test that needs more has the mark `own_registry`.
    """
    node = request.node
    return node.get_closest_marker("one_registry") is not None and node.get_closest_marker("own_registry") is None


class RegistryOfModule:
    """The database of a module, and the application over it, which runs from its first use on."""

    def __init__(self, dsn: str, stack: ExitStack) -> None:
        self.dsn, self._stack = dsn, stack
        self._running: tuple[Settings, TestClient] | None = None

    def client(self, settings: Settings) -> TestClient:
        """The running application, as a test finds it: without cookies."""
        if self._running is None:
            running = self._stack.enter_context(DirectClient(kept_app(settings, as_service(self.dsn))))
            self._running = settings, running
        made_with, client = self._running
        assert made_with == settings, "Tests with different settings need registries of their own."
        client.cookies.clear()
        return client


@pytest.fixture(scope="module")
def registry_of_module(cluster: str) -> Iterator[RegistryOfModule]:
    """What the tests of a module with one registry share."""
    with temporary_database(cluster) as dsn, ExitStack() as stack:
        yield RegistryOfModule(dsn, stack)


@contextmanager
def temporary_database(cluster: str, template: str = _TEMPLATE) -> Iterator[str]:
    """The address of a new database, which is a copy of `template` and exists during the block."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    close_connections()
    creation = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}")
    _administrator(cluster).execute(creation.format(sql.Identifier(name), sql.Identifier(template), _STRATEGY))
    yield renamed(cluster, name)
    close_connections()
    _administrator(cluster).execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


_administrators: dict[str, psycopg.Connection[Any]] = {}


def _administrator(cluster: str) -> psycopg.Connection[Any]:
    """The connection over which databases come and go, the same for all tests."""
    if cluster not in _administrators or _administrators[cluster].closed:
        _administrators[cluster] = psycopg.connect(cluster, autocommit=True)
    return _administrators[cluster]


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
def client(dsn: str, settings: Settings, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """The running application with its worker, without a key."""
    if has_one_registry(request):
        yield request.getfixturevalue("registry_of_module").client(settings)
        return
    with DirectClient(kept_app(settings, as_service(dsn))) as running:
        yield running


@pytest.fixture
def registry(client: TestClient, dsn: str) -> Registry:
    """The running application, and organisations to call it as."""
    return Registry(client, dsn)


@pytest.fixture(scope="session")
def kept_kannel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    """A real Kannel for all tests of this process, since it takes six seconds to start."""
    with running_kannel(tmp_path_factory.mktemp("kannel")) as running:
        yield running


@pytest.fixture
def kannel(kept_kannel: Kannel) -> Kannel:
    """A real Kannel that keeps no message of an earlier test; the test is skipped where Debian's package is missing."""
    kept_kannel.forget()
    return kept_kannel


@pytest.fixture
def unknown_id() -> uuid.UUID:
    """An id that nothing has."""
    return uuid.UUID("01890000-0000-7000-8000-000000000000")
