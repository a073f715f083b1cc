"""Collections: within which notices they lie, and how their collectors attest them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.builders import hand_over, make_collection, make_notice
from tests.callers import Registry
from tests.collection.builders import admit, collector_without_account
from tests.inspection import refusal, until, waiting_for_locks

pytestmark = pytest.mark.one_registry


def body_of(collector_id: Any, notice_id: str, **more: Any) -> dict[str, Any]:
    body = {"occurred_at": "2024-07-01T00:00:00Z", "collector_id": str(collector_id), "notice_id": notice_id}
    return body | {"channel": "shop", "address": "Lyon", "began_on": "2023-01-01"} | more


def test_register_collection_outside_its_notice_is_refused(registry: Registry) -> None:
    shop = registry.collector()
    notice = make_notice(shop, shop.id, valid_from_on="2023-01-01", valid_until_on="2024-06-30")
    dates: list[tuple[dict[str, Any], tuple[int, str] | None]] = [
        ({"ended_on": "2024-06-30"}, None),
        ({"ended_on": "2023-01-01"}, None),
        ({"began_on": "2022-12-31", "ended_on": "2023-06-30"}, (422, "collection_before_notice")),
        ({"ended_on": "2024-07-01"}, (422, "collection_after_notice")),
        ({}, (422, "collection_after_notice")),
        ({"began_on": "2023-02-02", "ended_on": "2023-02-01"}, (422, "invalid_request")),
        ({"ended_on": "2024-01-01", "occurred_at": "2022-12-31T22:59:59Z"}, (422, "occurred_before_began")),
        ({"ended_on": "2024-01-01", "occurred_at": "2022-12-31T23:00:00Z"}, None),
        ({"ended_on": "2024-01-01", "occurred_at": "2199-01-01T00:00:00Z"}, (422, "in_the_future")),
    ]
    for more, expected in dates:
        answer = shop.request("POST", "/v1/collections", json=body_of(shop.id, notice["id"], **more))
        if expected is None:
            assert answer.status_code == 201, answer.text
        else:
            assert refusal(answer) == expected, more
    assert len(shop.get("/v1/collections")["items"]) == 3


def test_register_collection_under_a_foreign_notice_is_refused(registry: Registry, unknown_id: object) -> None:
    broker, shop = registry.broker(), registry.collector()
    collector, other = (collector_without_account(broker, name) for name in ("Jeux", "Comparauto"))
    notice, foreign = make_notice(broker, collector), make_notice(shop, shop.id)
    cases = [
        (body_of(other, notice["id"]), (422, "notice_of_other_collector")),
        (body_of(collector, foreign["id"]), (404, "not_found")),
        (body_of(collector, str(unknown_id)), (404, "not_found")),
        (body_of(unknown_id, notice["id"]), (404, "not_found")),
        (body_of(shop.id, foreign["id"]), (403, "has_own_account")),
    ]
    for body, expected in cases:
        assert refusal(broker.request("POST", "/v1/collections", json=body)) == expected


ATTESTED = {"occurred_at": "2024-08-01T00:00:00Z", "status": "attested"}


def test_attest_collection_by_others_or_again_is_refused(registry: Registry) -> None:
    broker, stranger = registry.broker(), registry.broker()
    collector = collector_without_account(broker)
    collection = make_collection(broker, collector, make_notice(broker, collector)["id"])
    path = f"/v1/collections/{collection['id']}"
    assert not collection["attested"]
    assert refusal(broker.request("POST", f"{path}/statements", json=ATTESTED)) == (403, "not_the_collector")
    assert refusal(stranger.request("POST", f"{path}/statements", json=ATTESTED)) == (404, "not_found")
    itself = admit(registry, collector)
    made = itself.post(f"{path}/statements", ATTESTED)
    assert [row["asserted_by_id"] for row in made["statements"]] == [collector]
    assert itself.get(path)["attested"]
    assert refusal(itself.request("POST", f"{path}/statements", json=ATTESTED)) == (409, "already_stated")


def test_attest_collection_concurrently_succeeds_once(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    collector = collector_without_account(broker)
    collection = make_collection(broker, collector, make_notice(broker, collector)["id"])
    itself = admit(registry, collector)
    path = f"/v1/collections/{collection['id']}/statements"
    with psycopg.connect(dsn) as first, ThreadPoolExecutor(1) as pool:
        first.execute("SELECT 1 FROM collection FOR UPDATE")
        first.execute(
            "INSERT INTO collector_statement (id, collection_id, status, asserted_by_id, occurred_at, recorded_at) "
            "SELECT gen_random_uuid(), id, 'attested', collector_id, now(), now() FROM collection"
        )
        second = pool.submit(itself.request, "POST", path, json=ATTESTED)
        until(lambda: waiting_for_locks(dsn) == 1)
        first.commit()
        assert refusal(second.result()) == (409, "already_stated")


def test_attest_collection_of_its_own_is_refused(registry: Registry) -> None:
    shop = registry.collector()
    collection = make_collection(shop, shop.id, make_notice(shop, shop.id)["id"])
    assert collection["attested"]
    answer = shop.request("POST", f"/v1/collections/{collection['id']}/statements", json=ATTESTED)
    assert refusal(answer) == (409, "asserted_by_you")


def test_register_collection_for_a_collector_with_account_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    collector = collector_without_account(broker)
    notice = make_notice(broker, collector)
    body = body_of(collector, notice["id"])
    broker.post("/v1/collections", body)
    itself = admit(registry, collector)
    assert refusal(broker.request("POST", "/v1/collections", json=body)) == (403, "has_own_account")
    holder = {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": collector, "name": "Base"}
    assert refusal(broker.request("POST", "/v1/datasets", json=holder)) == (403, "has_own_account")
    assert len(itself.get("/v1/collections")["items"]) == 1
    assert broker.get("/v1/collections")["items"] == []


def test_list_collections_of_two_brokers_of_a_collector_are_separate(registry: Registry) -> None:
    first, second = registry.broker(), registry.broker()
    collector = collector_without_account(first)
    made = [make_collection(broker, collector, make_notice(broker, collector)["id"]) for broker in (first, second)]
    for broker, own, other in ((first, *made), (second, *reversed(made))):
        assert [row["id"] for row in broker.get("/v1/collections")["items"]] == [own["id"]]
        assert refusal(broker.request("GET", f"/v1/collections/{other['id']}")) == (404, "not_found")
        under = {
            "occurred_at": "2024-01-01T00:00:00Z",
            "holder_id": collector,
            "name": "C",
            "collection_id": other["id"],
        }
        assert refusal(broker.request("POST", "/v1/datasets", json=under)) == (404, "not_found")


def test_use_dataset_of_a_collector_without_account_is_its_asserters(registry: Registry) -> None:
    first, second, party = registry.broker(), registry.broker(), registry.party()
    collector = collector_without_account(first)
    collection = make_collection(first, collector, make_notice(first, collector)["id"])
    body = {
        "occurred_at": "2024-01-01T00:00:00Z",
        "holder_id": collector,
        "name": "C",
        "collection_id": collection["id"],
    }
    dataset = first.post("/v1/datasets", body)
    part = f"/v1/datasets/{dataset['id']}/parts/1"
    sent = second.request("PUT", part, content=b"0639980001", headers={"Content-Type": "text/csv"})
    assert refusal(sent) == (404, "not_found")
    first.put_part(dataset["id"], ["0639980001"])
    sealed = first.seal(dataset["id"])
    bought = hand_over(first, sealed, first)
    assert (bought["status"], bought["sender_id"]) == ("acknowledged", collector)
    sold = first.get(f"/v1/datasets/{bought['received_dataset_id']}")
    hand_over(first, sold, party, occurred_at="2024-03-01T00:00:00Z")
    assert party.get(f"/v1/collections/{collection['id']}") == collection
    # A dataset upstream is visible, but not to derive from: an orphan list would show which numbers others hold.
    cut = {
        "occurred_at": "2024-04-01T00:00:00Z",
        "holder_id": collector,
        "name": "Sonde",
        "derived_from": [sealed["id"]],
    }
    assert refusal(party.request("POST", "/v1/datasets", json=cut)) == (403, "not_your_dataset")
    own = cut | {"holder_id": str(party.id)}
    assert refusal(party.request("POST", "/v1/datasets", json=own)) == (422, "parent_of_other_holder")
