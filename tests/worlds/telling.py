"""A story told to the real service over HTTP, act by act, beside the naive registry."""

import asyncio
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from fastapi.testclient import TestClient

from service.core.db import Database
from service.core.settings import Settings
from service.main import create_app
from service.membership import compaction
from service.membership.compaction import Merge
from tests.builders import hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import TRADE_SCOPES, Caller
from tests.callers import Registry as Accounts
from tests.conftest import as_service
from tests.direct_client import DirectClient
from tests.inspection import until
from tests.persons import PersonCaller, prove, ring_of_tests
from tests.worlds.model import Registry
from tests.worlds.sight import REGULATOR, Viewer
from tests.worlds.strategies import (
    NUMBERS,
    SENDER,
    SENDERS_KEY,
    Act,
    Admit,
    Collect,
    Compact,
    End,
    HandOver,
    Look,
    Object,
    Receipt,
    Send,
    State,
    Unite,
    Upload,
    new_world,
)  # fmt: skip

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
    persons: dict[int, PersonCaller] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)  # the name of an objection, by its `occurred_at`
    acts: list[Act] = field(default_factory=list)
    first: int = 0

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
        return self.stage.regulator if viewer == REGULATOR else self.callers.get(viewer.name)

    def person(self, last: int) -> PersonCaller:
        if last not in self.persons:
            self.persons[last] = prove(self.stage.client, self.stage.dsn, self.number(last))
        return self.persons[last]


def begin(running: Stage, world: Registry | None = None) -> Told:
    """A new world with its cast: the usual one, or that of a `world` in which nothing happened yet."""
    told = Told(running, world or new_world(), first=len(NUMBERS) * running.worlds)
    running.worlds += 1
    for row in told.world.organisations.values():
        body = {"legal_name": row.name, "country": "FR", "roles": [row.role]}
        by = told.callers[row.named_by] if row.named_by else running.operator
        told.name(row.name, by.post("/v1/organisations", body)["id"])
        running.operator.post(f"/v1/organisations/{told.ids[row.name]}/standing-release", {"up_to_count": 2**40})
        if row.account and row.name != SENDER:
            _issue_key(told, row.name)
    _issue_key(told, SENDER, SENDERS_KEY, acts_for_id=told.ids["p1"])
    return told


def _issue_key(told: Told, organisation: str, key_name: str | None = None, **more: Any) -> None:
    body = {"organisation_id": told.ids[organisation], "scopes": list(TRADE_SCOPES)}
    key = told.stage.operator.post("/v1/keys", body | more)
    acting = uuid.UUID(more.get("acts_for_id", told.ids[organisation]))
    told.callers[key_name or organisation] = Caller(told.stage.client, acting, key["key"])


def tell(told: Told, act: Act) -> None:  # noqa: C901  (a case for each kind of act)
    """Tell one act to the service and to the naive registry."""
    told.acts.append(act)
    match act:
        case Collect():
            _collect(told, act)
        case Upload() | Unite():
            _derive(told, act)
        case HandOver():
            _hand_over(told, act)
        case State():
            body = {"occurred_at": RECORDED, "status": act.status}
            told.callers[act.by].post(f"/v1/transfers/{told.ids[act.transfer]}/statements", body)
            act.apply(told.world)
        case Receipt():
            _send_receipt(told, act)
        case Send():
            _send(told, act)
        case Object():
            _object(told, act)
        case End():
            _end(told, act)
        case Admit():
            _issue_key(told, act.apply(told.world))
        case Compact():
            told.stage.settle()
            told.stage.compact()
        case Look():
            told.stage.settle()


def _collect(told: Told, act: Collect) -> None:
    by, collector = told.callers[act.by], told.ids[act.holder]
    notice = told.ids[act.notice] if act.notice else make_notice(by, collector)["id"]
    collection = make_collection(by, collector, notice)["id"]
    dataset = open_dataset(by, holder_id=collector, collection_id=collection, occurred_at=RECORDED)["id"]
    days = {last: FIRST_CONSENT + timedelta(days=last) for last in act.numbers}
    lines = [f"{told.number(last)},{day.isoformat()}" for last, day in days.items()]
    by.put_part(dataset, ["telephone,consented_at", *lines])
    by.seal(dataset)
    name = act.apply(told.world)
    told.name(name, dataset)
    row = told.world.collections[told.world.datasets[name].collection or ""]
    told.name(row.name, collection)
    told.name(row.notice, notice)


def _derive(told: Told, act: Upload | Unite) -> None:
    by = told.callers[act.by]
    body = {"holder_id": told.ids[act.holder], "derived_from": [told.ids[name] for name in act.parents]}
    dataset = open_dataset(by, **body, occurred_at=RECORDED, content="union" if isinstance(act, Unite) else "uploaded")[
        "id"
    ]
    if isinstance(act, Upload):
        by.put_part(dataset, _lines(told, act.numbers))
    by.seal(dataset)
    told.name(act.apply(told.world), dataset)


def _lines(told: Told, numbers: Iterable[int]) -> list[str]:
    return ["telephone", *(told.number(last) for last in sorted(numbers))]


def _hand_over(told: Told, act: HandOver) -> None:
    by, recipient = told.callers[act.by], told.ids[act.recipient]
    transfer = hand_over(
        by, {"id": told.ids[act.dataset]}, Caller(told.stage.client, uuid.UUID(recipient), ""), occurred_at=RECORDED
    )
    name = act.apply(told.world)
    told.name(name, transfer["id"])
    told.name(told.world.transfers[name].received, transfer["received_dataset_id"])


def _send_receipt(told: Told, act: Receipt) -> None:
    row = told.world.transfers[act.transfer]
    by, path = told.callers[row.recipient], f"/v1/transfers/{told.ids[act.transfer]}/reconciliation"
    by.post(path)
    by.put_part(told.ids[row.received], _lines(told, act.numbers))
    job = by.finish(by.post(f"{path}/compare"))
    assert job["state"] == "succeeded", job["problem"]
    act.apply(told.world)


def _send(told: Told, act: Send) -> None:
    moment = "2024-06-06T10:00:00Z" if act.past else datetime.now(UTC).isoformat()
    body = {
        "party_id": told.ids[act.party],
        "sender_id": told.ids[act.sender] if act.sender else None,
        "name": "Dernier appel",
        "originator": "38001",
        "message_text": "Votez.",
        "began_at": moment,
        "ended_at": moment,
        "dataset_ids": [told.ids[name] for name in act.datasets],
    }
    campaign = told.callers[act.party].post("/v1/campaigns", body)
    told.name(act.apply(told.world), campaign["id"])


def _object(told: Told, act: Object) -> None:
    # Flags of what came before are written first, so that none depends on the speed of the worker.
    told.stage.settle()
    wanted: dict[str, Any] = {"kind": "erasure" if act.erasure else "objection"}
    if act.only:
        wanted |= {"scope": "organisation", "organisation_id": told.ids[act.only]}
    if act.by is None:
        response = told.person(act.number).request("POST", "/v1/objections", json=wanted)
        assert response.is_success, (response.status_code, response.text)
        objection_id, moment = response.json()["id"], response.json()["occurred_at"]
    else:
        moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        wanted["numbers"] = [{"number": told.number(act.number), "occurred_at": moment}]
        (result,) = told.callers[act.by].post("/v1/objections/received", wanted)["results"]
        assert result["objection_id"], result
        objection_id = result["objection_id"]
    name = act.apply(told.world)
    told.name(name, objection_id)
    if name not in told.moments.values():
        told.moments[moment] = name


def _end(told: Told, act: End) -> None:
    # What an erasure ends is flagged before, for the same reason.
    told.stage.settle()
    holder = told.callers[act.holder]
    relays = holder.get("/v1/objections/relays", params={"limit": 1000})["items"]
    (relay,) = [
        relay
        for relay in relays
        if told.moments.get(relay["occurred_at"]) == act.objection and relay["state"] in ("delivered", "acknowledged")
    ]
    path = f"/v1/objections/relays/{relay['id']}"
    if act.completed:
        holder.post(f"{path}/complete")
    else:
        holder.post(f"{path}/refuse", {"reason": "Nous devons garder la preuve."})
    act.apply(told.world)
