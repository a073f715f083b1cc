"""What is stated of an organisation is corrected by new statements: by whom, of which details, and what stays."""

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

WHY = {"reason": "Extract of the register, 3 May"}


def named_by(caller: Caller, name: str, **more: Any) -> str:
    body = {"legal_name": name, "country": "FR", "roles": ["collector"]} | more
    return str(caller.post("/v1/organisations", body)["id"])


def admitted(registry: Registry, organisation_id: str) -> Caller:
    wanted = {"organisation_id": organisation_id, "scopes": ["facts:read", "facts:write"]}
    key = registry.operator().post("/v1/keys", wanted)["key"]
    return Caller(registry.client, uuid.UUID(organisation_id), key)


def statements_on(organisation_id: Any) -> str:
    return f"/v1/organisations/{organisation_id}/statements"


def shown(caller: Caller, organisation_id: Any, *details: str) -> list[Any]:
    row = caller.get(f"/v1/organisations/{organisation_id}")
    return [row[detail] for detail in details]


def test_operator_corrects_every_detail_and_earlier_statements_stay(registry: Registry) -> None:
    broker, operator = registry.broker(), registry.operator()
    wrong = {"privacy_contact": "faux@evil.example", "registration_number": "HRB 1", "country": "DE"}
    made = named_by(broker, "Faux nom SA", **wrong)
    right = {
        "legal_name": "Vrai nom SA",
        "privacy_contact": None,
        "country": "BE",
        "registration_number": "BE 0428.759.497",
        "roles": ["party", "broker"],
        "time_zone": "Europe/Brussels",
        "aliases": ["Le Vrai", "Le Vrai", "Het Ware"],
        "closed_on": "2024-12-31",
    }
    made_statement = operator.post(statements_on(made), right | WHY)
    expected = right | {"roles": ["broker", "party"], "aliases": ["Le Vrai", "Het Ware"]}
    assert shown(broker, made, *expected) == list(expected.values())
    assert set(made_statement["counts_for"]) == set(right)
    first, second = broker.get(statements_on(made))["items"]
    assert (first["asserted_by_id"], first["legal_name"], first["counts_for"]) == (str(broker.id), "Faux nom SA", [])
    assert (second["asserted_by_id"], second["reason"]) == (None, WHY["reason"])
    assert shown(broker, made, "stated_by_id") == [None]


def test_statement_of_one_detail_says_nothing_of_the_others(registry: Registry) -> None:
    broker, operator = registry.broker(), registry.operator()
    made = named_by(broker, "Jeux partiels", privacy_contact="a@jeux.example", aliases=["Parties"])
    operator.post(statements_on(made), {"registration_number": "404 833 048"} | WHY)
    assert shown(broker, made, "legal_name", "privacy_contact", "aliases", "registration_number", "stated_by_id") == [
        *("Jeux partiels", "a@jeux.example", ["Parties"], "404833048", str(broker.id)),
    ]
    # The name is still the word of its first namer, who may correct it; the number is the operator's.
    assert broker.post(statements_on(made), {"legal_name": "Jeux en parties"})["counts_for"]
    assert shown(broker, made, "legal_name", "privacy_contact") == ["Jeux en parties", "a@jeux.example"]
    refused = broker.request("POST", statements_on(made), json={"registration_number": "303 265 045"})
    assert refusal(refused) == (403, "not_yours_to_state")
    operator.post(statements_on(made), {"registration_number": None} | WHY)
    assert shown(broker, made, "registration_number") == [None]
    counting = {
        detail: row["legal_name"] for row in broker.get(statements_on(made))["items"] for detail in row["counts_for"]
    }
    assert counting == {
        **dict.fromkeys(("country", "roles", "aliases"), "Jeux partiels"),
        **dict.fromkeys(("legal_name", "privacy_contact"), "Jeux en parties"),
        "registration_number": None,
    }


def test_organisation_corrects_itself_but_not_its_country_and_offices(registry: Registry) -> None:
    broker = registry.broker()
    made = named_by(broker, "Jeux propres")
    itself = admitted(registry, made)
    own = {"roles": ["broker"], "registration_number": "732 829 320", "time_zone": "America/Cayenne", "aliases": ["JP"]}
    assert set(itself.post(statements_on(made), own)["counts_for"]) == set(own)
    assert shown(itself, made, "roles", "registration_number", "time_zone") == [
        ["broker"],
        "732829320",
        "America/Cayenne",
    ]
    wrong = {
        "not_yours_to_state": {"country": "BE"},
        "role_reserved": {"roles": ["broker", "regulator"]},
    }
    for slug, body in wrong.items():
        assert refusal(itself.request("POST", statements_on(made), json=body)) == (403, slug)
    for body in ({}, {"reason": "only a reason"}, {"legal_name": None}, {"roles": []}, {"country": None}):
        assert refusal(itself.request("POST", statements_on(made), json=body)) == (422, "invalid_request"), body
    assert refusal(itself.request("POST", statements_on(made), json={"closed_on": "2199-01-01"})) == (
        422,
        "in_the_future",
    )


def test_processors_key_states_nothing_of_its_party(registry: Registry) -> None:
    party = registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    refused = sender.request("POST", statements_on(party.id), json={"aliases": ["X"]})
    assert refusal(refused) == (403, "own_key_required")


def test_first_namer_corrects_what_it_stated_until_the_organisation_is_admitted(registry: Registry) -> None:
    broker, second = registry.broker(), registry.broker()
    made = named_by(broker, "Jeux tiers", registration_number="303 265 045")
    hand_over(second, filled(second, [7]), Caller(second.client, uuid.UUID(made), ""))
    right = {"registration_number": "404 833 048", "roles": ["party"], "aliases": ["Tiers"]}
    assert set(broker.post(statements_on(made), right)["counts_for"]) == set(right)
    for caller, body in (
        (broker, {"closed_on": "2024-01-01"}),
        (broker, {"country": "BE"}),
        (second, {"roles": ["broker"]}),
    ):
        assert refusal(caller.request("POST", statements_on(made), json=body)) == (403, "not_yours_to_state"), body
    assert second.post(statements_on(made), {"aliases": ["Autre nom"]})["counts_for"] == []
    assert shown(broker, made, "aliases") == [["Tiers"]]
    admitted(registry, made)
    late = broker.request("POST", statements_on(made), json={"registration_number": None})
    assert refusal(late) == (403, "not_yours_to_state")


def test_correct_number_of_another_organisation_or_country_is_refused(registry: Registry) -> None:
    broker, operator = registry.broker(), registry.operator()
    taken = named_by(broker, "Déjà là", registration_number="552 100 554")
    made = named_by(broker, "Jeux nouveaux", registration_number="CHE-107.787.577", country="CH")
    number = {"registration_number": "FR 96 552 100 554", "country": "FR"} | WHY
    refused = operator.request("POST", statements_on(made), json=number)
    assert (refusal(refused), refused.json()["organisation_id"]) == ((409, "already_registered"), taken)
    for body in ({"country": "FR"}, {"registration_number": "CHE-107.787.578"}):
        refused = operator.request("POST", statements_on(made), json=body | WHY)
        assert refusal(refused) == (422, "registration_number_invalid")
    assert refusal(operator.request("POST", statements_on(made), json={"country": "CH"})) == (422, "reason_required")
    assert len(operator.get(statements_on(made))["items"]) == 1


def test_statements_of_one_number_at_once_give_it_to_one(registry: Registry) -> None:
    broker, operator = registry.broker(), registry.operator()
    made = [named_by(broker, f"Jeux du nombre {letter}") for letter in "abcd"]
    body = {"registration_number": "542 107 651"} | WHY

    def state(organisation_id: str) -> Any:
        return operator.request("POST", statements_on(organisation_id), json=body)

    with ThreadPoolExecutor(len(made)) as pool:
        answers = list(pool.map(state, made))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


def test_role_of_an_office_changes_only_without_keys(registry: Registry) -> None:
    operator, broker = registry.operator(), registry.broker()
    body = {"roles": ["regulator"]} | WHY
    assert refusal(operator.request("POST", statements_on(broker.id), json=body)) == (409, "keys_in_use")
    assert operator.post(statements_on(broker.id), {"roles": ["party"]} | WHY)
    made = named_by(operator, "Autorité d'essai")
    assert operator.post(statements_on(made), body)["counts_for"] == ["roles"]


@pytest.mark.own_registry
def test_closed_organisation_is_shown_as_such_and_takes_nothing_more(registry: Registry) -> None:
    broker, operator = registry.broker(), registry.operator()
    made = named_by(broker, "Jeux finis")
    notice = make_notice(broker, made)
    collection = make_collection(broker, made, notice["id"])
    dataset = filled(broker, [7], holder_id=made, collection_id=collection["id"])
    sold = hand_over(broker, dataset, broker, occurred_at="2024-06-01T21:59:00Z")
    operator.post(statements_on(made), {"closed_on": "2024-06-01"} | WHY)
    later = {"dataset_id": dataset["id"], "recipient_id": str(broker.id), "occurred_at": "2024-06-01T22:01:00Z"}
    later |= {key: sold[key] for key in ("purpose", "lawful_basis", "sender_role", "recipient_role")}
    assert refusal(broker.request("POST", "/v1/transfers", json=later)) == (409, "organisation_closed")
    assert broker.post("/v1/transfers", later | {"occurred_at": "2024-06-01T21:59:30Z"})
    gathered = {key: collection[key] for key in ("collector_id", "notice_id", "channel", "address", "began_on")}
    gathered |= {"occurred_at": "2024-07-01T00:00:00Z"}
    assert refusal(broker.request("POST", "/v1/collections", json=gathered)) == (409, "organisation_closed")
    (origin,) = broker.lookup(number(7))["origins"]
    assert (origin["collector"]["legal_name"], origin["collector"]["closed_on"]) == ("Jeux finis", "2024-06-01")
    person = prove(registry.client, registry.dsn, number(7))
    for language, closed in (
        ("en", "Jeux finis (closed on 1 June 2024)"),
        ("fr", "Jeux finis (activité cessée le 1er juin 2024)"),
    ):
        sent = person.request("POST", "/v1/disclosures", json={"form": "json", "language": language})
        assert closed in sent.text.replace("\u00a0", " "), language
    operator.post(statements_on(made), {"closed_on": None} | WHY)
    assert broker.lookup(number(7))["origins"][0]["collector"]["closed_on"] is None
