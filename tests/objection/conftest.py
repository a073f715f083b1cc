"""The holders of most tests of objections: made once in a process, with a copy of their database for each test."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.callers import Registry, called_through
from tests.conftest import made_once, temporary_database
from tests.objection.builders import Holders, several_holders


@pytest.fixture(scope="session")
def made_holders(cluster: str) -> Iterator[tuple[str, Holders]]:
    """The name of a database with several holders, whose application has ended, and these holders."""
    with made_once(cluster, several_holders) as made:
        yield made


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
    return called_through(registry.client, replace(made, registry=registry))
