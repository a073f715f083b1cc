"""Objections that a holder received elsewhere, by letter or on its own page."""

import hashlib
import json
from typing import Any

import pytest

from service.core.vocabulary import Role
from tests.builders import number
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows
from tests.objection.builders import Holders, feed, objects, own, several_holders, states

PATH = "/v1/objections/received"


@pytest.fixture
def holders(registry: Registry) -> Holders:
    return several_holders(registry)


def letter(*last_fours: int, **more: Any) -> dict[str, Any]:
    """Letters of 20 May, from the owners of these numbers."""
    numbers = [{"number": number(one), "occurred_at": "2024-05-20T10:00:00+02:00"} for one in last_fours]
    return {"kind": "objection", "numbers": numbers} | more


def outcomes(holder: Caller, body: dict[str, Any]) -> list[str]:
    return [one["outcome"] for one in holder.post(PATH, body)["results"]]


def test_every_other_holder_is_told_and_the_recorder_knows(holders: Holders) -> None:
    assert outcomes(holders.broker, letter(7, 8)) == ["recorded", "recorded"]
    (seen,) = own(holders.person(7))
    assert states(seen) == {
        holders.shop_id: "undeliverable",
        str(holders.broker.id): "acknowledged",
        str(holders.party.id): "pending",
    }
    assert (seen["source"], seen["recorded_by"]["id"]) == ("holder", str(holders.broker.id))
    assert seen["occurred_at"] == "2024-05-20T08:00:00Z"
    assert seen["recorded_at"] > "2026", "deadlines run from when we were told"
    assert [relay["number"] for relay in feed(holders.party)] == [number(7), number(8)]


def test_to_have_recorded_is_not_to_have_acted(holders: Holders) -> None:
    holders.broker.post(PATH, letter(7, kind="erasure"))
    person = holders.person(7)
    (relay,) = feed(holders.broker)
    assert str(holders.broker.id) in states(objects(person))
    holders.broker.post(f"/v1/objections/relays/{relay['id']}/complete")
    assert str(holders.broker.id) not in states(objects(person, scope="purpose", purpose="fundraising"))


def test_who_does_not_hold_a_number_records_nothing_and_learns_nothing(holders: Holders, registry: Registry) -> None:
    stranger = registry.party()
    answer = stranger.post(PATH, letter(7, 9999))
    assert answer["results"] == [{"outcome": "not_held", "objection_id": None}] * 2
    assert own(holders.person(7)) == []


def test_a_holder_that_tells_for_one_without_an_account_may_record(holders: Holders, registry: Registry) -> None:
    """The broker asserts the base of the shop, which has no account, and answers for it."""
    assert outcomes(holders.broker, letter(1)) == ["recorded"]


def test_the_party_through_its_sender(holders: Holders) -> None:
    assert outcomes(holders.sender, letter(7)) == ["recorded"]
    (seen,) = own(holders.person(7))
    assert seen["recorded_by"]["id"] == str(holders.party.id)


def test_the_same_letter_twice_is_one_objection(holders: Holders, dsn: str) -> None:
    assert outcomes(holders.broker, letter(7)) == ["recorded"]
    assert outcomes(holders.broker, letter(7)) == ["already_recorded"]
    assert rows(dsn, "SELECT count(*) FROM objection") == [(1,)]
    for holder in (holders.broker, holders.party):
        hands_relay = feed(holder)[0]
        holder.post(f"/v1/objections/relays/{hands_relay['id']}/complete")
    assert outcomes(holders.broker, letter(7)) == ["already_recorded"]
    assert outcomes(holders.party, letter(7)) == ["recorded"], "another holder's letter is another act"


def test_a_repeated_request_gets_its_first_answer(holders: Holders, dsn: str) -> None:
    headers = {"Idempotency-Key": "letters-of-may"}
    first = holders.broker.request("POST", PATH, json=letter(7), headers=headers)
    again = holders.broker.request("POST", PATH, json=letter(7), headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = holders.broker.request("POST", PATH, json=letter(8), headers=headers)
    assert refusal(other) == (409, "idempotency_key_reused")
    assert rows(dsn, "SELECT count(*) FROM objection") == [(1,)]


def test_what_is_kept_of_a_request_cannot_be_tried_for_each_number(holders: Holders, dsn: str) -> None:
    body = json.dumps(letter(7)).encode()
    headers = {"Idempotency-Key": "letters-of-may", "Content-Type": "application/json"}
    assert holders.broker.request("POST", PATH, content=body, headers=headers).status_code == 201
    ((digest, answer),) = rows(dsn, "SELECT request_fingerprint, body FROM idempotent_request WHERE body IS NOT NULL")
    assert digest != hashlib.sha256(f"POST {PATH}\n".encode() + body).digest()
    assert number(7)[1:].encode() not in answer


def test_lines_that_are_no_numbers_do_not_hold_up_the_others(holders: Holders) -> None:
    body = letter(7, 8)
    body["numbers"][0]["number"] = "Mme Durand"
    assert outcomes(holders.broker, body) == ["unreadable", "recorded"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"numbers": []}, (422, "invalid_request")),
        ({"numbers": [{"number": number(7), "occurred_at": "2199-01-01T00:00:00Z"}]}, (422, "in_the_future")),
        ({"numbers": [{"number": number(7)}]}, (422, "invalid_request")),
        ({"numbers": letter(*[7] * 1001)["numbers"]}, (422, "invalid_request")),
        ({"scope": "organisation"}, (422, "invalid_request")),
        ({"region": "ZZ"}, (422, "unknown_region")),
    ],
)
def test_what_is_refused(holders: Holders, more: dict[str, Any], expected: tuple[int, str]) -> None:
    assert refusal(holders.broker.request("POST", PATH, json=letter(7) | more)) == expected
    assert feed(holders.broker) == []


def test_which_of_many_is_in_the_future_is_told(holders: Holders) -> None:
    said = letter(7, 8)
    said["numbers"][1]["occurred_at"] = "2199-01-01T00:00:00Z"
    problem = holders.broker.request("POST", PATH, json=said).json()
    assert problem["detail"].startswith("`numbers.1.occurred_at` is in the future")


def test_against_itself_but_not_against_another(holders: Holders) -> None:
    itself = letter(7, scope="organisation", organisation_id=str(holders.broker.id))
    assert outcomes(holders.broker, itself) == ["recorded"]
    assert feed(holders.party) == []
    another = letter(7, scope="organisation", organisation_id=str(holders.party.id))
    assert refusal(holders.broker.request("POST", PATH, json=another)) == (403, "against_another_organisation")


def test_only_who_trades_with_numbers(holders: Holders, registry: Registry) -> None:
    for caller in (registry.regulator(), registry.operator()):
        assert refusal(caller.request("POST", PATH, json=letter(7)))[0] == 403
    assert registry.organisation(Role.BROKER).post(PATH, letter(7))["results"][0]["outcome"] == "not_held"


def test_a_person_who_objects_too_is_told_of_both(holders: Holders) -> None:
    holders.broker.post(PATH, letter(7))
    person = holders.person(7)
    filed = objects(person)
    assert [one["source"] for one in own(person)] == ["person", "holder"]
    assert own(person)[0]["id"] == filed["id"]
