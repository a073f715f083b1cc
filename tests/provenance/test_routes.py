"""Lookups, lineage and impact over HTTP: who may ask, what is refused and what is recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from service.access.actor import Scope
from service.core.vocabulary import Role
from tests.builders import collected, filled, hand_over, number
from tests.callers import Caller, Registry, called_through
from tests.conftest import made_once, temporary_database

FEW = range(4)


@dataclass
class Trade:
    """A collector's numbers, transferred to a broker, and a selection of them to a party, which used them."""

    collector: Caller
    broker: Caller
    party: Caller
    other: Caller
    regulator: Caller
    notice_id: str
    source: Any
    selection: Any
    received: str
    campaign: Any


def make_trade(registry: Registry) -> Trade:
    collector, broker, party = registry.collector(), registry.broker(), registry.party()
    source = collected(collector, FEW)
    bought = hand_over(collector, source, broker)["received_dataset_id"]
    selection = filled(broker, [1, 2], derived_from=[bought], occurred_at="2024-02-02T00:00:00Z")
    received = hand_over(broker, selection, party, occurred_at="2024-02-03T00:00:00Z")["received_dataset_id"]
    campaign = party.post("/v1/campaigns", campaign_of(party, [received]))
    notice_id = collector.get("/v1/notices")["items"][0]["id"]
    regulator = registry.regulator()
    return Trade(
        collector, broker, party, registry.party(), regulator, notice_id, source, selection, received, campaign
    )


@pytest.fixture(scope="module")
def made_trade(cluster: str) -> Iterator[tuple[str, Trade]]:
    with made_once(cluster, make_trade) as made:
        yield made


@pytest.fixture
def dsn(cluster: str, made_trade: tuple[str, Trade]) -> Iterator[str]:
    with temporary_database(cluster, made_trade[0]) as dsn:
        yield dsn


@pytest.fixture
def trade(registry: Registry, made_trade: tuple[str, Trade]) -> Trade:
    return called_through(registry.client, made_trade[1])


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


def test_look_up_as_a_client_gives_the_whole_chain_to_it(trade: Trade) -> None:
    found = trade.party.lookup(number(1))
    assert found["held"]
    assert [origin["notice"]["id"] for origin in found["origins"]] == [trade.notice_id]
    assert [hop["kind"] for hop in found["chains"][0]["hops"]] == ["transfer", "derivation", "transfer"]
    assert [campaign["id"] for campaign in found["campaigns"]] == [trade.campaign["id"]]
    assert not trade.party.lookup(number(3))["held"]
    assert not trade.other.lookup(number(1))["held"]


def test_look_up_in_another_spelling_gives_the_same_answer(trade: Trade) -> None:
    spelled = trade.party.lookup("06 39 98 00 01")
    assert spelled["chains"] == trade.party.lookup("639980001", region="FR")["chains"]


def test_look_up_what_is_not_a_number_is_refused_with_the_cause_and_without_the_value(registry: Registry) -> None:
    broker = registry.broker()
    for value, cause in (("6,39E+08", "scientific_notation"), ("0639", "too_short")):
        problem = refusal(broker, number=value)
        assert (problem["status"], problem["reason"]) == (422, cause)
        assert value not in str(problem)


def test_look_up_in_an_unknown_region_is_refused(registry: Registry) -> None:
    problem = refusal(registry.broker(), number="0639980001", region="ZZ")
    assert problem["type"] == "urn:filiation:problem:unknown_region"


def test_look_up_as_operator_or_without_the_scope_is_refused(registry: Registry) -> None:
    assert refusal(registry.operator(), number=number(1))["status"] == 403
    assert refusal(registry.organisation(Role.BROKER, scopes=[Scope.FACTS_READ]), number=number(1))["status"] == 403


def test_look_up_as_regulator_needs_a_reason_and_is_recorded(trade: Trade, dsn: str) -> None:
    assert refusal(trade.regulator, number=number(1))["type"] == "urn:filiation:problem:reason_required"
    found = trade.regulator.lookup(number(1), reason="Plainte n° 24-1234 du 2024-06-09")
    assert len(found["holdings"]) == 4
    with psycopg.connect(dsn) as connection:
        inspections = connection.execute("SELECT operation, reason, number_fingerprint FROM inspection").fetchall()
    ((operation, reason, fingerprint),) = inspections
    assert (operation, reason) == ("look_up_number", "Plainte n° 24-1234 du 2024-06-09")
    assert len(fingerprint) == 32


def test_look_up_with_a_reason_that_could_contain_a_number_is_refused(registry: Registry) -> None:
    regulator = registry.regulator()
    for reason in ("appel de 06 39 98 00 01", "voir +33639980001", "0639.98.00.01"):
        problem = refusal(regulator, number=number(1), reason=reason)
        assert problem["type"] == "urn:filiation:problem:invalid_request", reason
        assert "phone number" in problem["errors"][0]["reason"], reason


def test_get_lineage_shows_each_caller_what_it_may_see(trade: Trade) -> None:
    path = f"/v1/datasets/{trade.selection['id']}/lineage"
    up = trade.broker.get(path)
    assert [node["distance"] for node in up["nodes"]] == [-2, -1, 0]
    assert [node["common_count"] for node in up["nodes"]] == [2, 2, 2]
    assert up["nodes"][0]["collected"]["notice_id"] == trade.notice_id
    assert [edge["number_count"] for edge in up["edges"]] == [4, 2]
    near = trade.broker.get(path, params={"depth": 1})
    assert (len(near["nodes"]), near["node_count"], near["edge_count"], near["truncated_count"]) == (2, 2, 1, 1)
    down = trade.broker.get(path, params={"direction": "downstream"})
    assert [node["dataset"]["id"] for node in down["nodes"]] == [trade.selection["id"], trade.received]
    assert down["nodes"][1]["dataset"]["name"] is None
    assert trade.collector.request("GET", path).status_code == 404
    assert trade.other.request("GET", path).status_code == 404
    assert len(trade.regulator.get(path, params={"direction": "both"})["nodes"]) == 4


def test_get_lineage_in_pages_gives_each_dataset_and_edge_once(trade: Trade) -> None:
    path = f"/v1/datasets/{trade.selection['id']}/lineage"
    wanted: dict[str, Any] = {"direction": "both", "limit": 1}
    whole = trade.regulator.get(path, params={"direction": "both"})
    pages = [trade.regulator.get(path, params=wanted)]
    while pages[-1]["next"] is not None:
        pages.append(trade.regulator.get(path, params=wanted | {"after": pages[-1]["next"]}))
    assert [len(page["nodes"]) for page in pages] == [1, 1, 1, 1]
    for part in ("nodes", "edges"):
        assert [item for page in pages for item in page[part]] == whole[part]
    assert {(page["node_count"], page["edge_count"], page["truncated_count"]) for page in pages} == {(4, 3, 0)}
    for malformed in ("x", "1", "1.x", f".{trade.selection['id']}"):
        response = trade.regulator.request("GET", path, params={"after": malformed})
        assert (response.status_code, response.json()["type"].rsplit(":", 1)[-1]) == (422, "cursor_malformed")


def test_get_impact_is_whole_for_the_regulator_and_one_hop_for_the_collector(trade: Trade) -> None:
    path = f"/v1/notices/{trade.notice_id}/impact"
    whole = trade.regulator.get(path)
    assert [dataset["number_count"] for dataset in whole["datasets"]] == [4, 4, 2, 2]
    clients = [(client["organisation"]["id"], client["number_count"]) for client in whole["clients"]]
    campaigns = [(reached["campaign"]["id"], reached["number_count"]) for reached in whole["campaigns"]]
    assert (clients, campaigns) == ([(str(trade.party.id), 2)], [(trade.campaign["id"], 2)])
    near = trade.collector.get(path)
    assert [dataset["number_count"] for dataset in near["datasets"]] == [4, 4]
    assert (near["whole"], near["clients"], near["campaigns"]) == (False, [], [])
    assert trade.party.request("GET", path).status_code == 403
    assert trade.other.request("GET", path).status_code == 404


def test_get_impact_counts_a_number_in_several_datasets_of_a_client_once(trade: Trade) -> None:
    more = filled(
        trade.broker, [2, 3], derived_from=[trade.selection["derived_from"][0]], occurred_at="2024-02-02T00:00:00Z"
    )
    second = hand_over(trade.broker, more, trade.party, occurred_at="2024-02-03T00:00:00Z")["received_dataset_id"]
    campaign = trade.party.post("/v1/campaigns", campaign_of(trade.party, [trade.received, second]))
    found = trade.regulator.get(f"/v1/notices/{trade.notice_id}/impact")
    assert [client["number_count"] for client in found["clients"]] == [3]
    counts = {campaign["campaign"]["id"]: campaign["number_count"] for campaign in found["campaigns"]}
    assert counts == {trade.campaign["id"]: 2, campaign["id"]: 3}
