"""The OpenAPI document: true to the code, valid, and complete enough to work from."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry as Documents
from referencing.jsonschema import DRAFT202012

from service.command.openapi import openapi_text
from service.core.errors import MEDIA_TYPE
from tests.builders import number
from tests.callers import Registry
from tests.persons import prove
from tests.routes import ROUTES, openers

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
OPENERS = {route.name: openers(route) for route in ROUTES}
PROBLEM = {"$ref": "#/components/schemas/ProblemDocument"}
UNKNOWN = "01890000-0000-7000-8000-000000000000"

document: Any = json.loads(openapi_text())


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    is_: Any

    @property
    def id(self) -> str:
        return str(self.is_["operationId"])

    def body(self) -> dict[str, Any]:
        """What it takes, by media type."""
        content: dict[str, Any] = self.is_.get("requestBody", {}).get("content", {})
        return content

    def answers(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """What it gives, by status and media type."""
        return ((int(status), answer.get("content", {})) for status, answer in self.is_["responses"].items())


OPERATIONS = [
    Operation(m, p, operation) for p, methods in document["paths"].items() for m, operation in methods.items()
]
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


def errors_in(example: Any, schema: Any) -> list[str]:
    """How `example` breaks `schema`, whose references lead into the document."""
    resource = DRAFT202012.create_resource(document)
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    documents = Documents().with_resource("urn:document", resource)
    return [error.message for error in OAS31Validator(absolute, registry=documents).iter_errors(example)]


def test_the_committed_document_is_the_one_that_the_code_describes() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == openapi_text(), (
        "openapi/openapi.json is out of date: run `make openapi`"
    )


def test_the_service_shows_that_document(client: TestClient) -> None:
    assert client.get("/openapi.json").json() == document


def test_it_is_valid_openapi_3_1() -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    references = set(references_in(document))
    assert references == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def references_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for below in value.values():
            yield from references_in(below)
    elif isinstance(value, list):
        for below in value:
            yield from references_in(below)


def test_component_names_are_unique_without_their_modules() -> None:
    # Of two classes with one name the framework makes two long ones out of their modules.
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_an_operation_is_named_like_its_function() -> None:
    names = [route.name for route in ROUTES]
    assert sorted(operation.id for operation in OPERATIONS) == sorted(names)
    assert len(set(names)) == len(names)


def test_every_tag_is_described_and_used() -> None:
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert all(described.values())
    assert set(described) == {tag for operation in OPERATIONS for tag in operation.is_["tags"]}


@each_operation
def test_every_operation_says_what_it_is_for(operation: Operation) -> None:
    assert operation.is_["summary"]
    assert operation.is_["description"]
    assert len(operation.is_["tags"]) == 1
    for parameter in operation.is_.get("parameters", []):
        assert parameter["description"], parameter["name"]


@each_operation
def test_a_key_is_asked_for_everywhere_but_on_the_public_routes(operation: Operation) -> None:
    assert operation.is_.get("security", []) == [{scheme: []} for scheme in OPENERS[operation.id]]


def test_how_a_caller_says_who_it_is() -> None:
    schemes = document["components"]["securitySchemes"]
    assert {name: (scheme["type"], scheme["scheme"]) for name, scheme in schemes.items()} == {
        "ApiKey": ("http", "bearer"),
        "PersonSession": ("http", "bearer"),
        "SmsGateway": ("http", "basic"),
    }


@each_operation
def test_every_refusal_is_a_problem_document(operation: Operation) -> None:
    for status, content in operation.answers():
        if status >= 400:
            assert content == {MEDIA_TYPE: {"schema": PROBLEM}}, status
        else:
            assert MEDIA_TYPE not in content


@pytest.mark.parametrize(
    # Kannel reads no refusals.
    "operation",
    [operation for operation in OPERATIONS if operation.is_["tags"] != ["messages"]],
    ids=lambda operation: operation.id,
)
def test_the_refusals_are_those_that_can_happen(operation: Operation) -> None:
    documented = {status for status, _ in operation.answers() if status >= 400}
    expected = {500}
    if OPENERS[operation.id] == ["ApiKey"]:
        expected |= {401, 403, 422}
    if OPENERS[operation.id] == ["PersonSession"]:
        expected |= {401}
    if operation.body() or operation.is_.get("parameters"):
        expected |= {422}
    if "{" in operation.path:
        expected |= {404}
    if "application/json" in operation.body():
        expected |= {400, 413, 415}
    elif operation.body():
        expected |= {415}
    if any(parameter["name"] == "idempotency-key" for parameter in operation.is_.get("parameters", [])):
        # The body is read for the sake of its digest, whatever it is.
        expected |= {409, 413}
    # What else may be missing, in the way, too much or out of order is a matter of each operation's domain.
    domain = {404, 409, 429, 503}
    assert documented - domain == expected - domain
    assert documented >= expected


@each_operation
def test_examples_are_of_the_form_that_they_show(operation: Operation) -> None:
    bodies = [operation.body(), *(content for status, content in operation.answers() if status < 400)]
    for media_type, media in (found for body in bodies for found in body.items()):
        if media_type == "application/json":
            assert errors_in(media["example"], media["schema"]) == []
        elif "text/" in media_type or "json" in media_type:
            assert media["example"]
    # Pictures, PDF and Parquet cannot be shown in JSON, but whoever takes lines of text shows some.


def test_the_service_takes_the_examples_of_its_requests(registry: Registry, dsn: str) -> None:
    operator, broker, person = registry.operator(), registry.broker(), prove(registry.client, dsn, number(1))
    shown = 0
    for operation in OPERATIONS:
        if "application/json" not in operation.body():
            continue
        trade = operator if operation.is_["tags"] == ["keys"] else broker
        caller = person if OPENERS[operation.id] == ["PersonSession"] else trade
        example = operation.body()["application/json"]["example"]
        answer = caller.request(operation.method.upper(), filled(operation.path), json=example)
        # The names in examples lead nowhere, and a webhook's is looked up.
        nowhere = "webhook_address_unresolved" in answer.text
        assert answer.status_code in (200, 201, 403, 404) or nowhere, (operation.id, answer.text)
        shown += 1
    assert shown > 8


def filled(path: str) -> str:
    """`path` with ids that nothing has."""
    return re.sub(r"\{\w+\}", UNKNOWN, path)
