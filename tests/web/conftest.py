"""The small site, as a reader on the machine itself sees it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.direct_client import DirectClient
from tests.web.reading import HOST
from tests.web.small_site import create_small_app


@pytest.fixture
def site() -> Iterator[TestClient]:
    """The site, with no cookie yet."""
    with DirectClient(create_small_app(), base_url=HOST, raise_server_exceptions=False) as client:
        yield client
