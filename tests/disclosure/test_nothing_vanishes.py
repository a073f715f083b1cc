"""No sequence of a party's own calls makes a dataset vanish from what its number's person reads.

A search over random sequences: the party withdraws, ends, erases, denies, corrects, retracts and takes back, in any
order and of any of its datasets, and the registry forgets what it forgets. Refused calls are part of a sequence.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import collected, filled, hand_over, number
from tests.callers import Caller, Registry
from tests.dataset.builders import named
from tests.inspection import defer, rows, until
from tests.persons import PersonCaller, prove

pytestmark = pytest.mark.own_registry

FEW = 6
NOW = "2024-07-01T00:00:00Z"


@dataclass
class Asked:
    """A party, the datasets that it may be asked about, and the transfers that brought them."""

    registry: Registry
    party: Caller
    number: str
    datasets: list[str]
    transfers: list[str]
    holders: dict[str, str]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the party, whatever becomes of it."""
        response = self.party.request(method, path, json=body)
        assert response.status_code < 500, response.text
        return response.json() if response.is_success else {}


Act = Callable[[Asked, int], object]


def _on_dataset(act: str, body: dict[str, Any]) -> Act:
    return lambda asked, at: asked.call("POST", f"/v1/datasets/{asked.datasets[at]}/{act}", body)


def _discard(asked: Asked, at: int) -> None:
    asked.call("DELETE", f"/v1/datasets/{asked.datasets[at]}")


def _state(status: str) -> Act:
    def act(asked: Asked, at: int) -> None:
        transfer = asked.transfers[at % len(asked.transfers)]
        body = {"occurred_at": NOW, "status": status, "comment": "Par erreur."}
        asked.call("POST", f"/v1/transfers/{transfer}/statements", body)

    return act


def _erase(asked: Asked, _at: int) -> None:
    """The party records an erasure that it says it received, and completes all that it can."""
    received = {
        "kind": "erasure",
        "scope": "organisation",
        "organisation_id": str(asked.party.id),
        "numbers": [{"number": asked.number, "occurred_at": NOW}],
    }
    asked.call("POST", "/v1/objections/received", received)
    for relay in asked.call("GET", "/v1/objections/relays").get("items", []):
        asked.call("POST", f"/v1/objections/relays/{relay['id']}/complete")


def _send_other_file(asked: Asked, at: int) -> None:
    """The party's own file of what it received, without the number."""
    transfer = asked.transfers[at % len(asked.transfers)]
    opened = asked.call("POST", f"/v1/transfers/{transfer}/reconciliation")
    if opened:
        asked.party.put_part(opened["id"], ["telephone", number(9999)])
        asked.party.finish(asked.call("POST", f"/v1/transfers/{transfer}/reconciliation/compare?confirm=true"))


def _forget(asked: Asked, _at: int) -> None:
    """The registry does what it does each night."""
    for task in ("forget_past_copies", "forget_open_datasets", "forget_unsealed", "take_off_losses"):
        defer(asked.registry.dsn, task, timestamp=0)
    working = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    until(lambda: rows(asked.registry.dsn, working) == [(0,)])


ACTS: dict[str, Act] = {
    "withdraw": _on_dataset("withdrawal", {"reason": "Erreur."}),
    "take the withdrawal back": _on_dataset("withdrawal/take-back", {}),
    "end": _on_dataset("end", {"occurred_at": NOW, "end_reason": "deleted"}),
    "end long ago": _on_dataset("end", {"occurred_at": "2024-02-01T00:00:00Z", "end_reason": "retention_over"}),
    "take the end back": _on_dataset("end/take-back", {}),
    "rename": _on_dataset("corrections", {"name": "Rien"}),
    "take the origin away": _on_dataset("corrections", {"collection_id": None}),
    "discard": _discard,
    "deny": _state("denied"),
    "acknowledge": _state("acknowledged"),
    "retract": _state("retracted"),
    "erase": _erase,
    "send another file": _send_other_file,
    "let the night pass": _forget,
}


def _begin(registry: Registry, last: int) -> Asked:
    """The party uploads a file, collects one, receives one, and says that it received one from who has no account."""
    shop, party = registry.collector(), registry.party()
    for organisation in (shop, party):
        registry.operator().post(f"/v1/organisations/{organisation.id}/standing-release", {"up_to_count": 1000})
    supplier = named(party)
    own, collected_itself = filled(party, [last])["id"], collected(party, [last])["id"]
    received = hand_over(shop, collected(shop, [last]), party)
    claimed = filled(party, [last], holder_id=supplier)["id"]
    told = hand_over(party, {"id": claimed}, party)
    datasets = [own, collected_itself, received["received_dataset_id"], claimed, told["received_dataset_id"]]
    return Asked(registry, party, number(last), datasets, [received["id"], told["id"]], {claimed: supplier})


def _is_read(asked: Asked, report: Any, dataset_id: str) -> bool:
    """Whether a dataset is in what the person reads, or else that its holder erased the number, with the day."""
    if any(f"'{dataset_id}'" in str(report[part]) for part in report if part != "report"):
        return True
    holder = asked.holders.get(dataset_id, str(asked.party.id))
    return any(
        relay["holder"]["id"] == holder and relay["state"] == "completed" and relay["ended_at"]
        for objection in report["objections"]
        for relay in objection["relays"]
    )


def _read(person: PersonCaller) -> Any:
    return person.request("POST", "/v1/disclosures", json={"form": "json"}).json()


def test_no_sequence_of_own_calls_makes_a_dataset_vanish(registry: Registry) -> None:
    tried = 0

    @settings(
        max_examples=int(os.environ.get("WORLDS", FEW)),
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 4)), min_size=1, max_size=9))
    def is_read_after(acts: list[tuple[str, int]]) -> None:
        nonlocal tried
        tried += 1
        asked = _begin(registry, tried)
        person = prove(registry.client, registry.dsn, asked.number)
        assert all(_is_read(asked, _read(person), dataset_id) for dataset_id in asked.datasets)
        for name, at in acts:
            ACTS[name](asked, at)
            report = _read(person)
            vanished = [place for place, each in enumerate(asked.datasets) if not _is_read(asked, report, each)]
            assert not vanished, f"after {name} ({at}), datasets {vanished} are gone"

    is_read_after()


def test_what_a_party_alone_had_reads_erased_when_no_copy_is_left(registry: Registry) -> None:
    party = registry.party()
    registry.operator().post(f"/v1/organisations/{party.id}/standing-release", {"up_to_count": 1000})
    only = filled(party, [8001])["id"]
    asked = Asked(registry, party, number(8001), [only], [], {})
    for act in ("end", "take the end back", "erase", "withdraw", "let the night pass"):
        ACTS[act](asked, 0)
    assert rows(registry.dsn, "SELECT count(*) FROM exclusion") == [(0,)]
    report = _read(prove(registry.client, registry.dsn, asked.number))
    assert (report["past_holdings"], report["erasures"]) == ([], [])
    assert _is_read(asked, report, only)
    (objection,) = report["objections"]
    assert (objection["recorded_by"]["id"], objection["relays"][0]["state"]) == (str(party.id), "completed")
