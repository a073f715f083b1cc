"""The scenario of the demonstration, and the persons whose numbers are in it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from httpx2 import Response

from service.core.db import Database
from service.disclosure.blocks import Block, Heading, Report, Topic
from service.disclosure.operations import get_subject_answer
from service.disclosure.report import write_report
from service.disclosure.subject_answer import SubjectAnswer
from service.number.keyring import KeyRing
from service.provenance.snapshot import Snapshots
from service.verification.sessions import Person, begin_session, person_of
from service.wording.language import Language
from tests.builders import FICTION
from tests.inspection import resources_of_app
from tests.persons import PersonCaller
from tests.scenario.conftest import Scenario
from tests.scenario.conftest import scenario as scenario  # noqa: PLC0414  (a fixture of this folder too)


@dataclass
class Owners:
    """The owners of the numbers, each verified."""

    scenario: Scenario

    def call(self, function: Any, *arguments: Any) -> Any:
        """Call a coroutine function where the application runs, with its database, snapshots and key ring."""
        resources = resources_of_app(self.scenario.client.app)
        portal: Any = self.scenario.client.portal
        used = (resources.get(kind) for kind in (Database, Snapshots, KeyRing))
        return portal.call(function, *used, *arguments)

    def session(self, last_four: int, since: date | None = None) -> PersonCaller:
        """The API, as the owner of a number calls it."""
        token = self.call(_token, FICTION + last_four, since)
        return PersonCaller(self.scenario.client, token)

    def person(self, last_four: int, since: date | None = None) -> Person:
        """That owner, as the application knows them."""
        found: Person = self.call(_person, self.session(last_four, since).token)
        return found

    def subject(self, last_four: int, since: date | None = None) -> SubjectAnswer:
        """What a report to the owner of a number is made from."""
        found: SubjectAnswer = self.call(get_subject_answer, self.person(last_four, since))
        return found

    def report(self, last_four: int, language: Language = Language.FR, since: date | None = None) -> Report:
        """The report to that owner."""
        return write_report(self.subject(last_four, since), language)

    def disclose(self, last_four: int, form: str, language: str = "fr", since: date | None = None) -> Response:
        """The answer as a disclosure."""
        body = {"form": form, "language": language}
        return self.session(last_four, since).request("POST", "/v1/disclosures", json=body)


async def _token(database: Database, _: object, ring: KeyRing, number: int, since: date | None) -> str:
    async with database.transaction() as session:
        return (await begin_session(session, ring, number, since)).token


async def _person(database: Database, _: object, ring: KeyRing, token: str) -> Person:
    return await person_of(database, ring, token)


@pytest.fixture(scope="session")
def owners(scenario: Scenario) -> Owners:
    """The owners of the numbers in the scenario. Two objected: one to the broker, one by STOP to a message."""
    return Owners(scenario)


def blocks(report: Report, topic: Topic) -> list[Block]:
    """The blocks of a section; none if the report has no such section."""
    return [block for section in report.sections if section.topic is topic for block in section.blocks]


def under(report: Report, topic: Topic) -> dict[str, list[Block]]:
    """The blocks of a section by their heading."""
    found: dict[str, list[Block]] = {}
    heading = ""
    for block in blocks(report, topic):
        if isinstance(block, Heading):
            heading = block.text
            found[heading] = []
        elif heading:
            found[heading].append(block)
    return found


def plain(text: str) -> str:
    """A text with plain spaces and apostrophes, as tests are written."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")
