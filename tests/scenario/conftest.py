"""The whole story, told once through HTTP, with everything that the service logged meanwhile."""

import logging
from collections.abc import Iterator
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
from tests.conftest import settings_of_tests, temporary_database


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Scenario:
    """The told story, and how each organisation asks about it."""

    client: TestClient
    dsn: str
    told: LoadedStory
    log: list[str]
    asked: list[Request] = field(default_factory=list)
    answered: list[Response] = field(default_factory=list)

    def caller(self, name: str) -> Caller:
        """The API as an organisation of the story calls it."""
        return Caller(self.client, self.told.ids[name.split(" for ", maxsplit=1)[0]], self.told.keys[name])  # type: ignore[arg-type]

    def answer(self, name: str, last_four: int, **more: Any) -> Any:
        """One number's answer through an organisation's eyes."""
        if name == "cnil":
            more = {"reason": "Plainte 2024-0611"} | more
        return self.caller(name).lookup(number(last_four), **more)


@pytest.fixture(scope="session")
def scenario(cluster: str) -> Iterator[Scenario]:
    """The story, told."""
    settings: Settings = settings_of_tests()
    lines = _Lines()
    root = logging.getLogger()
    level = root.level
    with temporary_database(cluster) as dsn, TestClient(create_app(settings, dsn)) as client:
        told_scenario = Scenario(client, dsn, LoadedStory(), lines.lines)
        client.event_hooks["request"].append(told_scenario.asked.append)
        client.event_hooks["response"].append(told_scenario.answered.append)
        operator = Registry(client, dsn).operator()
        root.addHandler(lines)
        root.setLevel(logging.DEBUG)
        try:
            told_scenario.told = load_story(client, operator.key)
            yield told_scenario
        finally:
            root.setLevel(level)
            root.removeHandler(lines)
