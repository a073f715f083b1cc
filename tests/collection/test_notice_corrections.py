"""Corrections of notices and withdrawn screenshots: what was shown in truth, and what was recorded before."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.builders import collected, filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.collection.builders import admit, collector_without_account, partner_list
from tests.collection.test_evidence import png
from tests.inspection import refusal, rows
from tests.persons import prove

pytestmark = pytest.mark.one_registry

_NOTICE = ("collector_id", "code", "language", "wording", "mechanism", "purposes", "valid_from_on", "valid_until_on")


def correction_of(notice: Any, **more: Any) -> dict[str, Any]:
    """The body of a correction that changes the wording."""
    body = {key: notice[key] for key in (*_NOTICE, "time_zone")}
    return body | {"occurred_at": "2020-01-01T00:00:00Z", "wording": "En vrai.", "corrects_id": notice["id"]} | more


def correct(caller: Caller, notice: Any, **more: Any) -> Any:
    return caller.post("/v1/notices", correction_of(notice, **more))


def refused(caller: Caller, notice: Any, **more: Any) -> tuple[int, str]:
    return refusal(caller.request("POST", "/v1/notices", json=correction_of(notice, **more)))


def report_on(client: TestClient, dsn: str, last_four: int) -> str:
    person = prove(client, dsn, number(last_four))
    response = person.request("POST", "/v1/disclosures", json={"form": "json"})
    assert response.status_code == 201, response.text
    return str(response.json()["report"])


def test_correct_notice_shows_the_corrected_wording_and_what_it_was_to_all_who_see_it(
    registry: Registry, client: TestClient, dsn: str
) -> None:
    shop, buyer, regulator, stranger = registry.collector(), registry.broker(), registry.regulator(), registry.broker()
    dataset = collected(shop, [21])
    hand_over(shop, dataset, buyer)
    collection = shop.get(f"/v1/collections/{dataset['collection_id']}")
    first = shop.get(f"/v1/notices/{collection['notice_id']}")
    second = correct(shop, first)
    third = correct(shop, second, wording="En toute vérité.", mechanism="pre_ticked_box", purposes=["transfer"])
    assert (third["first_id"], third["version"], third["corrects_id"]) == (first["id"], 1, second["id"])
    for caller in (shop, buyer, regulator):
        (origin,) = caller.lookup(number(21), reason="Plainte")["origins"]
        shown = origin["notice"]
        assert (shown["id"], shown["wording"], shown["mechanism"]) == (
            third["id"],
            "En toute vérité.",
            "pre_ticked_box",
        )
        assert (shown["asserted_by"]["id"], shown["recorded_at"]) == (str(shop.id), third["recorded_at"])
        assert [(earlier["id"], earlier["wording"]) for earlier in shown["earlier"]] == [
            (first["id"], first["wording"]),
            (second["id"], "En vrai."),
        ]
        found = {notice["id"]: notice for notice in caller.get("/v1/notices")["items"]}
        assert [found[notice["id"]]["corrected_by_id"] for notice in (first, second, third)] == [
            second["id"],
            third["id"],
            None,
        ]
        assert caller.get(f"/v1/notices/{first['id']}")["wording"] == first["wording"]
    for notice in (first, second, third):
        assert refusal(stranger.request("GET", f"/v1/notices/{notice['id']}")) == (404, "not_found")
    report = str(
        prove(client, dsn, number(21)).request("POST", "/v1/disclosures", json={"form": "json"}).json()["report"]
    )
    assert "En toute vérité." in report
    assert first["wording"] in report
    assert "a été corrigé le" in report


def test_counts_lineage_and_impact_follow_a_corrected_notice_without_counting_twice(registry: Registry) -> None:
    shop, buyer = registry.collector(), registry.broker()
    first = make_notice(shop, shop.id)
    before = filled(shop, [22, 23], collection_id=make_collection(shop, shop.id, first["id"])["id"])
    second = correct(shop, first)
    collections = [make_collection(shop, shop.id, notice["id"]) for notice in (first, second)]
    later = [filled(shop, [23, 24], collection_id=collection["id"]) for collection in collections]
    united = open_dataset(shop, content="union", derived_from=[before["id"], *(row["id"] for row in later)])
    shop.seal(united["id"])
    hand_over(shop, united, buyer)
    for notice in (first, second):
        impact = shop.get(f"/v1/notices/{notice['id']}/impact")
        assert impact["notice_id"] == second["id"]
        counts = {reached["dataset"]["id"]: reached["number_count"] for reached in impact["datasets"]}
        assert counts[united["id"]] == 3
        assert [counts[row["id"]] for row in (before, *later)] == [2, 2, 2]
    nodes = shop.get(f"/v1/datasets/{united['id']}/lineage")["nodes"]
    assert {node["collected"]["notice_id"] for node in nodes if node["collected"]} == {second["id"]}


def test_lineage_names_the_corrected_collection_as_lookups_do(registry: Registry) -> None:
    shop = registry.collector()
    dataset = collected(shop, [25])
    first = shop.get(f"/v1/collections/{dataset['collection_id']}")
    body = {key: first[key] for key in ("occurred_at", "collector_id", "notice_id", "channel", "address", "began_on")}
    second = shop.post("/v1/collections", body | {"corrects_id": first["id"], "address": "https://right.example"})
    (node,) = shop.get(f"/v1/datasets/{dataset['id']}/lineage")["nodes"]
    (origin,) = shop.lookup(number(25))["origins"]
    assert node["collected"]["collection_id"] == origin["collection_id"] == second["id"]
    assert shop.get(f"/v1/collections/{first['id']}")["corrected_by_id"] == second["id"]


def test_correct_notice_by_others_again_or_with_new_lists_is_refused(registry: Registry, unknown_id: object) -> None:
    shop, buyer = registry.collector(), registry.broker()
    dataset = collected(shop, [26])
    hand_over(shop, dataset, buyer)
    first = shop.get(f"/v1/notices/{shop.get('/v1/collections/' + dataset['collection_id'])['notice_id']}")
    assert refused(buyer, first) == (403, "not_your_fact")
    assert refused(registry.collector(), first) == (404, "not_found")
    assert refused(shop, first, corrects_id=str(unknown_id)) == (404, "not_found")
    assert refused(shop, first, replaces_id=first["id"]) == (422, "invalid_request")
    assert refused(shop, first, partner_list=partner_list("2020-01-01", "X")) == (422, "invalid_request")
    other = collector_without_account(shop)
    assert refused(shop, first, collector_id=other) == (422, "correction_changes_collector")
    second = correct(shop, first)
    again = shop.request("POST", "/v1/notices", json=correction_of(first))
    assert refusal(again) == (409, "already_corrected")
    assert second["id"] in again.json()["detail"]


def test_correct_notice_concurrently_keeps_one_correction(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    for _ in range(3):
        first = make_notice(shop, shop.id)
        with ThreadPoolExecutor(4) as threads:
            made = list(
                threads.map(lambda _, it=first: shop.request("POST", "/v1/notices", json=correction_of(it)), range(4))
            )
        assert sorted(response.status_code for response in made) == [201, 409, 409, 409]
        assert rows(dsn, "SELECT count(*) FROM notice WHERE first_id = %s", first["id"]) == [(2,)]


def test_correct_notice_whose_days_exclude_lists_collections_or_consents_is_refused(registry: Registry) -> None:
    shop = registry.collector()
    first = make_notice(shop, shop.id, partner_list=partner_list("2021-05-01", "X"))
    assert refused(shop, first, valid_from_on="2021-05-02") == (422, "partner_list_outside_notice")
    assert refused(shop, first, valid_until_on="2021-04-30") == (422, "partner_list_outside_notice")
    days = {"began_on": "2022-03-01", "ended_on": "2022-03-31", "occurred_at": "2022-04-01T00:00:00Z"}
    collection = make_collection(shop, shop.id, first["id"], **days)
    dataset = open_dataset(shop, collection_id=collection["id"])
    shop.put_part(dataset["id"], ["telephone;consented_at", "0639980027;2022-03-01T00:30:00+01:00"])
    shop.seal(dataset["id"])
    assert refused(shop, first, valid_until_on="2022-03-30") == (422, "collection_outside_notice")
    assert refused(shop, first, time_zone="America/Martinique") == (422, "consents_outside_period")
    assert (
        correct(shop, first, valid_from_on="2021-05-01", valid_until_on="2022-03-31")["valid_until_on"] == "2022-03-31"
    )
    body = {"collector_id": str(shop.id), "notice_id": first["id"], "channel": "shop", "address": "X"}
    body |= {"occurred_at": "2023-02-01T00:00:00Z", "began_on": "2023-01-01"}
    assert refusal(shop.request("POST", "/v1/collections", json=body)) == (422, "collection_after_notice")


def test_lists_and_evidence_of_a_notice_stay_with_its_corrections(registry: Registry) -> None:
    shop, buyer = registry.collector(), registry.broker()
    first = make_notice(shop, shop.id, partner_list=partner_list("2020-01-01", "Contact Direct"))
    path, headers = "/v1/notices/{}/evidence", {"Content-Type": "image/png"}
    screenshot = shop.request("POST", path.format(first["id"]), content=png(), headers=headers).json()
    second = correct(shop, first)
    added = shop.post(f"/v1/notices/{first['id']}/partner-lists", partner_list("2023-01-01", "Parti de l'Aube"))
    assert added["notice_id"] == first["id"]
    for notice in (first, second):
        shown = shop.get(f"/v1/notices/{notice['id']}")
        assert [row["valid_from_on"] for row in shown["partner_lists"]] == ["2020-01-01", "2023-01-01"]
        assert [row["id"] for row in shown["evidence"]] == [screenshot["id"]]
        file = shop.request("GET", f"{path.format(notice['id'])}/{screenshot['id']}")
        assert file.content == png()
    dataset = open_dataset(shop, collection_id=make_collection(shop, shop.id, second["id"])["id"])
    shop.put_part(dataset["id"], ["telephone;consented_at", "0639980028;2023-05-05"])
    hand_over(shop, shop.seal(dataset["id"]), buyer)
    (origin,) = buyer.lookup(number(28))["origins"]
    assert [partner["name"] for partner in origin["partner_list"]["partners"]] == ["Parti de l'Aube"]
    assert [piece["id"] for piece in origin["notice"]["evidence"]] == [screenshot["id"]]


def test_correct_partner_list_by_others_or_twice_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    collector = collector_without_account(broker)
    notice = make_notice(broker, collector, partner_list=partner_list("2020-01-01", "X"))
    path, (first,) = f"/v1/notices/{notice['id']}/partner-lists", notice["partner_lists"]
    own = admit(registry, collector)
    wanted = partner_list("2020-01-01", "Y", corrects_id=first["id"])
    assert refusal(own.request("POST", path, json=wanted)) == (403, "not_your_fact")
    second = own.post(path, partner_list("2020-01-01", "Z"))
    wanted = partner_list("2020-01-01", "Y", corrects_id=second["id"])
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda _: own.request("POST", path, json=wanted), range(3)))
    assert sorted(response.status_code for response in made) == [201, 409, 409]
    assert rows(dsn, "SELECT count(*) FROM partner_list WHERE corrects_id = %s", second["id"]) == [(1,)]


def test_broker_corrects_what_it_stated_of_a_collector_that_has_an_account_now(registry: Registry) -> None:
    broker = registry.broker()
    collector = collector_without_account(broker)
    notice = make_notice(broker, collector)
    collection = make_collection(broker, collector, notice["id"])
    dataset = filled(broker, [29], holder_id=collector, collection_id=collection["id"])
    hand_over(broker, dataset, broker)
    own = admit(registry, collector)
    assert correct(broker, notice)["wording"] == "En vrai."
    body = {key: collection[key] for key in ("occurred_at", "collector_id", "notice_id", "channel", "began_on")}
    broker.post("/v1/collections", body | {"address": "https://right.example", "corrects_id": collection["id"]})
    (origin,) = broker.lookup(number(29))["origins"]
    assert (origin["address"], origin["notice"]["wording"]) == ("https://right.example", "En vrai.")
    assert refused(own, notice) == (403, "not_your_fact")
    assert refusal(broker.request("POST", "/v1/collections", json=body | {"address": "X"})) == (
        403,
        "has_own_account",
    )


def test_replace_notice_concurrently_or_under_another_version_keeps_one_successor(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    first = make_notice(shop, shop.id)
    second = correct(shop, first)
    body = correction_of(first, corrects_id=None, valid_from_on="2023-01-01")
    bodies = [body | {"replaces_id": notice["id"]} for notice in (first, second, first, second)]
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda wanted: shop.request("POST", "/v1/notices", json=wanted), bodies))
    assert sorted(response.status_code for response in made) == [201, 409, 409, 409]


def test_withdrawn_screenshot_stays_readable_and_says_why(registry: Registry, client: TestClient, dsn: str) -> None:
    shop, buyer = registry.collector(), registry.broker()
    dataset = collected(shop, [30])
    hand_over(shop, dataset, buyer)
    notice_id = shop.get(f"/v1/collections/{dataset['collection_id']}")["notice_id"]
    path = f"/v1/notices/{notice_id}/evidence"
    made = shop.request("POST", path, content=png(), headers={"Content-Type": "image/png"}).json()
    withdrawal = f"{path}/{made['id']}/withdrawal"
    wanted = {"occurred_at": "2024-01-01T00:00:00Z", "reason": "La capture montre une autre page."}
    assert refusal(buyer.request("POST", withdrawal, json=wanted)) == (403, "not_your_fact")
    assert refusal(registry.broker().request("POST", withdrawal, json=wanted)) == (404, "not_found")
    assert shop.post(withdrawal, wanted)["withdrawal"]["reason"] == wanted["reason"]
    assert refusal(shop.request("POST", withdrawal, json=wanted)) == (409, "already_withdrawn")
    assert buyer.request("GET", f"{path}/{made['id']}").content == png()
    (piece,) = buyer.get(f"/v1/notices/{notice_id}")["evidence"]
    assert piece["withdrawal"]["reason"] == wanted["reason"]
    (origin,) = buyer.lookup(number(30))["origins"]
    assert origin["notice"]["evidence"][0]["withdrawal"]["reason"] == wanted["reason"]
    report = str(
        prove(client, dsn, number(30)).request("POST", "/v1/disclosures", json={"form": "json"}).json()["report"]
    )
    assert wanted["reason"] in report
