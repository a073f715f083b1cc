"""Organisations: their registration numbers, who may register them, and who finds them."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service.core.vocabulary import Role
from tests.builders import filled, hand_over, make_collection, make_notice, number
from tests.callers import Caller, Registry
from tests.inspection import refusal
from tests.persons import prove

pytestmark = pytest.mark.one_registry


def body_of(name: str = "Jeux & Lots SARL", **more: Any) -> dict[str, Any]:
    return {"legal_name": name, "country": "FR", "roles": ["collector"]} | more


def test_register_organisation_checks_the_siren_and_removes_spaces(registry: Registry) -> None:
    broker = registry.broker()
    for siren in ("732 829 320", "732829321", "73282932", "7328293200", "73282932A", "abc"):
        answer = broker.request("POST", "/v1/organisations", json=body_of(registration_number=siren))
        if siren == "732 829 320":
            assert answer.json()["registration_number"] == "732829320"
        else:
            assert refusal(answer) == (422, "invalid_request")
            assert siren not in answer.text


def test_register_organisation_of_another_country_accepts_any_number(registry: Registry) -> None:
    broker = registry.broker()
    made = broker.post("/v1/organisations", body_of(country="DE", registration_number="HRB 86 891"))
    for spelling in ("HRB 86 891", "HRB86891"):
        query = {"country": "DE", "registration_number": spelling}
        assert [row["id"] for row in broker.get("/v1/organisations", params=query)["items"]] == [made["id"]]
    assert broker.get("/v1/organisations", params={"registration_number": "HRB 86 891"})["items"] == []


@pytest.mark.own_registry
def test_register_organisation_again_is_refused_with_its_id(registry: Registry) -> None:
    broker, other = registry.broker(), registry.broker()
    first = broker.post("/v1/organisations", body_of(registration_number="732829320"))
    again = other.request("POST", "/v1/organisations", json=body_of("Autre nom", registration_number="732 829 320"))
    assert refusal(again) == (409, "already_registered")
    assert again.json()["organisation_id"] == first["id"]
    assert other.post("/v1/organisations", body_of(country="DE", registration_number="732829320"))["id"] != first["id"]


def test_register_organisation_again_in_another_spelling_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    same = [
        ("BF", "BF-1", "bf 1", "BF.1"),
        ("CH", "CHE-107.787.577 IVA", "che107787577"),
        ("FR", "FR 83 404 833 048", "404 833 048"),
        ("DE", "Aachen HRA 11223", "hra 11223, aachen"),
    ]
    for country, first, *others in same:
        made = broker.post("/v1/organisations", body_of(f"{country} AG", country=country, registration_number=first))
        assert made["registration_number"] == ("404833048" if country == "FR" else first)
        for spelling in others:
            body = body_of("Autre nom", country=country, registration_number=spelling)
            again = broker.request("POST", "/v1/organisations", json=body)
            assert (refusal(again), again.json()["organisation_id"]) == ((409, "already_registered"), made["id"])
            query = {"country": country, "registration_number": spelling}
            assert broker.get("/v1/organisations", params=query)["items"] == [made]
    wrong = body_of("X", country="CH", registration_number="CHE-107.787.578")
    assert refusal(broker.request("POST", "/v1/organisations", json=wrong)) == (422, "invalid_request")
    assert broker.get("/v1/organisations", params={"country": "CH", "registration_number": "1"})["items"] == []


@pytest.mark.own_registry
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
        roles = body_of(f"Bureau {role}", roles=["collector", role])
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


@pytest.mark.own_registry
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


def _stated(caller: Caller, organisation_id: str, name: str, contact: str, **more: Any) -> Any:
    path = f"/v1/organisations/{organisation_id}/statements"
    return caller.post(path, {"legal_name": name, "privacy_contact": contact} | more)


@pytest.mark.own_registry
def test_wrong_first_name_and_contact_are_the_namers_word_until_the_organisation_speaks(registry: Registry) -> None:
    outsider, operator = registry.broker(), registry.operator()
    wrong = body_of("Faux nom", registration_number="732829320", privacy_contact="phish@evil.example")
    made = outsider.post("/v1/organisations", wrong)
    assert (made["stated_by_id"], made["legal_name"]) == (str(outsider.id), "Faux nom")
    notice = make_notice(outsider, made["id"])
    filled(outsider, [7], holder_id=made["id"], collection_id=make_collection(outsider, made["id"], notice["id"])["id"])
    person = prove(registry.client, registry.dsn, number(7))

    def shown() -> str:
        return json.dumps(person.request("POST", "/v1/disclosures", json={"form": "json", "language": "en"}).json())

    namer = outsider.get(f"/v1/organisations/{outsider.id}")["legal_name"]
    assert f"phish@evil.example (name and contact as stated by {namer})" in shown()
    issued = operator.post("/v1/keys", {"organisation_id": made["id"], "scopes": ["facts:read", "facts:write"]})
    organisation = Caller(registry.client, uuid.UUID(made["id"]), issued["key"])
    assert "phish@evil.example (name and contact as stated by" in shown()
    own = _stated(organisation, made["id"], "Vrai nom SAS", "dpo@vrai.example")
    assert own["counts_for"] == ["legal_name", "privacy_contact"]
    assert [text for text in ("phish@evil.example", "Faux nom", "as stated by") if text in shown()] == []
    assert "dpo@vrai.example" in shown()
    seen = organisation.get(f"/v1/organisations/{made['id']}")
    assert (seen["legal_name"], seen["privacy_contact"]) == ("Vrai nom SAS", "dpo@vrai.example")
    kept = registry.regulator().get(f"/v1/organisations/{made['id']}/statements")["items"]
    assert [(row["legal_name"], "legal_name" in row["counts_for"]) for row in kept] == [
        ("Faux nom", False),
        ("Vrai nom SAS", True),
    ]
    again = {"legal_name": "Faux nom", "privacy_contact": "phish@evil.example"}
    path = f"/v1/organisations/{made['id']}/statements"
    assert refusal(outsider.request("POST", path, json=again)) == (409, "speaks_for_itself")


@pytest.mark.own_registry
def test_second_namers_word_is_on_the_persons_page_until_the_organisation_speaks(registry: Registry) -> None:
    first, second, stranger = registry.broker(), registry.broker(), registry.broker()
    made = first.post("/v1/organisations", body_of("Jeux", privacy_contact="a@jeux.example"))
    notice = make_notice(first, made["id"])
    collection = make_collection(first, made["id"], notice["id"])
    base = hand_over(first, filled(first, [7], holder_id=made["id"], collection_id=collection["id"]), first)
    hand_over(first, {"id": base["received_dataset_id"]}, second)
    hand_over(stranger, filled(stranger, [8]), Caller(stranger.client, uuid.UUID(made["id"]), ""))
    _stated(second, made["id"], "Jeux", "old@jeux.example")
    _stated(second, made["id"], "Jeux SARL", "b@jeux.example")
    _stated(stranger, made["id"], "Jeux", "phish@evil.example")
    person = prove(registry.client, registry.dsn, number(7))
    namer = second.get(f"/v1/organisations/{second.id}")["legal_name"]

    def shown(language: str) -> str:
        sent = person.request("POST", "/v1/disclosures", json={"form": "json", "language": language})
        return json.dumps(sent.json(), ensure_ascii=False).replace("\u202f", " ").replace("\u00a0", " ")

    assert f"Nom et contact selon {namer} : Jeux SARL, b@jeux.example" in shown("fr")
    assert f"Name and contact as stated by {namer}: Jeux SARL, b@jeux.example" in shown("en")
    assert "a@jeux.example (name and contact as stated by" in shown("en")
    assert [text for text in ("old@jeux.example", "phish@evil.example") if text in shown("en")] == []
    issued = registry.operator().post("/v1/keys", {"organisation_id": made["id"], "scopes": ["facts:write"]})
    _stated(Caller(registry.client, uuid.UUID(made["id"]), issued["key"]), made["id"], "Jeux SAS", "dpo@jeux.example")
    assert [text for text in ("a@jeux.example", "b@jeux.example", "as stated by") if text in shown("en")] == []


def test_statement_of_second_namer_stands_beside_and_is_shown_to_those_who_see_it(registry: Registry) -> None:
    first, second, operator = registry.broker(), registry.broker(), registry.operator()
    made = first.post("/v1/organisations", body_of("Jeux", privacy_contact="a@jeux.example"))
    path = f"/v1/organisations/{made['id']}/statements"
    beside = {"legal_name": "Jeux SARL", "privacy_contact": "b@jeux.example"}
    assert refusal(second.request("POST", path, json=beside)) == (404, "not_found")
    hand_over(second, filled(second, [7]), Caller(second.client, uuid.UUID(made["id"]), ""))
    assert second.post(path, beside)["counts_for"] == []
    assert second.get(f"/v1/organisations/{made['id']}")["privacy_contact"] == "a@jeux.example"
    assert second.get(f"/v1/organisations/{made['id']}")["stated_by_id"] is None
    assert [row["legal_name"] for row in second.get(path)["items"]] == ["Jeux SARL"]
    assert [row["legal_name"] for row in first.get(path)["items"]] == ["Jeux"]
    assert [row["legal_name"] for row in registry.regulator().get(path)["items"]] == ["Jeux", "Jeux SARL"]
    assert _stated(first, made["id"], "Jeux SA", "c@jeux.example")["counts_for"]
    assert refusal(operator.request("POST", path, json=beside)) == (422, "reason_required")
    assert _stated(operator, made["id"], "Jeux SARL", "b@jeux.example", reason="Its letter of May")["counts_for"]
    assert first.get(f"/v1/organisations/{made['id']}")["legal_name"] == "Jeux SARL"
