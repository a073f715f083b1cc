"""Notices: their wording and versions, their dated partner lists, and who may add to them."""

from typing import Any

import pytest

from tests.builders import collected, hand_over, make_collection, make_notice
from tests.callers import Caller, Registry
from tests.collection.builders import admit, collector_without_account, partner_list
from tests.inspection import refusal

pytestmark = pytest.mark.one_registry

WORDING = "  ☐ J’accepte de recevoir\r\n\tdes offres, même « politiques ».  "


def test_register_notice_keeps_the_wording_verbatim(registry: Registry) -> None:
    shop = registry.collector()
    notice = make_notice(shop, shop.id, wording=WORDING)
    assert notice["wording"] == WORDING
    assert shop.get(f"/v1/notices/{notice['id']}") == notice


def test_change_notice_is_refused_and_replacing_keeps_the_first(registry: Registry) -> None:
    shop, other = registry.collector(), registry.collector()
    first = make_notice(shop, shop.id)
    for method in ("PUT", "PATCH", "DELETE"):
        assert shop.request(method, f"/v1/notices/{first['id']}", json={"wording": "?"}).status_code == 405
    second = make_notice(shop, shop.id, replaces_id=first["id"], valid_from_on="2023-01-01", wording="Autre.")
    assert (first["version"], second["version"], second["replaces_id"]) == (1, 2, first["id"])
    assert shop.get(f"/v1/notices/{first['id']}") == first
    body = second | {"collector_id": str(other.id), "replaces_id": first["id"]}
    wanted = {key: body[key] for key in ("occurred_at", "collector_id", "code", "replaces_id", "language", "wording")}
    wanted |= {"mechanism": "oral", "purposes": ["transfer"], "valid_from_on": "2024-01-01"}
    assert refusal(other.request("POST", "/v1/notices", json=wanted)) == (404, "not_found")


def test_replace_notice_of_another_collector_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    collector, other = collector_without_account(broker), collector_without_account(broker, "Autre")
    first = make_notice(broker, collector)
    body = {key: first[key] for key in ("occurred_at", "code", "language", "wording", "mechanism", "purposes")}
    body |= {"collector_id": other, "replaces_id": first["id"], "valid_from_on": "2024-01-01"}
    assert refusal(broker.request("POST", "/v1/notices", json=body)) == (422, "replaces_other_collector")


def test_add_partner_list_keeps_earlier_lists(registry: Registry) -> None:
    shop = registry.collector()
    notice = make_notice(
        shop, shop.id, valid_until_on="2024-12-31", partner_list=partner_list("2020-01-01", "Contact Direct")
    )
    lists = f"/v1/notices/{notice['id']}/partner-lists"
    later = shop.post(lists, partner_list("2024-02-01", "Contact Direct", "Parti de l'Aube"))
    corrected = shop.post(lists, partner_list("2024-02-01", "Contact Direct", corrects_id=later["id"]))
    found = shop.get(f"/v1/notices/{notice['id']}")["partner_lists"]
    assert [(row["valid_from_on"], [partner["name"] for partner in row["partners"]]) for row in found] == [
        ("2020-01-01", ["Contact Direct"]),
        ("2024-02-01", ["Contact Direct", "Parti de l'Aube"]),
        ("2024-02-01", ["Contact Direct"]),
    ]
    assert corrected["corrects_id"] == later["id"]


def test_add_partner_list_outside_its_notice_is_refused(registry: Registry, unknown_id: object) -> None:
    shop = registry.collector()
    notice = make_notice(shop, shop.id, valid_until_on="2023-12-31")
    elsewhere = make_notice(shop, shop.id, partner_list=partner_list("2020-01-01", "X"))["partner_lists"][0]["id"]
    cases: list[tuple[dict[str, Any], tuple[int, str]]] = [
        (partner_list("2019-12-31", "X"), (422, "partner_list_before_notice")),
        (partner_list("2024-01-01", "X"), (422, "partner_list_after_notice")),
        (partner_list("2021-01-01"), (422, "invalid_request")),
        (partner_list("2021-01-01", "X", occurred_at="2199-01-01T00:00:00Z"), (422, "in_the_future")),
        (partner_list("2021-01-01", "X", corrects_id=elsewhere), (404, "not_found")),
        (partner_list("2021-01-01", partners=[{"name": "X", "organisation_id": str(unknown_id)}]), (404, "not_found")),
    ]
    for body, expected in cases:
        assert refusal(shop.request("POST", f"/v1/notices/{notice['id']}/partner-lists", json=body)) == expected
    assert shop.get(f"/v1/notices/{notice['id']}")["partner_lists"] == []
    for day in ("2020-01-01", "2023-12-31"):
        shop.post(f"/v1/notices/{notice['id']}/partner-lists", partner_list(day, categories=["partis politiques"]))


def test_register_notice_with_invalid_fields_is_refused(registry: Registry) -> None:
    shop = registry.collector()
    notice = make_notice(shop, shop.id)
    good = {key: notice[key] for key in ("occurred_at", "collector_id", "code", "language", "wording", "mechanism")}
    good |= {"purposes": ["transfer"], "valid_from_on": "2020-01-01"}
    wrong: list[dict[str, Any]] = [
        {"valid_until_on": "2019-12-31"},
        {"purposes": []},
        {"purposes": ["world_domination"]},
        {"wording": ""},
        {"language": "français"},
        {"time_zone": "Europe/Lutèce"},
        {"occurred_at": "2024-01-01T00:00:00"},
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"occurred_at": "9999-12-31T23:59:59-14:00"},
    ]
    for more in wrong:
        assert refusal(shop.request("POST", "/v1/notices", json=good | more)) == (422, "invalid_request"), more
    assert len(shop.get("/v1/notices")["items"]) == 1


def test_register_notice_has_the_time_zone_of_its_collector(registry: Registry) -> None:
    broker = registry.broker()
    zones = {("FR", None): "Europe/Paris", ("DE", None): "Europe/Berlin", ("US", "America/Denver"): "America/Denver"}
    for (country, zone), expected in zones.items():
        named = {"legal_name": f"Jeux {country}", "country": country, "roles": ["collector"], "time_zone": zone}
        collector = broker.post("/v1/organisations", named)
        assert collector["time_zone"] == expected
        assert make_notice(broker, collector["id"])["time_zone"] == expected
        assert make_notice(broker, collector["id"], time_zone="Asia/Tokyo")["time_zone"] == "Asia/Tokyo"


def test_register_notice_of_a_collector_in_several_zones_asks_for_one(registry: Registry) -> None:
    broker = registry.broker()
    named = {"legal_name": "Jeux US", "country": "US", "roles": ["collector"]}
    collector = broker.post("/v1/organisations", named)
    assert collector["time_zone"] is None
    like = make_notice(broker, collector_without_account(broker))
    body = {key: like[key] for key in ("occurred_at", "code", "language", "wording", "mechanism", "purposes")}
    body |= {"collector_id": collector["id"], "valid_from_on": "2020-01-01"}
    refused = broker.request("POST", "/v1/notices", json=body)
    assert refusal(refused) == (422, "time_zone_missing")
    assert "US does not have a single time zone" in refused.json()["detail"]
    stated = broker.post("/v1/notices", body | {"time_zone": "America/Denver"})
    assert stated["time_zone"] == "America/Denver"


def test_register_notice_for_a_collector_with_account_is_refused(registry: Registry) -> None:
    broker, shop = registry.broker(), registry.collector()
    notice = make_notice(shop, shop.id)
    good = {key: notice[key] for key in ("occurred_at", "collector_id", "code", "language", "wording", "mechanism")}
    good |= {"purposes": ["transfer"], "valid_from_on": "2020-01-01"}
    assert refusal(broker.request("POST", "/v1/notices", json=good)) == (403, "has_own_account")
    asserted = make_notice(broker, collector_without_account(broker))
    assert asserted["asserted_by_id"] == str(broker.id)


def test_add_to_notice_seen_upstream_is_refused(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    collector = collector_without_account(broker)
    notice = make_notice(broker, collector)
    collection = make_collection(broker, collector, notice["id"])
    dataset = collected_by(broker, collector, collection["id"])
    received = hand_over(broker, dataset, broker, recipient_id=str(broker.id))
    cut = broker.get(f"/v1/datasets/{received['received_dataset_id']}")
    hand_over(broker, cut, party, occurred_at="2024-03-01T00:00:00Z")
    assert party.get(f"/v1/notices/{notice['id']}")["wording"] == notice["wording"]
    path = f"/v1/notices/{notice['id']}"
    added = party.request("POST", f"{path}/partner-lists", json=partner_list("2020-01-01", "Parti de l'Aube"))
    assert refusal(added) == (403, "not_your_notice")
    file: dict[str, Any] = {"content": b"%PDF-1.4\n%%EOF\n", "headers": {"Content-Type": "application/pdf"}}
    shot = party.request("POST", f"{path}/evidence", **file)
    assert refusal(shot) == (403, "not_your_notice")
    replacing = {key: notice[key] for key in ("occurred_at", "collector_id", "code", "language", "wording")}
    replacing |= {"mechanism": "oral", "purposes": ["transfer"], "valid_from_on": "2021-01-01"}
    again = party.request("POST", "/v1/notices", json=replacing | {"replaces_id": notice["id"]})
    assert refusal(again) == (403, "not_your_notice")
    assert broker.get(path)["partner_lists"] == []


def collected_by(broker: Caller, collector: str, collection_id: str) -> Any:
    body = {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": collector, "name": "C", "collection_id": collection_id}
    dataset = broker.post("/v1/datasets", body)
    broker.put_part(dataset["id"], ["0639980001"])
    return broker.seal(dataset["id"])


def test_register_collection_under_another_brokers_notice_is_not_found(registry: Registry) -> None:
    first, second = registry.broker(), registry.broker()
    collector = collector_without_account(first)
    notice = make_notice(first, collector)
    assert refusal(second.request("GET", f"/v1/notices/{notice['id']}")) == (404, "not_found")
    body = {"occurred_at": "2024-01-01T00:00:00Z", "collector_id": collector, "notice_id": notice["id"]}
    body |= {"channel": "shop", "address": "Lyon", "began_on": "2020-01-01"}
    assert refusal(second.request("POST", "/v1/collections", json=body)) == (404, "not_found")
    own = make_notice(second, collector)
    assert [row["id"] for row in second.get("/v1/notices")["items"]] == [own["id"]]


def test_add_partner_list_by_a_collector_admitted_later_is_recorded(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    collector = collector_without_account(broker)
    notice = make_notice(broker, collector)
    itself = admit(registry, collector)
    path = f"/v1/notices/{notice['id']}/partner-lists"
    assert itself.post(path, partner_list("2020-01-01", "Contact Direct"))["asserted_by_id"] == collector
    assert refusal(broker.request("POST", path, json=partner_list("2021-01-01", "X")))[0] in (403, 404)


def test_list_notices_includes_those_upstream_of_holdings(registry: Registry) -> None:
    shop, broker, stranger = registry.collector(), registry.broker(), registry.broker()
    dataset = collected(shop, [1])
    hand_over(shop, dataset, broker)
    (notice,) = shop.get("/v1/notices")["items"]
    assert [row["id"] for row in broker.get("/v1/notices")["items"]] == [notice["id"]]
    assert stranger.get("/v1/notices")["items"] == []
