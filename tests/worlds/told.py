"""A story told to the real service over HTTP, act by act, beside the naive registry."""

import asyncio
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from fastapi.testclient import TestClient

from service.core.db import Database
from service.core.settings import Settings
from service.main import create_app
from service.membership import compaction
from service.membership.compaction import Merge
from tests.builders import number
from tests.callers import TRADE_SCOPES, Caller
from tests.callers import Registry as Accounts
from tests.conftest import as_service
from tests.direct_client import DirectClient
from tests.inspection import until
from tests.persons import PersonCaller, prove, ring_of_tests
from tests.worlds.act import NUMBERS, SENDER, SENDERS_KEY, Act, new_world
from tests.worlds.model import Registry
from tests.worlds.sight import REGULATOR, Viewer

RECORDED = "2024-02-01T00:00:00Z"
FIRST_CONSENT = datetime(2023, 1, 1, 12, tzinfo=UTC)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class Stage:
    """The running service of many worlds. Each has organisations and numbers of its own."""

    client: TestClient
    dsn: str
    accounts: Accounts
    operator: Caller
    regulator: Caller
    worlds: int = 0

    def settle(self) -> None:
        """Wait until the worker has nothing left to do."""
        query = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            until(lambda: connection.execute(query).fetchone() == (0,))

    def compact(self) -> None:
        """Merge all segments, as the worker does when there are enough of them."""

        async def without_rest(_merge: Merge, _seconds: float, _done: float) -> None: ...

        async def work() -> None:
            database = Database(self.dsn, pool_size=1)
            await compaction.compact(database, ring_of_tests(), without_rest, thoroughly=True)
            await database.close()

        asyncio.run(work())


@contextmanager
def stage(settings: Settings, dsn: str) -> Iterator[Stage]:
    """The application with its worker, an operator and a regulator."""
    with DirectClient(create_app(settings, as_service(dsn))) as client:
        accounts = Accounts(client, dsn)
        yield Stage(client, dsn, accounts, accounts.operator(), accounts.regulator())


@dataclass
class Told:
    """A world as the service and the naive registry know it. `names` translates the ids of its things."""

    stage: Stage
    world: Registry = field(default_factory=new_world)
    names: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    heirs: dict[str, Caller] = field(default_factory=dict)  # by the organisation that a key of its heir acts for
    persons: dict[int, PersonCaller] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)  # the name of an objection, by its `occurred_at`
    acts: list[Act] = field(default_factory=list)
    first: int = 0

    @property
    def surname(self) -> str:
        """What the names of this world's organisations end with: no two organisations of a registry share a name."""
        return f" w{self.first // len(NUMBERS):06}"

    @property
    def mentioned(self) -> set[int]:
        """The numbers that any dataset ever had, and another that perhaps none had."""
        return {number for act in self.acts for number in getattr(act, "numbers", ())} | {NUMBERS[-1]}

    def number(self, last: int) -> str:
        return number(self.first + last)

    def last_of(self, telephone: str | None) -> int | None:
        return None if telephone is None else int(telephone[-4:]) - self.first

    def name(self, name: str, thing_id: Any) -> None:
        self.names[str(thing_id)] = name
        self.ids[name] = str(thing_id)

    def of(self, thing_id: Any) -> str | None:
        """The name of a thing by its id."""
        return None if thing_id is None else self.names.get(str(thing_id), "another world's")

    def caller(self, viewer: Viewer) -> Caller | None:
        """Who reads for a viewer: the heir by its key, if another answers for it."""
        if viewer == REGULATOR:
            return self.stage.regulator
        return self.heirs.get(viewer.name) or self.callers.get(viewer.name)

    def lines(self, numbers: Iterable[int]) -> list[str]:
        """A file of numbers."""
        return ["telephone", *(self.number(last) for last in sorted(numbers))]

    def person(self, last: int) -> PersonCaller:
        if last not in self.persons:
            self.persons[last] = prove(self.stage.client, self.stage.dsn, self.number(last))
        return self.persons[last]


def begin(running: Stage, world: Registry | None = None) -> Told:
    """A new world with its cast: the usual one, or that of a `world` in which nothing happened yet."""
    told = Told(running, world or new_world(), first=len(NUMBERS) * running.worlds)
    running.worlds += 1
    for row in told.world.organisations.values():
        body = {"legal_name": row.name + told.surname, "country": "FR", "roles": [row.role]}
        by = told.callers[row.named_by] if row.named_by else running.operator
        told.name(row.name, by.post("/v1/organisations", body)["id"])
        running.operator.post(f"/v1/organisations/{told.ids[row.name]}/standing-release", {"up_to_count": 2**40})
        if row.account and row.name != SENDER:
            issue_key(told, row.name)
    issue_key(told, SENDER, SENDERS_KEY, acts_for_id=told.ids["p1"])
    return told


def issue_key(told: Told, organisation: str, key_name: str | None = None, **more: Any) -> None:
    body = {"organisation_id": told.ids[organisation], "scopes": list(TRADE_SCOPES)}
    key = told.stage.operator.post("/v1/keys", body | more)
    acting = uuid.UUID(more.get("acts_for_id", told.ids[organisation]))
    told.callers[key_name or organisation] = Caller(told.stage.client, acting, key["key"])


def issue_heirs_key(told: Told, organisation: str, heir: str) -> None:
    """A key by which an heir reads, from now on, all that its predecessor may read."""
    body = {"organisation_id": told.ids[heir], "acts_for_id": told.ids[organisation], "scopes": list(TRADE_SCOPES)}
    key = told.stage.operator.post("/v1/keys", body)
    told.heirs[organisation] = Caller(told.stage.client, uuid.UUID(told.ids[organisation]), key["key"])
    if organisation not in told.callers:
        told.callers[organisation] = told.heirs[organisation]


def tell(told: Told, act: Act) -> None:
    """Tell one act to the service and to the naive registry."""
    told.acts.append(act)
    act.tell(told)
