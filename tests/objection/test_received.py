"""Objections that a holder received elsewhere, by letter or on its website."""

import hashlib
import json
from typing import Any

from service.core.vocabulary import Role
from tests.builders import number
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows
from tests.objection.builders import Holders, create_objection, objections_of, relay_states, relays_to

PATH = "/v1/objections/received"


def letter(*last_fours: int, **more: Any) -> dict[str, Any]:
    """The body of a request: letters of 20 May from the owners of these numbers."""
    numbers = [{"number": number(last_four), "occurred_at": "2024-05-20T10:00:00+02:00"} for last_four in last_fours]
    return {"kind": "objection", "numbers": numbers} | more


def outcomes(holder: Caller, body: dict[str, Any]) -> list[str]:
    return [result["outcome"] for result in holder.post(PATH, body)["results"]]


def test_record_received_objections_relays_to_other_holders(holders: Holders) -> None:
    assert outcomes(holders.broker, letter(7, 8)) == ["recorded", "recorded"]
    (seen,) = objections_of(holders.person(7))
    assert relay_states(seen) == {
        holders.shop_id: "undeliverable",
        str(holders.broker.id): "acknowledged",
        str(holders.party.id): "pending",
    }
    assert (seen["source"], seen["recorded_by"]["id"]) == ("holder", str(holders.broker.id))
    assert seen["occurred_at"] == "2024-05-20T08:00:00Z"
    assert seen["recorded_at"] > "2026", "deadlines run from the recording here"
    assert {relay["number"] for relay in relays_to(holders.party)} == {number(7), number(8)}


def test_record_received_erasure_must_still_be_completed_by_the_recorder(holders: Holders) -> None:
    holders.broker.post(PATH, letter(7, kind="erasure"))
    person = holders.person(7)
    (relay,) = relays_to(holders.broker)
    assert str(holders.broker.id) in relay_states(create_objection(person))
    holders.broker.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert str(holders.broker.id) not in relay_states(create_objection(person, scope="purpose", purpose="fundraising"))


def test_record_received_for_number_not_held_is_not_recorded(holders: Holders, registry: Registry) -> None:
    stranger = registry.party()
    answer = stranger.post(PATH, letter(7, 9999))
    assert answer["results"] == [{"outcome": "not_held", "objection_id": None}] * 2
    assert objections_of(holders.person(7)) == []


def test_record_received_by_asserter_of_a_holder_without_account(holders: Holders, registry: Registry) -> None:
    """The broker asserts the dataset of the shop, which has no account, and so may record objections for it."""
    assert outcomes(holders.broker, letter(1)) == ["recorded"]


def test_record_received_with_processor_key_acts_for_its_party(holders: Holders) -> None:
    assert outcomes(holders.sender, letter(7)) == ["recorded"]
    (seen,) = objections_of(holders.person(7))
    assert seen["recorded_by"]["id"] == str(holders.party.id)


def test_record_received_twice_records_one_objection(holders: Holders, dsn: str) -> None:
    assert outcomes(holders.broker, letter(7)) == ["recorded"]
    assert outcomes(holders.broker, letter(7)) == ["already_recorded"]
    assert rows(dsn, "SELECT count(*) FROM objection") == [(1,)]
    for holder in (holders.broker, holders.party):
        holder.post(f"/v1/objections/relays/{relays_to(holder)[0]['id']}/complete")
    assert outcomes(holders.broker, letter(7)) == ["already_recorded"]
    assert outcomes(holders.party, letter(7)) == ["recorded"], "another holder's letter is another objection"


def test_record_received_with_same_idempotency_key_repeats_the_response(holders: Holders, dsn: str) -> None:
    headers = {"Idempotency-Key": "letters-of-may"}
    first = holders.broker.request("POST", PATH, json=letter(7), headers=headers)
    again = holders.broker.request("POST", PATH, json=letter(7), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = holders.broker.request("POST", PATH, json=letter(8), headers=headers)
    assert refusal(other) == (409, "idempotency_key_reused")
    assert rows(dsn, "SELECT count(*) FROM objection") == [(1,)]


def test_stored_request_reveals_no_number_to_guessing(holders: Holders, dsn: str) -> None:
    body = json.dumps(letter(7)).encode()
    headers = {"Idempotency-Key": "letters-of-may", "Content-Type": "application/json"}
    assert holders.broker.request("POST", PATH, content=body, headers=headers).status_code == 201
    ((digest, answer),) = rows(dsn, "SELECT request_fingerprint, body FROM idempotent_request WHERE body IS NOT NULL")
    assert digest != hashlib.sha256(f"POST {PATH}\n".encode() + body).digest()
    assert number(7)[1:].encode() not in answer


def test_record_received_with_an_unreadable_number_records_the_others(holders: Holders) -> None:
    body = letter(7, 8)
    body["numbers"][0]["number"] = "Mme Durand"
    assert outcomes(holders.broker, body) == ["unreadable", "recorded"]


INVALID: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"numbers": []}, (422, "invalid_request")),
    ({"numbers": [{"number": number(7), "occurred_at": "2199-01-01T00:00:00Z"}]}, (422, "in_the_future")),
    ({"numbers": [{"number": number(7)}]}, (422, "invalid_request")),
    ({"numbers": letter(*[7] * 1001)["numbers"]}, (422, "invalid_request")),
    ({"scope": "organisation"}, (422, "invalid_request")),
    ({"region": "ZZ"}, (422, "unknown_region")),
]


def test_record_received_with_invalid_body_is_refused(holders: Holders) -> None:
    found = [(more, refusal(holders.broker.request("POST", PATH, json=letter(7) | more))) for more, _ in INVALID]
    assert found == INVALID
    assert relays_to(holders.broker) == []


def test_record_received_in_the_future_names_the_number_by_its_place(holders: Holders) -> None:
    said = letter(7, 8)
    said["numbers"][1]["occurred_at"] = "2199-01-01T00:00:00Z"
    problem = holders.broker.request("POST", PATH, json=said).json()
    assert problem["detail"].startswith("`numbers.1.occurred_at` is in the future")


def test_record_received_against_another_organisation_is_refused(holders: Holders) -> None:
    itself = letter(7, scope="organisation", organisation_id=str(holders.broker.id))
    assert outcomes(holders.broker, itself) == ["recorded"]
    assert relays_to(holders.party) == []
    another = letter(7, scope="organisation", organisation_id=str(holders.party.id))
    assert refusal(holders.broker.request("POST", PATH, json=another)) == (403, "against_another_organisation")


def test_record_received_by_regulator_or_operator_is_refused(holders: Holders, registry: Registry) -> None:
    for caller in (registry.regulator(), registry.operator()):
        assert refusal(caller.request("POST", PATH, json=letter(7)))[0] == 403
    assert registry.organisation(Role.BROKER).post(PATH, letter(7))["results"][0]["outcome"] == "not_held"


def test_person_who_objects_too_sees_both_objections(holders: Holders) -> None:
    holders.broker.post(PATH, letter(7))
    person = holders.person(7)
    filed = create_objection(person)
    assert [objection["source"] for objection in objections_of(person)] == ["person", "holder"]
    assert objections_of(person)[0]["id"] == filed["id"]
