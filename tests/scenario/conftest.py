"""The whole story, loaded once through HTTP, with everything that the service logged during it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Request, Response

from service.core.settings import Settings
from service.demo.loader import LoadedStory, load_story
from service.main import create_app
from tests.builders import number
from tests.callers import Caller, Registry
from tests.conftest import as_service, settings_of_tests, temporary_database


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Scenario:
    """The loaded story, its requests and responses, and how each organisation calls the API."""

    client: TestClient
    dsn: str
    operator: Caller
    story: LoadedStory
    log: list[str]
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
    """The story, loaded into a database of its own."""
    settings: Settings = settings_of_tests()
    lines = _Lines()
    root = logging.getLogger()
    level = root.level
    with temporary_database(cluster) as dsn, TestClient(create_app(settings, as_service(dsn))) as client:
        operator = Registry(client, dsn).operator()
        loaded = Scenario(client, dsn, operator, LoadedStory(), lines.lines)
        client.event_hooks["request"].append(loaded.requests.append)
        client.event_hooks["response"].append(loaded.responses.append)
        root.addHandler(lines)
        root.setLevel(logging.DEBUG)
        try:
            loaded.story = load_story(client, operator.key)
            yield loaded
        finally:
            root.setLevel(level)
            root.removeHandler(lines)


@pytest.fixture(scope="session")
def scenario(cluster: str) -> Iterator[Scenario]:
    """The loaded story, shared by the tests that only read it."""
    with loaded_scenario(cluster) as loaded:
        yield loaded
