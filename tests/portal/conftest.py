"""The pages, read without a browser and with one."""

import itertools
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser

from service.core.settings import Settings
from service.demo.loader import load_story
from service.main import create_app
from tests.builders import number
from tests.callers import Registry
from tests.conftest import settings_of_tests, temporary_database
from tests.portal.browsing import Service, running_chromium
from tests.portal.reading import HOST, Reader
from tests.sockets import on_a_socket

_numbers = itertools.count(1)


def generous() -> Settings:
    """Settings under which many persons come from one address."""
    return settings_of_tests().model_copy(update={"verifications_per_address": 1000, "sms_block_budget": 1000})


@pytest.fixture(scope="session")
def near_app(cluster: str) -> Iterator[TestClient]:
    """The running application of all tests that need no facts, asked from the machine itself."""
    with temporary_database(cluster) as dsn:
        app = create_app(generous(), dsn, with_worker=False)
        with TestClient(app, base_url=HOST, client=("127.0.0.1", 50_000)) as client:
            yield client


@pytest.fixture
def reader(near_app: TestClient) -> Reader:
    """Somebody at the machine itself, with a number that nobody else of these tests has, and no cookie yet."""
    near_app.cookies.clear()
    return Reader(near_app, number(next(_numbers)))


@pytest.fixture(scope="session")
def service(cluster: str) -> Iterator[Service]:
    """The service on a socket, its worker beside it, with the whole story told."""
    with temporary_database(cluster) as dsn, on_a_socket(create_app(generous(), dsn)) as client:
        told = load_story(client, Registry(client, dsn).operator().key)
        yield Service(str(client.base_url).rstrip("/"), told, client, dsn)


@pytest.fixture(scope="module")
def browser(service: Service) -> Iterator[Browser]:
    """Chromium. It is closed with its module: while it runs, no test beside it could run an event loop of its own."""
    with running_chromium() as chromium:
        yield chromium
