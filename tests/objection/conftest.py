"""The holders of most tests of objections: made once in a process, with a copy of their database for each test."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from tests.callers import Registry
from tests.conftest import as_service, settings_of_tests, temporary_database
from tests.inspection import rows, until
from tests.kept import kept_app
from tests.objection.builders import Holders, several_holders


@pytest.fixture(scope="session")
def made_holders(cluster: str) -> Iterator[tuple[str, Holders]]:
    """The name of a database with several holders, whose application has ended, and these holders."""
    with temporary_database(cluster) as dsn:
        with TestClient(kept_app(settings_of_tests(), as_service(dsn))) as client:
            holders = several_holders(Registry(client, dsn))
            until(lambda: not rows(dsn, "SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"))
        yield dsn.rpartition("/")[2].partition("?")[0], holders


@pytest.fixture
def dsn(cluster: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated database for this test, with the holders if it asks for them."""
    template = {}
    if "holders" in request.fixturenames:
        template["template"] = request.getfixturevalue("made_holders")[0]
    with temporary_database(cluster, **template) as dsn:
        yield dsn


@pytest.fixture
def holders(registry: Registry, made_holders: tuple[str, Holders]) -> Holders:
    """Several holders in the database of this test."""
    _, made = made_holders
    registry.serial = made.registry.serial
    callers = {name: replace(getattr(made, name), client=registry.client) for name in ("broker", "party", "sender")}
    return replace(made, registry=registry, **callers)
