"""`Idempotency-Key` of persons: a repeated request creates nothing new and gets the first response again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.builders import filled, number
from tests.callers import Registry
from tests.inspection import refusal, rows
from tests.persons import PersonCaller, prove

pytestmark = pytest.mark.one_registry

KEY = "0b6c7c1e-once"
ERASURE, DISCLOSURE = {"kind": "erasure"}, {"form": "pdf"}


@pytest.fixture
def prover(registry: Registry) -> Any:
    """Makes a person of a number that a broker holds."""

    def of(last: int) -> PersonCaller:
        filled(registry.broker(), [last])
        assert isinstance(registry.client, TestClient)
        return prove(registry.client, registry.dsn, number(last))

    return of


def post(person: PersonCaller, path: str, body: Any, key: str = KEY) -> Response:
    return person.request("POST", path, json=body, headers={"Idempotency-Key": key})


def test_repeated_objection_gets_the_first_response_also_with_a_quoted_key(prover: Any) -> None:
    person = prover(1)
    first = post(person, "/v1/objections", ERASURE)
    again, quoted = post(person, "/v1/objections", ERASURE), post(person, "/v1/objections", ERASURE, f'"{KEY}"')
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    for response in (again, quoted):
        assert (response.status_code, response.json()) == (201, first.json())
        assert response.headers["idempotent-replayed"] == "true"
    assert len(person.request("GET", "/v1/objections").json()["items"]) == 1


def test_repeated_disclosure_is_the_same_document_and_recorded_once(prover: Any, registry: Registry) -> None:
    person, count = prover(2), "SELECT count(*) FROM disclosure"
    ((before,),) = rows(registry.dsn, count)
    first, again = post(person, "/v1/disclosures", DISCLOSURE), post(person, "/v1/disclosures", DISCLOSURE)
    assert first.content.startswith(b"%PDF-")
    for name in ("content-type", "content-disposition"):
        assert again.headers[name] == first.headers[name]
    # What pads a letter at its end is random each time.
    assert (again.status_code, again.content[:20_000]) == (201, first.content[:20_000])
    assert rows(registry.dsn, count) == [(before + 1,)]
    post(person, "/v1/disclosures", DISCLOSURE, "another-key")
    assert rows(registry.dsn, count) == [(before + 2,)]


def test_key_of_another_request_is_refused_and_another_persons_is_its_own(prover: Any) -> None:
    person, other = prover(3), prover(4)
    mine = post(person, "/v1/objections", ERASURE).json()
    assert refusal(post(person, "/v1/objections", {"kind": "objection"})) == (409, "idempotency_key_reused")
    assert refusal(post(person, "/v1/disclosures", ERASURE))[0] in (409, 422)
    assert refusal(post(person, "/v1/objections", ERASURE, "x")) == (422, "idempotency_key_malformed")
    theirs = post(other, "/v1/objections", ERASURE)
    assert (theirs.status_code, "idempotent-replayed" in theirs.headers) == (201, False)
    assert theirs.json()["id"] != mine["id"]


def test_key_of_a_failed_request_can_be_used_again(prover: Any) -> None:
    person = prover(5)
    unknown = {"kind": "objection", "scope": "organisation", "organisation_id": "01a22c0f-766f-7216-8cc8-9cfbd2d06232"}
    for body in (unknown, {"kind": "nothing"}):
        assert post(person, "/v1/objections", body).status_code in (404, 422)
    assert post(person, "/v1/objections", ERASURE).status_code == 201


def test_same_disclosure_at_once_from_many_threads_is_recorded_once(prover: Any, registry: Registry) -> None:
    person, count = prover(6), "SELECT count(*) FROM disclosure"
    ((before,),) = rows(registry.dsn, count)
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(post, person, "/v1/disclosures", {"form": "json"}) for _ in range(6)]
    responses = [future.result() for future in sent]
    made = [response.json() for response in responses if response.status_code == 201]
    assert made
    assert all(each == made[0] for each in made)
    assert {refusal(each)[1] for each in responses if each.status_code != 201} <= {"request_in_progress"}
    assert rows(registry.dsn, count) == [(before + 1,)]


def test_interrupted_request_may_be_sent_again_after_a_minute(prover: Any, registry: Registry) -> None:
    person = prover(7)
    post(person, "/v1/objections", ERASURE)
    rows(registry.dsn, "UPDATE person_request SET status = NULL, body = NULL")
    assert refusal(post(person, "/v1/objections", ERASURE)) == (409, "request_in_progress")
    rows(registry.dsn, "UPDATE person_request SET recorded_at = recorded_at - interval '2 minutes'")
    again = post(person, "/v1/objections", ERASURE)
    assert (again.status_code, "idempotent-replayed" in again.headers) == (201, False)
    assert len(person.request("GET", "/v1/objections").json()["items"]) == 1


def test_stored_response_shows_nothing_and_goes_with_the_session(prover: Any, registry: Registry) -> None:
    person = prover(8)
    made = post(person, "/v1/disclosures", {"form": "json"}, f"key-{number(8)[1:]}")
    assert made.status_code == 201
    ((session_id,),) = rows(registry.dsn, "SELECT session_id FROM person_request ORDER BY recorded_at DESC LIMIT 1")
    of_session = "SELECT * FROM person_request WHERE session_id = %s"
    stored = str(rows(registry.dsn, of_session, session_id))
    assert len(stored) > 1000
    for digits in (number(8)[1:], number(8)[-9:]):
        assert digits not in stored
    assert person.request("DELETE", "/v1/session").status_code == 204
    assert refusal(post(person, "/v1/objections", ERASURE))[0] == 401
    assert rows(registry.dsn, of_session, session_id) == []
