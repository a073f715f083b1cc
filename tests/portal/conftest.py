"""The pages, read without a browser and with one."""

import itertools
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.main import create_app
from tests.chain import number
from tests.conftest import settings_of_tests, temporary_database
from tests.portal.reading import HOST, Reader

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def near_app(cluster: str) -> Iterator[TestClient]:
    """The running application of all tests that need no facts, asked from the machine itself."""
    settings = settings_of_tests().model_copy(update={"verifications_per_address": 1000, "sms_block_budget": 1000})
    with temporary_database(cluster) as dsn:
        app = create_app(settings, dsn, with_worker=False)
        with TestClient(app, base_url=HOST, client=("127.0.0.1", 50_000)) as client:
            yield client


@pytest.fixture
def reader(near_app: TestClient) -> Reader:
    """Somebody at the machine itself, with a number that nobody else of these tests has, and no cookie yet."""
    near_app.cookies.clear()
    return Reader(near_app, number(next(_numbers)))
