"""Every refusal is a problem (RFC 9457) that says what to do and repeats nothing of what was sent."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.command.openapi import openapi_text
from service.core.errors import TYPE_PREFIX
from tests.builders import number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows

JSON = {"Content-Type": "application/json"}
ORGANISATION = {"legal_name": "Relais SARL", "country": "FR", "roles": ["broker"]}
NUMBER = number(42)
UNKNOWN = "01890000-0000-7000-8000-000000000000"
DIGITS = "639980042"


@pytest.fixture
def broker(registry: Registry) -> Caller:
    return registry.broker()


def test_a_problem_has_the_members_of_rfc_9457(broker: Caller) -> None:
    problem = broker.request("GET", "/v1/nothing").json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["type"] == TYPE_PREFIX + "endpoint_not_found"
    assert (problem["title"], problem["status"]) == ("Not Found", 404)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"legal_name": "Relais",}',
        b'{"legal_name": "\xff"}',
        b"[" * 100_000,
        b'{"legal_name": ' + b"9" * 5000 + b"}",
        b"\x00",
    ],
    ids=["cut short", "trailing comma", "no UTF-8", "too deep", "too long a number", "NUL"],
)
def test_400_for_what_is_no_json(broker: Caller, body: bytes) -> None:
    answer = broker.request("POST", "/v1/organisations", content=body, headers=JSON)
    assert refusal(answer) == (400, "malformed_request")


@pytest.mark.parametrize(
    "key", [b"", b"Bearer", b"Bearer x", b"Basic eDp5", b"Bearer fil_\x00_x", b"Bearer fil_\xe9_\xe9", b"\xff"]
)
def test_401_without_a_key_that_counts(client: TestClient, key: bytes) -> None:
    answer = client.get("/v1/datasets", headers={b"Authorization": key})
    assert refusal(answer) == (401, "key_refused")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_403_for_what_the_key_does_not_allow(broker: Caller) -> None:
    assert refusal(broker.request("GET", "/v1/keys")) == (403, "scope_missing")
    assert refusal(broker.request("GET", "/v1/inspections")) == (403, "role_missing")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/datasets/", "/v1/health/more", "/%00", "/no//"])
def test_404_for_an_unknown_address(broker: Caller, path: str) -> None:
    assert refusal(broker.request("GET", path, follow_redirects=False)) == (404, "endpoint_not_found")


def test_404_for_what_nobody_has(broker: Caller, unknown_id: object) -> None:
    for noun in ("organisations", "notices", "collections", "datasets", "transfers", "campaigns", "jobs"):
        assert refusal(broker.request("GET", f"/v1/{noun}/{unknown_id}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/datasets", "GET, POST"),
        ("PUT", "/v1/keys", "GET, POST"),
        ("HEAD", "/v1/health", "GET"),
        ("OPTIONS", "/v1/lookups", "POST"),
        ("TRACE", "/v1/datasets/1/parts/1", "PUT"),
        ("BREW", "/v1/campaigns", "GET, POST"),
        ("POST", "/docs", "GET"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
    ],
)
def test_405_names_every_method_that_the_address_takes(broker: Caller, method: str, path: str, allowed: str) -> None:
    answer = broker.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["content-type"] == "application/problem+json"


def test_413_for_json_over_the_bound(broker: Caller) -> None:
    body = json.dumps(ORGANISATION | {"legal_name": "x" * 1024 * 1024}).encode()
    told = broker.request("POST", "/v1/organisations", content=body, headers=JSON)
    assert refusal(told) == (413, "content_too_large")
    assert "1048576 bytes" in told.json()["detail"]
    chunked = broker.request("POST", "/v1/organisations", content=iter([body[:1000], body[1000:]]), headers=JSON)
    assert "content-length" not in chunked.request.headers
    assert refusal(chunked) == (413, "content_too_large")


def test_413_where_a_body_is_read_only_for_its_digest(broker: Caller) -> None:
    dataset = open_dataset(broker)
    body = bytes(1024 * 1024 + 1)
    answer = broker.request(
        "POST", f"/v1/datasets/{dataset['id']}/seal", content=body, headers={"Idempotency-Key": "seal-it-once"}
    )
    assert refusal(answer) == (413, "content_too_large")


@pytest.mark.parametrize("media_type", [None, b"text/plain", b"application/x-www-form-urlencoded", b"\xff;;="])
def test_415_for_json_that_is_not_announced_as_such(broker: Caller, media_type: bytes | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = broker.request("POST", "/v1/organisations", content=json.dumps(ORGANISATION).encode(), headers=headers)
    assert refusal(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("headers", "slug"),
    [
        ({"Content-Type": "image/png"}, "unsupported_media_type"),
        ({}, "unsupported_media_type"),
        ({"Content-Type": "text/csv", "Content-Encoding": "br"}, "unsupported_content_encoding"),
        ({"Content-Type": "text/csv", "Content-Encoding": "gzip, gzip"}, "unsupported_content_encoding"),
    ],
)
def test_415_for_parts_that_are_not_read_here(broker: Caller, headers: dict[str, str], slug: str) -> None:
    dataset = open_dataset(broker)
    answer = broker.request("PUT", f"/v1/datasets/{dataset['id']}/parts/1", content=b"1", headers=headers)
    assert refusal(answer) == (415, slug)


def test_422_names_each_field_and_why(broker: Caller) -> None:
    answer = broker.request(
        "POST", "/v1/organisations", json={"country": "France", "roles": ["seller"], "legalname": 1}
    )
    assert refusal(answer) == (422, "invalid_request")
    assert {error["location"]: error["reason"] for error in answer.json()["errors"]} == {
        "body.legal_name": "Field required",
        "body.country": "String should match pattern '^[A-Z]{2}$'",
        "body.roles.0": "Input should be 'collector', 'broker', 'party', 'processor', 'regulator' or 'operator'",
        "body.legalname": "Extra inputs are not permitted",
    }


@pytest.mark.parametrize("field", ["a\x00b", "Relais\ud800", "Relais\nSARL", " ", ""])
def test_422_for_text_that_is_no_line(broker: Caller, field: str) -> None:
    body = json.dumps(ORGANISATION | {"legal_name": field})
    assert refusal(broker.request("POST", "/v1/organisations", content=body, headers=JSON))[0] == 422


@pytest.mark.parametrize(
    "occurred_at",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1899-12-31T23:59:59Z",
        "2024-02-30T00:00:00Z",
        "2024-05-28T10:00:00",
        "0639980042",
        639980042,
        None,
    ],
)
def test_422_for_what_is_no_instant_of_these_centuries(broker: Caller, occurred_at: object) -> None:
    body = {"occurred_at": occurred_at, "holder_id": str(broker.id), "name": "Base"}
    answer = broker.request("POST", "/v1/datasets", json=body)
    assert refusal(answer) == (422, "invalid_request")
    assert [error["location"] for error in answer.json()["errors"]] == ["body.occurred_at"]


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31", "2024-05-28T00:00:00", "0639980042", 19871])
def test_422_for_what_is_no_day_of_these_centuries(broker: Caller, value: object) -> None:
    body = {"occurred_at": "2024-01-01T00:00:00Z", "valid_from_on": value, "categories": ["partis"]}
    answer = broker.request("POST", f"/v1/notices/{broker.id}/partner-lists", json=body)
    assert refusal(answer) == (422, "invalid_request")
    assert [error["location"] for error in answer.json()["errors"]] == ["body.valid_from_on"]


@pytest.mark.parametrize("value", ["0", "1001", "-1", "9" * 5000, "1e3", "x", ""])
def test_422_for_a_limit_out_of_bounds(broker: Caller, value: str) -> None:
    assert refusal(broker.request("GET", "/v1/datasets", params={"limit": value})) == (422, "invalid_request")


@pytest.mark.parametrize("key", [b"short", b"\xe9" * 10, b"x" * 129, b"with blank", NUMBER.encode()])
def test_422_for_an_idempotency_key_of_another_form(broker: Caller, key: bytes) -> None:
    answer = broker.request("POST", "/v1/organisations", json=ORGANISATION, headers={"Idempotency-Key": key})
    assert refusal(answer)[0] == 422


def test_500_tells_nothing_of_the_statement_nor_of_its_values(
    broker: Caller, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rows(dsn, "ALTER TABLE organisation DROP COLUMN privacy_contact")
    answer = broker.request("POST", "/v1/organisations", json=ORGANISATION | {"legal_name": f"Relais {NUMBER}"})
    assert refusal(answer) == (500, "internal_error")
    for word in ("SELECT", "INSERT", "organisation", "psycopg", "Traceback", DIGITS):
        assert word not in answer.text
    assert re.search(r"unexpected ProgrammingError at .*\.py:\d+", caplog.text)
    assert DIGITS not in ours(caplog)


def ours(caplog: pytest.LogCaptureFixture) -> str:
    """Everything that the service and its libraries logged; not the test's own client, which logs addresses."""
    records = [record for record in caplog.records if not record.name.startswith(("httpx2", "httpcore2"))]
    return "\n".join(f"{record.getMessage()} {record.exc_text}" for record in records)


OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in json.loads(openapi_text())["paths"].items()
    for method, operation in methods.items()
    if operation["operationId"] != "get_health"
]


def with_number_in_each_field(body: Any, spelling: str) -> Iterator[Any]:
    """`body` with the number in the place of one value after the other, and as the name of a field."""
    for field in body:
        yield body | {field: spelling}
        yield body | {field: [{spelling: spelling}]}
    yield body | {spelling: 1}
    yield [spelling]


def spoilt(method: str, path: str, operation: Any, spelling: str) -> Iterator[dict[str, Any]]:
    """Requests for an operation with a number where none belongs."""
    sound, in_path = re.sub(r"\{\w+\}", UNKNOWN, path), re.sub(r"\{\w+\}", quote(spelling, safe=""), path)
    yield {"method": method, "path": in_path}
    yield {"method": method, "path": f"{path.partition('{')[0]}/{spelling}"}
    yield {"method": method, "path": sound, "params": {spelling: spelling, "after": spelling, "limit": spelling}}
    yield {"method": method, "path": sound, "params": {"column": spelling, "country": spelling, "depth": spelling}}
    yield {"method": method, "path": sound, "headers": {"Idempotency-Key": spelling, "Content-Type": spelling}}
    yield {"method": method, "path": sound, "headers": {"Authorization": f"Bearer fil_{spelling}_{spelling}"}}
    yield {"method": digits_of(spelling), "path": sound}
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        for body in with_number_in_each_field(content["application/json"]["example"], spelling):
            yield {"method": method, "path": sound, "json": body}
        yield {"method": method, "path": sound, "content": f'{{"{spelling}":'.encode(), "headers": JSON}


def digits_of(text: str) -> str:
    """`text` without what people write between the digits of a number."""
    return re.sub(r"[\s.()/+-]", "", text)


def repeats(answer: Response) -> bool:
    return DIGITS in digits_of(answer.text + " ".join(answer.headers.values()))


@pytest.mark.parametrize("spelling", [NUMBER, "06 39 98 00 42", "0033639980042", "06/39/98/00/42"])
def test_no_refusal_and_no_log_line_repeats_a_number(
    registry: Registry, caplog: pytest.LogCaptureFixture, spelling: str
) -> None:
    caplog.set_level(logging.DEBUG)
    broker, operator = registry.broker(), registry.operator()
    refused = 0
    for method, path, operation in OPERATIONS:
        caller = operator if operation["tags"] == ["keys"] else broker
        for wanted in spoilt(method, path, operation, spelling):
            answer = caller.request(**wanted)
            if answer.status_code >= 400:
                assert answer.status_code < 500, (wanted, answer.text)
                assert not repeats(answer), (wanted, answer.text)
                refused += 1
    assert refused > 300
    assert DIGITS not in digits_of(ours(caplog))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=6).filter(lambda text: any(map(str.isdigit, text))))
@example("٠٦٣٩٩٨٠٠٤٢")
def test_no_refusal_repeats_a_text_with_digits_of_any_script(broker: Caller, text: str) -> None:
    for body in ({text: text}, {"country": text, "roles": [text]}, {"roles": {text: text}}, [text]):
        answer = broker.request("POST", "/v1/organisations", json=body)
        assert refusal(answer)[0] == 422
        assert json.dumps(text)[1:-1] not in json.dumps(answer.json())
