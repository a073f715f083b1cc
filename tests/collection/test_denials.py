"""Denials: a collector that did not collect what another organisation asserts in its name, and what is then shown."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.builders import filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.collection.builders import admit, collector_without_account
from tests.inspection import refusal
from tests.persons import prove

LATER = {"occurred_at": "2024-03-01T00:00:00Z"}

pytestmark = pytest.mark.one_registry


def named_collection(registry: Registry, broker: Caller, *numbers: int) -> tuple[Caller, Any, Any]:
    """A collector that a broker named and that has an account now, a collection in its name, and the broker's base."""
    collector = collector_without_account(broker)
    collection = make_collection(broker, collector, make_notice(broker, collector)["id"])
    dataset = filled(broker, numbers, holder_id=collector, collection_id=collection["id"])
    received = {"id": hand_over(broker, dataset, broker)["received_dataset_id"]}
    return admit(registry, collector), collection, received


def state(caller: Caller, collection: Any, status: str, **more: Any) -> Any:
    body = {"occurred_at": "2024-08-01T00:00:00Z", "status": status} | more
    return caller.request("POST", f"/v1/collections/{collection['id']}/statements", json=body)


def test_denied_collection_stays_an_origin_and_says_who_denies_it(
    registry: Registry, client: TestClient, dsn: str
) -> None:
    broker, party, regulator = registry.broker(), registry.party(), registry.regulator()
    collector, collection, base = named_collection(registry, broker, 41)
    hand_over(broker, base, party)
    comment = "Nous n'avons jamais eu ce formulaire."
    assert state(collector, collection, "denied", comment=comment).json()["denied"]
    for caller in (broker, party, regulator):
        found = caller.lookup(number(41), reason="Plainte")
        (origin,) = found["origins"]
        assert (origin["attested"], origin["denial"]["comment"]) == (False, comment)
        assert origin["denial"]["asserted_by"]["id"] == str(collection["collector_id"])
        assert found["orphans"] == []
        assert ", denied by Jeux & Lots" in found["summary"]
        assert caller.get(f"/v1/collections/{collection['id']}")["denied"]
    person = prove(client, dsn, number(41))
    for language, denied in (("fr", "Jeux & Lots le nie"), ("en", "Jeux & Lots denies it")):
        body = {"form": "json", "language": language}
        report = str(person.request("POST", "/v1/disclosures", json=body).json()["report"])
        assert denied in report
        assert comment in report
    assert state(collector, collection, "withdrawn").json()["denied"] is False
    (origin,) = party.lookup(number(41))["origins"]
    assert (origin["attested"], origin["denial"]) == (False, None)
    assert state(collector, collection, "attested").json()["attested"]
    (origin,) = party.lookup(number(41))["origins"]
    assert (origin["attested"], origin["denial"]) == (True, None)
    statements = broker.get(f"/v1/collections/{collection['id']}")["statements"]
    assert [row["status"] for row in statements] == ["denied", "withdrawn", "attested"]


def test_numbers_of_denied_origins_are_counted_apart_each_once(registry: Registry) -> None:
    broker, regulator = registry.broker(), registry.regulator()
    collector, first, base = named_collection(registry, broker, 42, 43)
    other_collector, second, other = named_collection(registry, broker, 43, 44)
    _, third, good = named_collection(registry, broker, 44, 45)
    united = open_dataset(broker, content="union", derived_from=[row["id"] for row in (base, other, good)], **LATER)
    broker.seal(united["id"])

    def counted() -> tuple[int, int]:
        found = broker.get(f"/v1/datasets/{united['id']}/lineage")
        impact = regulator.get(f"/v1/notices/{first['notice_id']}/impact")
        (reached,) = (row for row in impact["datasets"] if row["dataset"]["id"] == united["id"])
        assert reached["number_count"] == 2
        return found["denied_origin_count"], reached["denied_origin_count"]

    assert counted() == (0, 0)
    state(collector, first, "denied")
    assert counted() == (2, 2)
    state(other_collector, second, "denied")
    assert counted() == (3, 2)
    nodes = broker.get(f"/v1/datasets/{united['id']}/lineage")["nodes"]
    denied = {
        node["collected"]["collection_id"] for node in nodes if node["collected"] and node["collected"]["denied_at"]
    }
    assert denied == {first["id"], second["id"]}
    state(collector, first, "withdrawn")
    assert counted() == (2, 0)
    assert third["id"] not in denied


def test_correction_by_its_asserter_ends_an_attestation_and_no_denial(registry: Registry) -> None:
    broker = registry.broker()
    collector, collection, _ = named_collection(registry, broker, 46)
    body = {key: collection[key] for key in ("occurred_at", "collector_id", "notice_id", "channel", "began_on")}

    def correct(former: Any) -> Any:
        return broker.post("/v1/collections", body | {"address": "https://other.example", "corrects_id": former["id"]})

    assert state(collector, collection, "attested").json()["attested"]
    second = correct(collection)
    assert (second["attested"], broker.lookup(number(46))["origins"][0]["attested"]) == (False, False)
    assert refusal(state(collector, collection, "denied")) == (409, "already_corrected")
    assert state(collector, second, "denied").json()["denied"]
    third = correct(second)
    assert third["denied"]
    assert broker.lookup(number(46))["origins"][0]["denial"] is not None
    assert state(collector, third, "attested").json()["attested"]
    notice = broker.get(f"/v1/notices/{collection['notice_id']}")
    make_notice(broker, collection["collector_id"], corrects_id=notice["id"], wording="Autre chose.")
    assert not broker.get(f"/v1/collections/{third['id']}")["attested"]
    assert not broker.lookup(number(46))["origins"][0]["attested"]
    assert state(collector, third, "attested").json()["attested"]
    assert broker.lookup(number(46))["origins"][0]["attested"]


def test_state_collection_without_news_or_by_others_is_refused(registry: Registry) -> None:
    broker, shop = registry.broker(), registry.collector()
    collector, collection, _ = named_collection(registry, broker, 47)
    own = make_collection(shop, shop.id, make_notice(shop, shop.id)["id"])
    assert refusal(state(collector, collection, "withdrawn")) == (409, "already_stated")
    assert refusal(state(broker, collection, "denied")) == (403, "not_the_collector")
    assert refusal(state(shop, collection, "denied")) == (404, "not_found")
    assert refusal(state(shop, own, "denied")) == (409, "asserted_by_you")
    assert refusal(state(collector, collection, "denied", comment="06 39 98 00 47")) == (422, "invalid_request")
    assert state(collector, collection, "denied").status_code == 201
    assert refusal(state(collector, collection, "denied")) == (409, "already_stated")
