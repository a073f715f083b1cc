"""Corrections: a recorded fact is never overwritten, but corrected by a new fact that names it."""

from typing import Any

import pytest

from tests.builders import collected, filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import refusal

pytestmark = pytest.mark.one_registry


def _correction(caller: Caller, collection: Any, **more: Any) -> Any:
    body = {key: collection[key] for key in ("collector_id", "notice_id", "channel", "address", "began_on", "ended_on")}
    body |= {"occurred_at": collection["occurred_at"], "corrects_id": collection["id"]}
    return caller.request("POST", "/v1/collections", json=body | more)


def test_look_up_number_shows_the_collection_as_last_corrected(registry: Registry) -> None:
    shop, buyer = registry.collector(), registry.broker()
    dataset = collected(shop, [1])
    hand_over(shop, dataset, buyer)
    first = shop.get(f"/v1/collections/{dataset['collection_id']}")
    second = _correction(shop, first, address="https://other.example").json()
    third = _correction(shop, second, address="https://right.example").json()
    for caller in (shop, buyer):
        (origin,) = caller.lookup(number(1))["origins"]
        assert (origin["address"], origin["corrects_id"]) == ("https://right.example", second["id"])
        assert origin["collection_id"] == third["id"]
        assert caller.get(f"/v1/collections/{first['id']}") == first | {"corrected_by_id": second["id"]}
        assert caller.get(f"/v1/collections/{third['id']}")["corrects_id"] == second["id"]


def test_correct_collection_by_others_or_again_is_refused(registry: Registry) -> None:
    shop, buyer = registry.collector(), registry.broker()
    dataset = collected(shop, [1])
    hand_over(shop, dataset, buyer)
    first = shop.get(f"/v1/collections/{dataset['collection_id']}")
    assert _correction(buyer, first).status_code == 403
    assert _correction(shop, first).status_code == 201
    assert refusal(_correction(shop, first)) == (409, "already_corrected")
    assert refusal(_correction(registry.collector(), first))[0] in (403, 404)


def test_correct_collection_with_another_notice_or_too_short_is_refused(registry: Registry) -> None:
    shop = registry.collector()
    notice, other = make_notice(shop, shop.id), make_notice(shop, shop.id)
    collection = make_collection(shop, shop.id, notice["id"])
    assert refusal(_correction(shop, collection, notice_id=other["id"])) == (422, "correction_changes_origin")
    dataset = open_dataset(shop, collection_id=collection["id"])
    shop.put_part(dataset["id"], ["telephone;consented_at", "0639980001;2023-05-05"])
    shop.seal(dataset["id"])
    assert refusal(_correction(shop, collection, began_on="2023-06-01", occurred_at="2023-07-01T00:00:00Z")) == (
        422,
        "consents_outside_period",
    )
    assert _correction(shop, collection, began_on="2023-05-05", occurred_at="2023-07-01T00:00:00Z").status_code == 201


def test_upload_part_after_a_correction_uses_the_corrected_period(registry: Registry) -> None:
    shop = registry.collector()
    notice = make_notice(shop, shop.id)
    collection = make_collection(shop, shop.id, notice["id"], ended_on="2023-01-31", occurred_at="2023-02-01T00:00:00Z")
    _correction(shop, collection, ended_on="2023-12-31", occurred_at="2024-01-01T00:00:00Z")
    dataset = open_dataset(shop, collection_id=collection["id"])
    part = shop.put_part(dataset["id"], ["telephone;consented_at", "0639980001;2023-05-05"])
    assert part["rejected_count"] == 0


def test_correct_campaign_replaces_it_in_answers(registry: Registry) -> None:
    party = registry.party()
    right, wrong = filled(party, [1]), filled(party, [2])
    body = {
        "party_id": str(party.id),
        "name": "Appel",
        "originator": "38001",
        "message_text": "Votez.",
        "began_at": "2024-06-06T10:00:00Z",
        "ended_at": "2024-06-06T12:00:00Z",
    }
    first = party.post("/v1/campaigns", body | {"dataset_ids": [wrong["id"]]})
    second = party.post("/v1/campaigns", body | {"dataset_ids": [right["id"]], "corrects_id": first["id"]})
    (campaign,) = party.lookup(number(1))["campaigns"]
    assert (campaign["id"], campaign["corrects_id"]) == (second["id"], first["id"])
    assert party.lookup(number(2))["campaigns"] == []
    assert party.get(f"/v1/campaigns/{first['id']}") == first
    again = party.request(
        "POST", "/v1/campaigns", json=body | {"dataset_ids": [right["id"]], "corrects_id": first["id"]}
    )
    assert refusal(again) == (409, "already_corrected")
    other = registry.party()
    theirs = body | {"party_id": str(other.id), "dataset_ids": [filled(other, [3])["id"]], "corrects_id": second["id"]}
    assert other.request("POST", "/v1/campaigns", json=theirs).status_code == 404


def test_replace_notice_again_is_refused(registry: Registry) -> None:
    shop = registry.collector()
    first = make_notice(shop, shop.id)
    second = make_notice(shop, shop.id, replaces_id=first["id"])
    assert second["version"] == 2
    body = {key: first[key] for key in ("collector_id", "code", "language", "wording", "mechanism", "purposes")}
    body |= {"valid_from_on": first["valid_from_on"], "occurred_at": first["occurred_at"], "replaces_id": first["id"]}
    assert refusal(shop.request("POST", "/v1/notices", json=body)) == (409, "already_replaced")
