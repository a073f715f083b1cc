"""`Idempotency-Key`: the same request twice makes one thing and gets one answer."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.core.vocabulary import Role
from tests.builders import filled, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows

KEY = {"Idempotency-Key": "0b6c7c1e-once"}


def body_of(caller: Caller, name: str = "Base") -> Any:
    return {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": str(caller.id), "name": name}


def test_the_same_request_again_gets_the_same_answer_and_makes_nothing(registry: Registry) -> None:
    broker = registry.broker()
    first = broker.request("POST", "/v1/datasets", json=body_of(broker), headers=KEY)
    again = broker.request("POST", "/v1/datasets", json=body_of(broker), headers=KEY)
    assert "idempotent-replayed" not in first.headers
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert len(broker.get("/v1/datasets")["items"]) == 1


def test_a_key_belongs_to_one_request(registry: Registry) -> None:
    broker = registry.broker()
    broker.post("/v1/datasets", body_of(broker), headers=KEY)
    other_body = broker.request("POST", "/v1/datasets", json=body_of(broker, "Autre"), headers=KEY)
    assert refusal(other_body) == (409, "idempotency_key_reused")
    other_address = broker.request("POST", "/v1/transfers", json=body_of(broker), headers=KEY)
    assert refusal(other_address)[0] in (409, 422)
    assert len(broker.get("/v1/datasets")["items"]) == 1


def test_a_failed_request_does_not_burn_the_key(registry: Registry) -> None:
    broker = registry.broker()
    wrongs: list[Any] = [{}, body_of(broker) | {"occurred_at": "2199-01-01T00:00:00Z"}, body_of(registry.party())]
    for wrong in wrongs:
        assert broker.request("POST", "/v1/datasets", json=wrong, headers=KEY).status_code in (403, 422)
    assert broker.request("POST", "/v1/datasets", json=body_of(broker), headers=KEY).status_code == 201


def test_twins_at_once_make_one_thing(registry: Registry) -> None:
    broker = registry.broker()
    with ThreadPoolExecutor(8) as pool:
        sent = [
            pool.submit(broker.request, "POST", "/v1/datasets", json=body_of(broker), headers=KEY) for _ in range(8)
        ]
    answers = [one.result() for one in sent]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


def test_keys_of_two_organisations_or_two_principals_do_not_meet(registry: Registry) -> None:
    one, two = registry.party(), registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=one)
    made = {
        caller.post("/v1/datasets", body_of(holder), headers=KEY)["id"]
        for caller, holder in ((one, one), (two, two), (sender, one))
    }
    assert len(made) == 3


def test_a_seal_sent_twice_is_one_job(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    broker.put_part(dataset["id"], ["0639980001"])
    seal = f"/v1/datasets/{dataset['id']}/seal"
    first, again = (broker.post(seal, headers=KEY) for _ in range(2))
    assert first == again
    assert refusal(broker.request("POST", seal, headers={"Idempotency-Key": "another-one"})) == (409, "already_sealed")


def test_what_is_no_key_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    for key in ("short", "x" * 129, "spaces are no part", "été-2024-juin"):
        headers = [(b"Idempotency-Key", key.encode("latin-1")), (b"Authorization", f"Bearer {broker.key}".encode())]
        answer = broker.client.post("/v1/datasets", json=body_of(broker), headers=headers)
        assert refusal(answer) in ((422, "idempotency_key_malformed"), (422, "invalid_request"))


def test_neither_a_key_nor_a_lookup_is_kept(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    filled(broker, [1])
    broker.post("/v1/datasets", body_of(broker), headers={"Idempotency-Key": "33639980001"})
    asked = {"number": "+33639980001"}
    first, again = (broker.request("POST", "/v1/lookups", json=asked, headers=KEY) for _ in range(2))
    assert first.json()["held"]
    assert "idempotent-replayed" not in again.headers
    ((kept, body),) = rows(dsn, "SELECT key, convert_from(body, 'UTF8') FROM idempotent_request")
    assert "33639980001" not in kept + body
