"""Seeing a fact upstream gives no right to add to it: nobody gives its own numbers another's origin."""

import pytest

from tests.builders import collected, hand_over, make_notice, number
from tests.callers import Registry
from tests.inspection import refusal

pytestmark = pytest.mark.one_registry

COLLECTOR = {"legal_name": "Comparauto SAS", "country": "FR", "roles": ["collector"]}


def test_register_facts_under_a_notice_seen_upstream_is_refused(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    collector = broker.post("/v1/organisations", COLLECTOR)
    notice = make_notice(broker, collector["id"])
    collection = {
        "occurred_at": "2020-01-02T00:00:00Z",
        "collector_id": collector["id"],
        "notice_id": notice["id"],
        "channel": "web_form",
        "address": "https://form.example",
        "began_on": "2020-01-01",
    }
    mine = broker.post("/v1/collections", collection)
    dataset = {
        "occurred_at": "2024-01-01T00:00:00Z",
        "holder_id": collector["id"],
        "name": "D",
        "collection_id": mine["id"],
    }
    sold = broker.post("/v1/datasets", dataset)
    broker.put_part(sold["id"], [number(1)])
    sold = broker.seal(sold["id"])
    bought = hand_over(broker, sold, broker)
    hand_over(broker, {"id": bought["received_dataset_id"]}, party)
    assert party.get(f"/v1/collections/{mine['id']}")["id"] == mine["id"]
    assert refusal(party.request("POST", "/v1/datasets", json=dataset)) == (403, "not_your_collection")
    assert refusal(party.request("POST", "/v1/collections", json=collection)) == (403, "not_your_notice")


def test_find_organisation_by_number_hides_who_named_it(registry: Registry) -> None:
    broker, stranger = registry.broker(), registry.broker()
    named = broker.post("/v1/organisations", COLLECTOR | {"registration_number": "000100024"})
    assert named["asserted_by_id"] == str(broker.id)
    query = {"registration_number": "000100024"}
    (found,) = stranger.get("/v1/organisations", params=query)["items"]
    assert (found["id"], found["legal_name"]) == (named["id"], "Comparauto SAS")
    assert [found[key] for key in ("asserted_by_id", "recorded_at", "occurred_at", "privacy_contact")] == [None] * 4
    assert broker.get("/v1/organisations", params=query)["items"] == [named]


def test_seal_guesses_shows_nothing_of_a_recipients_file(registry: Registry) -> None:
    shop, client = registry.collector(), registry.party()
    transfer = hand_over(shop, collected(shop, [1, 2]), client)
    client.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    client.put_part(transfer["received_dataset_id"], [number(1), number(2), number(9001)])
    client.finish(client.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true"))
    collected(shop, range(8990, 9010))
    assert shop.lookup(number(9001))["transfers"] == []
    assert [row["status"] for row in shop.lookup(number(1))["transfers"]] == ["disputed"]
