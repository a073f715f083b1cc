"""Every refusal is a problem (RFC 9457). It says what to do, and repeats nothing that was sent."""

import itertools
import json
import logging
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.core.errors import MEDIA_TYPE, TYPE_PREFIX
from tests.builders import number, open_dataset
from tests.callers import Caller, Registry
from tests.examples import examples, in_turn
from tests.inspection import refusal, rows
from tests.routes import DOCUMENT

JSON = {"Content-Type": "application/json"}
ORGANISATION = {"legal_name": "Relais SARL", "country": "FR", "roles": ["broker"]}
NUMBER = number(42)
UNKNOWN = "01890000-0000-7000-8000-000000000000"
DIGITS = "639980042"


@pytest.fixture
def broker(registry: Registry) -> Caller:
    return registry.broker()


def wrong_refusals(
    expected: tuple[int, str], sent: Iterable[tuple[object, Response]], fields: list[str] | None = None
) -> list[Any]:
    """Each of some requests that is not answered with the expected problem, and the fields that it names if given."""
    wrong: list[Any] = []
    for case, response in sent:
        found: list[Any] = [refusal(response)]
        named = [error["location"] for error in response.json().get("errors", [])]
        if found != [expected] or (fields is not None and named != fields):
            wrong.append((case, *found, named))
    return wrong


def test_problem_has_the_members_of_rfc_9457(broker: Caller) -> None:
    problem = broker.request("GET", "/v1/nothing").json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["type"] == TYPE_PREFIX + "endpoint_not_found"
    assert (problem["title"], problem["status"]) == ("Not Found", 404)


def test_post_with_malformed_json_is_refused(broker: Caller) -> None:
    bodies = {
        "cut short": b"{",
        "trailing comma": b'{"legal_name": "Relais",}',
        "not UTF-8": b'{"legal_name": "\xff"}',
        "number too long": b'{"legal_name": ' + b"9" * 5000 + b"}",
        "NUL": b"\x00",
    }
    sent = (
        (name, broker.request("POST", "/v1/organisations", content=body, headers=JSON)) for name, body in bodies.items()
    )
    assert wrong_refusals((400, "malformed_request"), sent) == []


def test_post_json_of_too_many_values_is_refused(broker: Caller) -> None:
    bodies = {
        "too deep": b"[" * 33 + b"]" * 33,
        "far too deep": b"[" * 100_000,
        "too deep behind a text": b'{"legal_name": "[[\\"]]", "a": ' + b"[" * 33,
        "too many in a list": b"[" + b"[]," * 300_000 + b"[]]",
        "too many fields": b"{" + b",".join(b'"%d":1' % serial for serial in range(10_001)) + b"}",
    }
    sent = (
        (name, broker.request("POST", "/v1/organisations", content=body, headers=JSON)) for name, body in bodies.items()
    )
    assert wrong_refusals((413, "content_too_large"), sent) == []
    brackets = json.dumps(ORGANISATION | {"legal_name": "[" * 100 + '"' + "{" * 50})
    taken = broker.request("POST", "/v1/organisations", content=brackets, headers=JSON)
    assert taken.status_code == 201


def test_post_with_thousands_of_invalid_fields_names_a_hundred(broker: Caller) -> None:
    response = broker.request("POST", "/v1/organisations", json={f"a{serial}": 1 for serial in range(9_000)})
    assert refusal(response) == (422, "invalid_request")
    assert len(response.json()["errors"]) == 100


def test_request_with_an_invalid_key_is_refused(client: TestClient) -> None:
    keys = (b"", b"Bearer", b"Bearer x", b"Basic eDp5", b"Bearer fil_\x00_x", b"Bearer fil_\xe9_\xe9", b"\xff")
    sent = [(key, client.get("/v1/datasets", headers={b"Authorization": key})) for key in keys]
    assert wrong_refusals((401, "key_refused"), sent) == []
    assert [key for key, response in sent if response.headers["www-authenticate"] != "Bearer"] == []


def test_request_that_the_key_does_not_allow_is_refused(broker: Caller) -> None:
    assert refusal(broker.request("GET", "/v1/keys")) == (403, "scope_missing")
    assert refusal(broker.request("GET", "/v1/inspections")) == (403, "role_missing")


def test_request_for_an_unknown_path_is_refused(broker: Caller) -> None:
    paths = ("/v1", "/v1/", "/v1/nothing", "/v1/datasets/", "/v1/health/more", "/%00", "/no//")
    sent = ((path, broker.request("GET", path, follow_redirects=False)) for path in paths)
    assert wrong_refusals((404, "endpoint_not_found"), sent) == []


def test_get_an_unknown_id_is_not_found(broker: Caller, unknown_id: object) -> None:
    nouns = ("organisations", "notices", "collections", "datasets", "transfers", "campaigns", "jobs")
    sent = ((noun, broker.request("GET", f"/v1/{noun}/{unknown_id}")) for noun in nouns)
    assert wrong_refusals((404, "not_found"), sent) == []


def test_request_with_another_method_is_refused_with_every_allowed_method(broker: Caller) -> None:
    allowed = {
        ("DELETE", "/v1/datasets"): "GET, HEAD, POST",
        ("PUT", "/v1/keys"): "GET, HEAD, POST",
        ("PATCH", "/v1/health"): "GET, HEAD",
        ("OPTIONS", "/v1/lookups"): "POST",
        ("TRACE", "/v1/datasets/1/parts/1"): "PUT",
        ("BREW", "/v1/campaigns"): "GET, HEAD, POST",
        ("POST", "/docs"): "GET, HEAD",
        ("DELETE", "/openapi.json"): "GET, HEAD",
    }
    wrong = []
    for (method, path), expected in allowed.items():
        response = broker.request(method, path)
        found = (response.status_code, response.headers.get("allow"), response.headers["content-type"])
        if found != (405, expected, MEDIA_TYPE):
            wrong.append((method, path, *found))
    assert wrong == []


def test_post_json_over_the_limit_is_refused(broker: Caller) -> None:
    body = json.dumps(ORGANISATION | {"legal_name": "x" * 1024 * 1024}).encode()
    whole = broker.request("POST", "/v1/organisations", content=body, headers=JSON)
    assert refusal(whole) == (413, "content_too_large")
    assert "1048576 bytes" in whole.json()["detail"]
    chunked = broker.request("POST", "/v1/organisations", content=[body[:1000], body[1000:]], headers=JSON)
    assert "content-length" not in chunked.request.headers
    assert refusal(chunked) == (413, "content_too_large")


def test_post_a_body_over_the_limit_that_is_read_only_for_its_fingerprint_is_refused(broker: Caller) -> None:
    dataset = open_dataset(broker)
    body = bytes(1024 * 1024 + 1)
    response = broker.request(
        "POST", f"/v1/datasets/{dataset['id']}/seal", content=body, headers={"Idempotency-Key": "seal-it-once"}
    )
    assert refusal(response) == (413, "content_too_large")


def test_post_json_with_another_media_type_is_refused(broker: Caller) -> None:
    media_types = (None, b"text/plain", b"application/x-www-form-urlencoded", b"\xff;;=")
    body = json.dumps(ORGANISATION).encode()
    headers: dict[bytes | None, Any] = {
        media_type: {"Content-Type": media_type} if media_type else {} for media_type in media_types
    }
    sent = (
        (media_type, broker.request("POST", "/v1/organisations", content=body, headers=headers[media_type]))
        for media_type in media_types
    )
    assert wrong_refusals((415, "unsupported_media_type"), sent) == []


def test_put_a_part_with_an_unsupported_type_or_encoding_is_refused(broker: Caller) -> None:
    cases: list[tuple[dict[str, str], str]] = [
        ({"Content-Type": "image/png"}, "unsupported_media_type"),
        ({}, "unsupported_media_type"),
        ({"Content-Type": "text/csv", "Content-Encoding": "br"}, "unsupported_content_encoding"),
        ({"Content-Type": "text/csv", "Content-Encoding": "gzip, gzip"}, "unsupported_content_encoding"),
    ]
    path = f"/v1/datasets/{open_dataset(broker)['id']}/parts/1"
    wrong = []
    for headers, slug in cases:
        wrong += wrong_refusals((415, slug), [(headers, broker.request("PUT", path, content=b"1", headers=headers))])
    assert wrong == []


def test_post_with_invalid_fields_names_each_with_its_reason(broker: Caller) -> None:
    response = broker.request(
        "POST", "/v1/organisations", json={"country": "France", "roles": ["seller"], "legalname": 1}
    )
    assert refusal(response) == (422, "invalid_request")
    assert {error["location"]: error["reason"] for error in response.json()["errors"]} == {
        "body.legal_name": "Field required",
        "body.country": "String should match pattern '^[A-Z]{2}$'",
        "body.roles.0": "Input should be 'collector', 'broker', 'party', 'processor', 'regulator' or 'operator'",
        "body.legalname": "Extra inputs are not permitted",
    }


def test_post_a_name_that_is_not_a_line_of_text_is_refused(broker: Caller) -> None:
    names = ("a\x00b", "Relais\ud800", "Relais\nSARL", " ", "")
    bodies = {name: json.dumps(ORGANISATION | {"legal_name": name}) for name in names}
    sent = (
        (name, broker.request("POST", "/v1/organisations", content=body, headers=JSON)) for name, body in bodies.items()
    )
    assert wrong_refusals((422, "invalid_request"), sent) == []


def test_post_an_instant_that_cannot_be_is_refused(broker: Caller) -> None:
    instants = (
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1899-12-31T23:59:59Z",
        "2024-02-30T00:00:00Z",
        "2024-05-28T10:00:00",
        "0639980042",
        639980042,
        None,
    )
    body = {"holder_id": str(broker.id), "name": "Base"}
    sent = (
        (instant, broker.request("POST", "/v1/datasets", json=body | {"occurred_at": instant})) for instant in instants
    )
    assert wrong_refusals((422, "invalid_request"), sent, fields=["body.occurred_at"]) == []


def test_post_a_day_that_cannot_be_is_refused(broker: Caller) -> None:
    days = ("0001-01-01", "9999-12-31", "2024-05-28T00:00:00", "0639980042", 19871)
    body = {"occurred_at": "2024-01-01T00:00:00Z", "categories": ["partis"]}
    path = f"/v1/notices/{broker.id}/partner-lists"
    sent = ((day, broker.request("POST", path, json=body | {"valid_from_on": day})) for day in days)
    assert wrong_refusals((422, "invalid_request"), sent, fields=["body.valid_from_on"]) == []


def test_list_with_a_limit_out_of_range_is_refused(broker: Caller) -> None:
    limits = ("0", "1001", "-1", "9" * 5000, "1e3", "x", "")
    sent = ((limit, broker.request("GET", "/v1/datasets", params={"limit": limit})) for limit in limits)
    assert wrong_refusals((422, "invalid_request"), sent) == []


def test_post_with_a_malformed_idempotency_key_is_refused(broker: Caller) -> None:
    wrong = []
    for key in (b"short", b"\xe9" * 10, b"x" * 129, b"with blank", NUMBER.encode()):
        response = broker.request("POST", "/v1/organisations", json=ORGANISATION, headers={"Idempotency-Key": key})
        if refusal(response)[0] != 422:
            wrong.append((key, refusal(response)))
    assert wrong == []


def test_crash_response_contains_neither_the_statement_nor_its_values(
    broker: Caller, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rows(dsn, "ALTER TABLE organisation DROP COLUMN privacy_contact")
    response = broker.request("POST", "/v1/organisations", json=ORGANISATION | {"legal_name": "Relais Oberkampf"})
    assert refusal(response) == (500, "internal_error")
    words = ("SELECT", "INSERT", "organisation", "psycopg", "Traceback", "Oberkampf")
    assert [word for word in words if word in response.text] == []
    assert re.search(r"ended a request\.\nsqlalchemy\.exc\.ProgrammingError\n  /.*\.py:\d+ in ", caplog.text)
    assert "Oberkampf" not in logged_by_service(caplog)


def logged_by_service(caplog: pytest.LogCaptureFixture) -> str:
    """Everything that the service and its libraries logged. The test's own client, which logs URLs, is left out."""
    records = [record for record in caplog.records if not record.name.startswith(("httpx2", "httpcore2"))]
    return "\n".join(f"{record.getMessage()} {record.exc_text}" for record in records)


OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"].items()
    for method, operation in methods.items()
    if operation["operationId"] != "get_health"
]


def with_number_in_each_field(body: Any, spelling: str) -> Iterator[Any]:
    """Copies of `body` with the number in place of each value in turn, and as the name of a field."""
    for field in body:
        yield body | {field: spelling}
        yield body | {field: [{spelling: spelling}]}
    yield body | {spelling: 1}
    yield [spelling]


def requests_with_number(method: str, path: str, operation: Any, spelling: str) -> Iterator[dict[str, Any]]:
    """Requests for an operation with a number where it does not belong."""
    filled, in_path = re.sub(r"\{\w+\}", UNKNOWN, path), re.sub(r"\{\w+\}", quote(spelling, safe=""), path)
    yield {"method": method, "path": in_path}
    yield {"method": method, "path": f"{path.partition('{')[0]}/{spelling}"}
    yield {"method": method, "path": filled, "params": {spelling: spelling, "after": spelling, "limit": spelling}}
    yield {"method": method, "path": filled, "params": {"column": spelling, "country": spelling, "depth": spelling}}
    yield {"method": method, "path": filled, "headers": {"Idempotency-Key": spelling, "Content-Type": spelling}}
    yield {"method": method, "path": filled, "headers": {"Authorization": f"Bearer fil_{spelling}_{spelling}"}}
    yield {"method": digits_of(spelling), "path": filled}
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        for body in with_number_in_each_field(content["application/json"]["example"], spelling):
            yield {"method": method, "path": filled, "json": body}
        yield {"method": method, "path": filled, "content": f'{{"{spelling}":'.encode(), "headers": JSON}


def digits_of(text: str) -> str:
    """`text` without the characters that people write between the digits of a number."""
    return re.sub(r"[\s.()/+-]", "", text)


def repeats_number(response: Response) -> bool:
    """Whether a response contains the number in any spelling."""
    return DIGITS in digits_of(response.text + " ".join(response.headers.values()))


SPELLINGS = (NUMBER, "06 39 98 00 42", "0033639980042", "06/39/98/00/42")


# A long run sends each request with the number in each spelling. In a short one, the spellings take turns.
def test_refusals_and_log_lines_repeat_no_number(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broker, operator = registry.broker(), registry.operator()
    turns = itertools.count()
    refused, wrong = 0, []
    for method, path, operation in OPERATIONS:
        caller = operator if operation["tags"] == ["keys"] else broker
        spelled = zip(*(requests_with_number(method, path, operation, spelling) for spelling in SPELLINGS), strict=True)
        for request in itertools.chain.from_iterable(in_turn(kinds, next(turns)) for kinds in spelled):
            response = caller.request(**request)
            refused += response.status_code >= 400
            if response.status_code >= 500 or (response.status_code >= 400 and repeats_number(response)):
                wrong.append((request, response.status_code, response.text))
    assert wrong == []
    assert refused > 300
    assert DIGITS not in digits_of(logged_by_service(caplog))


@settings(max_examples=examples(30, 300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=6).filter(lambda text: any(map(str.isdigit, text))))
@example("٠٦٣٩٩٨٠٠٤٢")
def test_refusals_repeat_no_text_with_digits_of_any_script(broker: Caller, text: str) -> None:
    for body in ({text: text}, {"country": text, "roles": [text]}, {"roles": {text: text}}, [text]):
        response = broker.request("POST", "/v1/organisations", json=body)
        assert refusal(response)[0] == 422
        assert json.dumps(text)[1:-1] not in json.dumps(response.json())
