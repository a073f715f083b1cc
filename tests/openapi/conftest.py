"""The description of the API, read as a client would."""

import json
from typing import Any

import pytest

from service.command.description import openapi_text


@pytest.fixture(scope="session")
def document() -> Any:
    """The OpenAPI document."""
    return json.loads(openapi_text())
