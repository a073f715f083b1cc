"""Organisations: their registration numbers, who may register them, and who finds them."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.core.vocabulary import Role
from tests.callers import Registry
from tests.inspection import refusal


def body_of(name: str = "Jeux & Lots SARL", **more: Any) -> dict[str, Any]:
    return {"legal_name": name, "country": "FR", "roles": ["collector"]} | more


def test_register_organisation_checks_the_siren_and_removes_spaces(registry: Registry) -> None:
    broker = registry.broker()
    for number in ("732 829 320", "732829321", "73282932", "7328293200", "73282932A", "abc"):
        answer = broker.request("POST", "/v1/organisations", json=body_of(registration_number=number))
        if number == "732 829 320":
            assert answer.json()["registration_number"] == "732829320"
        else:
            assert refusal(answer) == (422, "invalid_request")
            assert number not in answer.text


def test_register_organisation_of_another_country_accepts_any_number(registry: Registry) -> None:
    broker = registry.broker()
    made = broker.post("/v1/organisations", body_of(country="DE", registration_number="HRB 86 891"))
    for spelling in ("HRB 86 891", "HRB86891"):
        query = {"country": "DE", "registration_number": spelling}
        assert [row["id"] for row in broker.get("/v1/organisations", params=query)["items"]] == [made["id"]]
    assert broker.get("/v1/organisations", params={"registration_number": "HRB 86 891"})["items"] == []


def test_register_organisation_again_is_refused_with_its_id(registry: Registry) -> None:
    broker, other = registry.broker(), registry.broker()
    first = broker.post("/v1/organisations", body_of(registration_number="732829320"))
    again = other.request("POST", "/v1/organisations", json=body_of("Autre nom", registration_number="732 829 320"))
    assert refusal(again) == (409, "already_registered")
    assert again.json()["organisation_id"] == first["id"]
    assert other.post("/v1/organisations", body_of(country="BE", registration_number="732829320"))["id"] != first["id"]


def test_register_organisation_concurrently_creates_one(registry: Registry) -> None:
    brokers = [registry.broker() for _ in range(6)]
    body = body_of(registration_number="732829320")
    with ThreadPoolExecutor(len(brokers)) as pool:
        answers = list(pool.map(lambda broker: broker.request("POST", "/v1/organisations", json=body), brokers))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    (made,) = (answer.json()["id"] for answer in answers if answer.status_code == 201)
    assert {answer.json()["organisation_id"] for answer in answers if answer.status_code == 409} == {made}


def test_register_regulator_or_operator_by_others_is_refused(registry: Registry) -> None:
    operator, broker = registry.operator(), registry.broker()
    for role in ("regulator", "operator"):
        roles = body_of(roles=["collector", role])
        assert refusal(broker.request("POST", "/v1/organisations", json=roles)) == (403, "role_reserved")
        assert role in operator.post("/v1/organisations", roles)["roles"]


def test_register_organisation_with_invalid_fields_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    wrong: list[dict[str, Any]] = [
        {"roles": []},
        {"roles": ["king"]},
        {"country": "fr"},
        {"country": "FRA"},
        {"legal_name": "  "},
        {"legal_name": "two\nlines"},
        {"legal_name": "nul\x00"},
        {"legal_name": "\ud800"},
        {"legal_name": "turns what comes after it \u202e"},
        {"privacy_contact": "clears a terminal \x1b[2J"},
        {"admitted_at": "2024-01-01T00:00:00Z"},
    ]
    for more in wrong:
        # Escaped, because a lone surrogate can be written in JSON but not sent as UTF-8.
        content, headers = json.dumps(body_of(**more)), {"Content-Type": "application/json"}
        answer = broker.request("POST", "/v1/organisations", content=content, headers=headers)
        assert refusal(answer) == (422, "invalid_request"), more
    assert len(broker.get("/v1/organisations")["items"]) == 1


def test_list_organisations_shows_others_by_number_only(registry: Registry) -> None:
    broker, other = registry.broker(), registry.broker()
    named = broker.post(
        "/v1/organisations", body_of(registration_number="732829320", privacy_contact="dpo@jeux.example")
    )
    assert {row["id"] for row in broker.get("/v1/organisations")["items"]} == {str(broker.id), named["id"]}
    assert {row["id"] for row in other.get("/v1/organisations")["items"]} == {str(other.id)}
    assert refusal(other.request("GET", f"/v1/organisations/{named['id']}")) == (404, "not_found")
    found = other.get("/v1/organisations", params={"registration_number": "732 829 320"})["items"]
    assert [row["id"] for row in found] == [named["id"]]
    assert other.get("/v1/organisations", params={"registration_number": "000000018"})["items"] == []


def test_register_organisation_by_a_processor_is_asserted_by_its_party(registry: Registry) -> None:
    party = registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    named = sender.post("/v1/organisations", body_of())
    assert (named["asserted_by_id"], named["asserted_through_id"]) == (str(party.id), str(sender.id))


def test_list_organisations_returns_pages(registry: Registry) -> None:
    broker = registry.broker()
    made = {broker.post("/v1/organisations", body_of(f"Collecteur {n}"))["id"] for n in range(5)} | {str(broker.id)}
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = broker.get("/v1/organisations", params={"limit": 2} | after)
        found += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert sorted(found) == sorted(made)
