"""The pages, read without a browser and with one."""

import itertools
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser

from service.core.settings import Settings
from service.main import create_app
from tests.builders import number
from tests.conftest import StoredStory, settings_of_tests, temporary_database
from tests.direct_client import DirectClient
from tests.portal.browsing import Service, running_chromium
from tests.portal.reading import Reader
from tests.sockets import on_a_socket
from tests.web.reading import HOST

_numbers = itertools.count(1)


def settings_for_many_persons() -> Settings:
    """Settings that let many persons come from one address."""
    return settings_of_tests().model_copy(update={"verifications_per_address": 1000, "sms_block_budget": 1000})


@pytest.fixture(scope="session")
def local_app(cluster: str) -> Iterator[TestClient]:
    """The running application for all tests that need no facts, called from the machine itself."""
    with temporary_database(cluster) as dsn:
        app = create_app(settings_for_many_persons(), dsn, with_worker=False)
        with DirectClient(app, base_url=HOST, client=("127.0.0.1", 50_000)) as client:
            yield client


@pytest.fixture
def reader(local_app: TestClient) -> Reader:
    """A person at the machine itself, with a number that no other test here uses, and no cookie yet."""
    local_app.cookies.clear()
    return Reader(local_app, number(next(_numbers)))


@pytest.fixture(scope="session")
def service(cluster: str, stored_story: StoredStory) -> Iterator[Service]:
    """The service on a socket, its worker beside it, with a copy of the whole story."""
    with (
        temporary_database(cluster, stored_story.database) as dsn,
        on_a_socket(create_app(settings_for_many_persons(), dsn)) as client,
    ):
        yield Service(str(client.base_url).rstrip("/"), stored_story.story, client, dsn)


@pytest.fixture(scope="module")
def browser(service: Service) -> Iterator[Browser]:
    """Chromium. It is closed with its module: while it runs, no test beside it could run an event loop of its own."""
    with running_chromium() as chromium:
        yield chromium
