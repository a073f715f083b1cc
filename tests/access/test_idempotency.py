"""`Idempotency-Key`: a repeated request creates nothing new and gets the first response again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from httpx2 import Response

from service.core.vocabulary import Role
from tests.builders import filled, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows, until, waiting_for_locks

pytestmark = pytest.mark.one_registry

KEY = {"Idempotency-Key": "0b6c7c1e-once"}


def body_of(caller: Caller, name: str = "Base") -> Any:
    return {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": str(caller.id), "name": name}


def test_repeated_request_gets_the_first_response_and_creates_nothing(registry: Registry) -> None:
    broker = registry.broker()
    first = broker.request("POST", "/v1/datasets", json=body_of(broker), headers=KEY)
    again = broker.request("POST", "/v1/datasets", json=body_of(broker), headers=KEY)
    assert "idempotent-replayed" not in first.headers
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert len(broker.get("/v1/datasets")["items"]) == 1


def test_key_of_another_request_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    broker.post("/v1/datasets", body_of(broker), headers=KEY)
    other_body = broker.request("POST", "/v1/datasets", json=body_of(broker, "Autre"), headers=KEY)
    assert refusal(other_body) == (409, "idempotency_key_reused")
    other_address = broker.request("POST", "/v1/transfers", json=body_of(broker), headers=KEY)
    assert refusal(other_address)[0] in (409, 422)
    assert len(broker.get("/v1/datasets")["items"]) == 1


def test_key_of_a_failed_request_can_be_used_again(registry: Registry) -> None:
    broker = registry.broker()
    refused: list[Any] = [{}, body_of(broker) | {"occurred_at": "2199-01-01T00:00:00Z"}, body_of(registry.party())]
    for body in refused:
        assert broker.request("POST", "/v1/datasets", json=body, headers=KEY).status_code in (403, 422)
    assert broker.request("POST", "/v1/datasets", json=body_of(broker), headers=KEY).status_code == 201


def test_same_request_at_once_from_many_threads_creates_one_dataset(registry: Registry) -> None:
    broker = registry.broker()
    with ThreadPoolExecutor(8) as pool:
        sent = [
            pool.submit(broker.request, "POST", "/v1/datasets", json=body_of(broker), headers=KEY) for _ in range(8)
        ]
    responses = [future.result() for future in sent]
    created = [response for response in responses if response.status_code == 201]
    assert len({response.json()["id"] for response in created}) == 1
    assert sum("idempotent-replayed" not in response.headers for response in created) == 1
    refused = [response for response in responses if response.status_code != 201]
    assert {refusal(response) for response in refused} <= {(409, "request_in_progress")}


def test_repeats_of_a_running_request_are_refused_at_once_and_hold_no_connection(registry: Registry, dsn: str) -> None:
    """They are more than the pool has connections."""
    broker, other = registry.broker(), registry.broker()

    def repeat(_: int = 0) -> Response:
        return broker.request("POST", "/v1/datasets", json=body_of(broker), headers=KEY)

    with ThreadPoolExecutor(12) as pool, psycopg.connect(dsn) as blocking:
        blocking.execute("LOCK TABLE dataset IN EXCLUSIVE MODE")
        first = pool.submit(repeat)
        until(lambda: waiting_for_locks(dsn))
        repeated = list(pool.map(repeat, range(36)))
        assert {refusal(response) for response in repeated} == {(409, "request_in_progress")}
        assert all(int(response.headers["retry-after"]) > 0 for response in repeated)
        assert other.get("/v1/datasets")["items"] == []
        assert not first.done()
        blocking.rollback()
        assert first.result().status_code == 201
    assert repeat().headers["idempotent-replayed"] == "true"


def test_same_key_of_other_organisations_or_principals_is_another_key(registry: Registry) -> None:
    party, other_party = registry.party(), registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    created = {
        caller.post("/v1/datasets", body_of(holder), headers=KEY)["id"]
        for caller, holder in ((party, party), (other_party, other_party), (sender, party))
    }
    assert len(created) == 3


def test_repeated_seal_is_one_job(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    broker.put_part(dataset["id"], ["0639980001"])
    seal = f"/v1/datasets/{dataset['id']}/seal"
    first, again = (broker.post(seal, headers=KEY) for _ in range(2))
    assert first == again
    assert refusal(broker.request("POST", seal, headers={"Idempotency-Key": "another-one"})) == (409, "already_sealed")


def test_malformed_key_is_refused(registry: Registry) -> None:
    broker = registry.broker()
    for key in ("short", "x" * 129, "spaces are no part", "été-2024-juin"):
        headers = [(b"Idempotency-Key", key.encode("latin-1")), (b"Authorization", f"Bearer {broker.key}".encode())]
        answer = broker.client.post("/v1/datasets", json=body_of(broker), headers=headers)
        assert refusal(answer) in ((422, "idempotency_key_malformed"), (422, "invalid_request"))


@pytest.mark.own_registry
def test_key_is_stored_as_a_hash_and_a_lookup_not_at_all(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    filled(broker, [1])
    broker.post("/v1/datasets", body_of(broker), headers={"Idempotency-Key": "33639980001"})
    lookup = {"number": "+33639980001"}
    first, again = (broker.request("POST", "/v1/lookups", json=lookup, headers=KEY) for _ in range(2))
    assert first.json()["held"]
    assert "idempotent-replayed" not in again.headers
    ((stored, body),) = rows(dsn, "SELECT key, body FROM idempotent_request")
    assert "33639980001" not in stored
    assert b"name" not in body


def test_key_in_quotation_marks_is_the_same_key(registry: Registry) -> None:
    shop = registry.collector()
    body = {"legal_name": "Courtier Un", "country": "FR", "roles": ["broker"]}
    bare = shop.request("POST", "/v1/organisations", json=body, headers={"Idempotency-Key": "8e03978e-40d5"})
    quoted = shop.request("POST", "/v1/organisations", json=body, headers={"Idempotency-Key": '"8e03978e-40d5"'})
    assert (bare.status_code, quoted.status_code) == (201, 201)
    assert quoted.headers["idempotent-replayed"] == "true"
    assert quoted.json() == bare.json()
    for key in ('"short"', '"', '""', '"8e03978e-40d5', "'8e03978e-40d5'"):
        answer = shop.request("POST", "/v1/organisations", json=body, headers={"Idempotency-Key": key})
        assert refusal(answer) == (422, "idempotency_key_malformed"), key
