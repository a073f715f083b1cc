"""The whole story, loaded through HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Request, Response

from service.demo.loader import LoadedStory, load_story
from service.main import create_app
from tests.builders import number
from tests.callers import Caller, Registry
from tests.conftest import StoredStory, as_service, settings_of_tests, temporary_database
from tests.direct_client import DirectClient


@dataclass
class Scenario:
    """The loaded story, its requests and responses where they are kept, and how each organisation calls the API."""

    client: TestClient
    dsn: str
    operator: Caller
    story: LoadedStory
    requests: list[Request] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def caller(self, name: str) -> Caller:
        """The API as an organisation of the story calls it."""
        return Caller(self.client, self.story.ids[name.split(" for ", maxsplit=1)[0]], self.story.keys[name])  # type: ignore[arg-type]

    def answer(self, name: str, last_four: int, **more: Any) -> Any:
        """The answer about a number that an organisation gets."""
        if name == "cnil":
            more = {"reason": "Plainte 2024-0611"} | more
        return self.caller(name).lookup(number(last_four), **more)


@contextmanager
def loaded_scenario(cluster: str) -> Iterator[Scenario]:
    """The story, loaded into a database of its own, with the requests of loading it."""
    with temporary_database(cluster) as dsn, DirectClient(create_app(settings_of_tests(), as_service(dsn))) as client:
        operator = Registry(client, dsn).operator()
        loaded = Scenario(client, dsn, operator, LoadedStory())
        client.event_hooks["request"].append(loaded.requests.append)
        client.event_hooks["response"].append(loaded.responses.append)
        loaded.story = load_story(client, operator.key)
        yield loaded


@contextmanager
def copied_scenario(cluster: str, stored_story: StoredStory) -> Iterator[Scenario]:
    """A copy of the story with the responses of loading it, to which those of the test are added."""
    with (
        temporary_database(cluster, stored_story.database) as dsn,
        DirectClient(create_app(settings_of_tests(), as_service(dsn))) as client,
    ):
        copied = Scenario(client, dsn, stored_story.operator(client), stored_story.story)
        copied.responses += stored_story.responses
        client.event_hooks["response"].append(copied.responses.append)
        yield copied


@pytest.fixture(scope="session")
def scenario(cluster: str, stored_story: StoredStory) -> Iterator[Scenario]:
    """A copy of the story, shared by the tests that only read it."""
    with (
        temporary_database(cluster, stored_story.database) as dsn,
        DirectClient(create_app(settings_of_tests(), as_service(dsn))) as client,
    ):
        yield Scenario(client, dsn, stored_story.operator(client), stored_story.story)
