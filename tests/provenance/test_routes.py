"""Lookups, lineage and impact over HTTP: who may ask, what is refused and what is recorded."""

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from service.access.actor import Scope
from service.core.vocabulary import Role
from tests.builders import collected, filled, hand_over, number
from tests.callers import Caller, Registry

FEW = range(4)


@dataclass
class Trade:
    """A collector's numbers, sold to a broker, a cut of them to a party, which has used them."""

    collector: Caller
    broker: Caller
    party: Caller
    other: Caller
    regulator: Caller
    notice_id: str
    source: Any
    cut: Any
    received: str
    campaign: Any


@pytest.fixture
def trade(registry: Registry) -> Trade:
    collector, broker, party = registry.collector(), registry.broker(), registry.party()
    source = collected(collector, FEW)
    bought = hand_over(collector, source, broker)["received_dataset_id"]
    cut = filled(broker, [1, 2], derived_from=[bought], occurred_at="2024-02-02T00:00:00Z")
    received = hand_over(broker, cut, party, occurred_at="2024-02-03T00:00:00Z")["received_dataset_id"]
    campaign = party.post("/v1/campaigns", campaign_of(party, [received]))
    notice_id = collector.get("/v1/notices")["items"][0]["id"]
    regulator = registry.regulator()
    return Trade(collector, broker, party, registry.party(), regulator, notice_id, source, cut, received, campaign)


def campaign_of(party: Caller, datasets: list[str]) -> dict[str, Any]:
    return {
        "party_id": str(party.id),
        "name": "Dernier jour",
        "originator": "38001",
        "message_text": "Votez ! STOP au 38001",
        "began_at": "2024-06-06T08:00:00Z",
        "ended_at": "2024-06-06T10:00:00Z",
        "dataset_ids": datasets,
    }


def refusal(caller: Caller, **body: Any) -> Any:
    answer = caller.request("POST", "/v1/lookups", json=body)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.json()


def test_a_client_is_told_the_whole_way_to_itself(trade: Trade) -> None:
    found = trade.party.lookup(number(1))
    assert found["held"]
    assert [one["notice"]["id"] for one in found["origins"]] == [trade.notice_id]
    assert [hop["kind"] for hop in found["chains"][0]["hops"]] == ["transfer", "derivation", "transfer"]
    assert [one["id"] for one in found["campaigns"]] == [trade.campaign["id"]]
    assert not trade.party.lookup(number(3))["held"]
    assert not trade.other.lookup(number(1))["held"]


def test_a_number_is_read_in_any_usual_spelling(trade: Trade) -> None:
    spelled = trade.party.lookup("06 39 98 00 01")
    assert spelled["chains"] == trade.party.lookup("639980001", region="FR")["chains"]


@pytest.mark.parametrize(("value", "reason"), [("6,39E+08", "scientific_notation"), ("0639", "too_short")])
def test_what_is_no_number_is_refused_with_the_reason_and_not_repeated(
    registry: Registry, value: str, reason: str
) -> None:
    problem = refusal(registry.broker(), number=value)
    assert (problem["status"], problem["reason"]) == (422, reason)
    assert value not in str(problem)


def test_an_unknown_region_is_refused(registry: Registry) -> None:
    problem = refusal(registry.broker(), number="0639980001", region="ZZ")
    assert problem["type"] == "urn:filiation:problem:region_unknown"


def test_the_operator_and_keys_without_the_scope_may_not_look_up(registry: Registry) -> None:
    assert refusal(registry.operator(), number=number(1))["status"] == 403
    assert refusal(registry.organisation(Role.BROKER, scopes=[Scope.FACTS_READ]), number=number(1))["status"] == 403


def test_a_regulator_must_say_why_and_its_look_is_recorded(trade: Trade, dsn: str) -> None:
    assert refusal(trade.regulator, number=number(1))["type"] == "urn:filiation:problem:reason_required"
    found = trade.regulator.lookup(number(1), reason="Plainte n° 24-1234 du 2024-06-09")
    assert len(found["holdings"]) == 4
    with psycopg.connect(dsn) as connection:
        looks = connection.execute("SELECT operation, reason, number_fingerprint FROM inspection").fetchall()
    ((operation, reason, fingerprint),) = looks
    assert (operation, reason) == ("look_up_number", "Plainte n° 24-1234 du 2024-06-09")
    assert len(fingerprint) == 32


@pytest.mark.parametrize("reason", ["appel de 06 39 98 00 01", "voir +33639980001", "0639.98.00.01"])
def test_a_reason_that_holds_what_could_be_a_number_is_refused(registry: Registry, reason: str) -> None:
    problem = refusal(registry.regulator(), number=number(1), reason=reason)
    assert problem["type"] == "urn:filiation:problem:reason_holds_a_number"


def test_lineage_is_shown_to_whom_it_is_due(trade: Trade) -> None:
    path = f"/v1/datasets/{trade.cut['id']}/lineage"
    up = trade.broker.get(path)
    assert [node["distance"] for node in up["nodes"]] == [-2, -1, 0]
    assert [node["common_count"] for node in up["nodes"]] == [2, 2, 2]
    assert up["nodes"][0]["collected"]["notice_id"] == trade.notice_id
    assert [edge["number_count"] for edge in up["edges"]] == [4, 2]
    assert len(trade.broker.get(path, params={"depth": 1})["nodes"]) == 2
    down = trade.broker.get(path, params={"direction": "downstream"})
    assert [node["dataset"]["id"] for node in down["nodes"]] == [trade.cut["id"], trade.received]
    assert down["nodes"][1]["dataset"]["name"] is None
    assert trade.collector.request("GET", path).status_code == 404
    assert trade.other.request("GET", path).status_code == 404
    assert len(trade.regulator.get(path, params={"direction": "both"})["nodes"]) == 4


def test_impact_is_whole_for_the_regulator_and_one_hop_for_the_collector(trade: Trade) -> None:
    path = f"/v1/notices/{trade.notice_id}/impact"
    whole = trade.regulator.get(path)
    assert [one["number_count"] for one in whole["datasets"]] == [4, 4, 2, 2]
    assert [(one["organisation"]["id"], one["number_count"]) for one in whole["clients"]] == [(str(trade.party.id), 2)]
    assert [(one["campaign"]["id"], one["number_count"]) for one in whole["campaigns"]] == [(trade.campaign["id"], 2)]
    near = trade.collector.get(path)
    assert [one["number_count"] for one in near["datasets"]] == [4, 4]
    assert (near["whole"], near["clients"], near["campaigns"]) == (False, [], [])
    assert trade.party.request("GET", path).status_code == 403
    assert trade.other.request("GET", path).status_code == 404


def test_a_clients_numbers_are_counted_once_however_many_datasets_have_them(trade: Trade) -> None:
    more = filled(trade.broker, [2, 3], derived_from=[trade.cut["derived_from"][0]], occurred_at="2024-02-02T00:00:00Z")
    second = hand_over(trade.broker, more, trade.party, occurred_at="2024-02-03T00:00:00Z")["received_dataset_id"]
    campaign = trade.party.post("/v1/campaigns", campaign_of(trade.party, [trade.received, second]))
    found = trade.regulator.get(f"/v1/notices/{trade.notice_id}/impact")
    assert [one["number_count"] for one in found["clients"]] == [3]
    counts = {one["campaign"]["id"]: one["number_count"] for one in found["campaigns"]}
    assert counts == {trade.campaign["id"]: 2, campaign["id"]: 3}
