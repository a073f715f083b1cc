"""What goes on while something is killed, and what was acknowledged meanwhile and so must be there afterwards."""

import itertools
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import psycopg

from tests.builders import collected, number
from tests.callers import Caller, Registry
from tests.inspection import defer, refusal, until
from tests.kills.machine import Machine
from tests.persons import PersonCaller, prove

# Enough numbers for every shard to be sealed in its own transaction.
MANY: Final = 20_000


@dataclass
class Trade:
    """Organisations that work on a machine, and what the registry acknowledged to them."""

    machine: Machine
    shop: Caller
    party: Caller
    base: Any
    objectors: list[PersonCaller]
    uploaded: dict[str, int] = field(default_factory=dict)
    sealed: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, Caller] = field(default_factory=dict)
    objections: dict[str, PersonCaller] = field(default_factory=dict)
    erased: list[str] = field(default_factory=list)
    serial: Any = field(default_factory=itertools.count)

    def insist(self, method: str, path: str, caller: Caller | PersonCaller, **options: Any) -> httpx2.Response:
        """Send a request again until it is answered, as clients do. A repeated POST has the same key."""
        if method == "POST":
            options["headers"] = {"Idempotency-Key": uuid.uuid4().hex} | options.get("headers", {})

        def answer() -> httpx2.Response | None:
            try:
                response = caller.request(method, path, **options)
            except httpx2.TransportError:
                return None
            is_repeated = response.status_code == 409 and refusal(response)[1] == "request_in_progress"
            return None if response.status_code >= 500 or response.status_code == 429 or is_repeated else response

        # In a list, because a response that is an error counts as nothing.
        return until(lambda: [found for found in [answer()] if found is not None])[0]

    def register(self, body: dict[str, Any]) -> str:
        """A new open dataset of the shop's."""
        facts = {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": str(self.shop.id), "name": "Base"}
        return str(self.insist("POST", "/v1/datasets", self.shop, json=facts | body).json()["id"])

    def upload(self) -> str:
        """Upload a part of a new dataset, and return its id."""
        dataset, first = self.register({}), 33612000000 + 7919 * next(self.serial)
        lines = "\n".join(str(first + 2477 * place) for place in range(MANY)).encode()
        path = f"/v1/datasets/{dataset}/parts/1"
        answer = self.insist("PUT", path, self.shop, content=lines, headers={"Content-Type": "text/csv"})
        assert answer.status_code == 200, answer.text
        self.uploaded[dataset] = answer.json()["accepted_count"]
        return dataset

    def seal(self) -> None:
        """Upload and seal a dataset."""
        dataset = self.upload()
        answer = self.insist("POST", f"/v1/datasets/{dataset}/seal", self.shop)
        assert answer.status_code == 202, answer.text
        self.jobs[answer.json()["id"]] = self.shop
        self.sealed[dataset] = self.uploaded.pop(dataset)

    def reconcile(self) -> None:
        """Hand a dataset over, and have the recipient's file compared with it."""
        body = {"dataset_id": self.base["id"], "recipient_id": str(self.party.id), **_TRANSFER}
        transfer = self.insist("POST", "/v1/transfers", self.shop, json=body).json()
        path = f"/v1/transfers/{transfer['id']}/reconciliation"
        self.insist("POST", path, self.party)
        lines = "\n".join(number(last) for last in range(200)).encode()
        part = f"/v1/datasets/{transfer['received_dataset_id']}/parts/1"
        self.insist("PUT", part, self.party, content=lines, headers={"Content-Type": "text/csv"})
        answer = self.insist("POST", f"{path}/compare?confirm=true", self.party)
        assert answer.status_code == 202, answer.text
        self.jobs[answer.json()["id"]] = self.party

    def object(self) -> None:
        """Object to the use of a number."""
        person = self.objectors[next(self.serial) % len(self.objectors)]
        answer = self.insist("POST", "/v1/objections", person, json={"kind": "objection"})
        if answer.status_code == 201:
            self.objections[answer.json()["id"]] = person

    def erase(self) -> None:
        """Ask for an erasure, and let the shop do it."""
        person = self.objectors[next(self.serial) % len(self.objectors)]
        answer = self.insist("POST", "/v1/objections", person, json={"kind": "erasure"})
        if answer.status_code == 201:
            self.objections[answer.json()["id"]] = person
        for relay in self.insist("GET", "/v1/objections/relays", self.shop).json()["items"]:
            # One that is completed no longer shows its number.
            if relay["kind"] == "erasure" and relay["number"] is not None:
                self.insist("POST", f"/v1/objections/relays/{relay['id']}/complete", self.shop)
                self.erased.append(relay["number"])

    def compact(self) -> None:
        """Have small datasets merged, beside some that arrive."""
        for _ in range(4):
            self.seal()
        try:
            defer(self.machine.dsn, "compact_memberships", timestamp=next(self.serial))
        except psycopg.Error:
            # The database was killed, and the next minute compacts.
            return

    def missing(self) -> list[tuple[str, str]]:
        """What was acknowledged, and is not there."""
        wrong = [("job", job) for job, caller in self.jobs.items() if _state(caller, f"/v1/jobs/{job}") != "succeeded"]
        wrong += [("part", dataset) for dataset in self.uploaded if not self.shop.get(f"/v1/datasets/{dataset}/parts")]
        for dataset, count in self.sealed.items():
            found = self.shop.get(f"/v1/datasets/{dataset}")
            if (found["state"], found["number_count"]) != ("sealed", count):
                wrong.append(("dataset", dataset))
        for objection, person in self.objections.items():
            if person.request("GET", f"/v1/objections/{objection}").status_code != 200:
                wrong.append(("objection", objection))
        wrong += [("erasure", erased) for erased in self.erased if self.shop.lookup(erased)["held"]]
        return wrong


_TRANSFER: Final = {
    "occurred_at": "2024-02-01T00:00:00Z",
    "purpose": "political_canvassing",
    "lawful_basis": "consent",
    "sender_role": "controller",
    "recipient_role": "controller",
}
ACTIVITIES: Final[dict[str, Callable[[Trade], Any]]] = {
    "upload": Trade.upload,
    "seal": Trade.seal,
    "reconcile": Trade.reconcile,
    "object": Trade.object,
    "erase": Trade.erase,
    "compact": Trade.compact,
}


def _state(caller: Caller, path: str) -> Any:
    return caller.get(path)["state"]


def begin_trade(machine: Machine) -> Trade:
    """Organisations with a dataset, and persons who have proved that numbers of it are theirs."""
    registry = Registry(machine.client, machine.dsn)
    shop, party = registry.collector(), registry.party()
    base = collected(shop, range(200))
    return Trade(machine, shop, party, base, [prove(machine.client, machine.dsn, number(last)) for last in range(6)])


def in_thread(work: Callable[[], Any]) -> Callable[[], None]:
    """Begin `work`, and return a function that waits for its end and raises what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as problem:  # noqa: BLE001 - it is raised again where it is waited for
            raised.append(problem)

    thread = threading.Thread(target=run)
    thread.start()

    def wait() -> None:
        thread.join()
        if raised:
            raise raised[0]

    return wait
