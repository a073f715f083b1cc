"""The OpenAPI document: true to the code, valid, and complete enough to work from. Each test prints every violation."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

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
from tests.routes import DOCUMENT, ROUTES, openers

OPENERS = {route.name: openers(route) for route in ROUTES}
PROBLEM = {"$ref": "#/components/schemas/ProblemDocument"}
UNKNOWN = "01890000-0000-7000-8000-000000000000"

document: Any = json.loads(DOCUMENT.read_text(encoding="utf-8"))


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    is_: Any

    @property
    def id(self) -> str:
        return str(self.is_["operationId"])

    def body(self) -> dict[str, Any]:
        """The request bodies, by media type."""
        content: dict[str, Any] = self.is_.get("requestBody", {}).get("content", {})
        return content

    def answers(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The responses, by status and media type."""
        return ((int(status), answer.get("content", {})) for status, answer in self.is_["responses"].items())


OPERATIONS = [
    Operation(m, p, operation) for p, methods in document["paths"].items() for m, operation in methods.items()
]


def errors_in(example: Any, schema: Any) -> list[str]:
    """The errors of `example` against `schema`, whose references point into the document."""
    resource = DRAFT202012.create_resource(document)
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    documents = Documents().with_resource("urn:document", resource)
    return [error.message for error in OAS31Validator(absolute, registry=documents).iter_errors(example)]


def test_committed_document_is_generated_from_the_code() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == openapi_text(), (
        "openapi/openapi.json is out of date: run `make openapi`"
    )


def test_service_returns_the_committed_document(client: TestClient) -> None:
    assert client.get("/openapi.json").json() == document


def test_document_is_valid_openapi_3_1() -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_references_and_schemas_match() -> None:
    references = set(references_in(document))
    assert references == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def references_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references_in(member)
    elif isinstance(value, list):
        for item in value:
            yield from references_in(item)


def test_component_names_are_unique_without_their_modules() -> None:
    # Of two classes with one name the framework makes two long ones out of their modules.
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_operation_ids_are_function_names() -> None:
    names = [route.name for route in ROUTES]
    assert sorted(operation.id for operation in OPERATIONS) == sorted(names)
    assert len(set(names)) == len(names)


def test_tags_are_described_and_used() -> None:
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert all(described.values())
    assert set(described) == {tag for operation in OPERATIONS for tag in operation.is_["tags"]}


def test_every_operation_and_parameter_is_described() -> None:
    wrong = []
    for operation in OPERATIONS:
        lacking = [name for name in ("summary", "description") if not operation.is_.get(name)]
        parameters = operation.is_.get("parameters", [])
        lacking += [parameter["name"] for parameter in parameters if not parameter.get("description")]
        if lacking or len(operation.is_["tags"]) != 1:
            wrong.append((operation.id, lacking, operation.is_["tags"]))
    assert wrong == []


def test_every_operation_has_the_security_scheme_of_its_route() -> None:
    wrong = []
    for operation in OPERATIONS:
        found = operation.is_.get("security", [])
        expected: list[dict[str, list[str]]] = [{scheme: []} for scheme in OPENERS[operation.id]]
        if found != expected:
            wrong.append((operation.id, found, expected))
    assert wrong == []


def test_security_schemes_are_bearer_tokens() -> None:
    schemes = document["components"]["securitySchemes"]
    assert {name: (scheme["type"], scheme["scheme"]) for name, scheme in schemes.items()} == {
        "ApiKey": ("http", "bearer"),
        "PersonSession": ("http", "bearer"),
    }


def test_every_refusal_is_a_problem_document() -> None:
    wrong = []
    for operation in OPERATIONS:
        for status, content in operation.answers():
            if (operation.id, status) == ("get_ready", 503):
                # What is not ready is described as what is.
                continue
            as_problem = content == {MEDIA_TYPE: {"schema": PROBLEM}} if status >= 400 else MEDIA_TYPE not in content
            if not as_problem:
                wrong.append((operation.id, status, content))
    assert wrong == []


def test_documented_refusals_are_those_that_can_happen() -> None:
    # What else is missing, conflicting, too much or out of order depends on the domain of each operation.
    domain = {404, 409, 429, 503, 507}
    wrong = []
    for operation in OPERATIONS:
        documented = {status for status, _ in operation.answers() if status >= 400}
        expected = _refusals_of(operation)
        if documented - domain != expected - domain or not documented >= expected:
            wrong.append((operation.id, sorted(documented), sorted(expected)))
    assert wrong == []


def _refusals_of(operation: Operation) -> set[int]:
    """The statuses that follow from how an operation is called, and not from its domain."""
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
        expected |= {400, 408, 413, 415}
    elif operation.body():
        expected |= {415}
    if any(parameter["name"] == "idempotency-key" for parameter in operation.is_.get("parameters", [])):
        # The body is read for its fingerprint, whatever it is.
        expected |= {409, 413}
    return expected


def test_every_example_matches_its_schema() -> None:
    wrong = []
    for operation in OPERATIONS:
        bodies = [operation.body(), *(content for status, content in operation.answers() if status < 400)]
        for media_type, media in (entry for body in bodies for entry in body.items()):
            # Images, PDF and Parquet cannot be shown in JSON. Every format of text has an example.
            if media_type == "application/json":
                errors = errors_in(media["example"], media["schema"])
            else:
                is_text = "text/" in media_type or "json" in media_type
                errors = ["no example"] if is_text and not media.get("example") else []
            wrong += [(operation.id, media_type, error) for error in errors]
    assert wrong == []


def test_service_accepts_the_examples_of_its_requests(registry: Registry, dsn: str) -> None:
    operator, broker, person = registry.operator(), registry.broker(), prove(registry.client, dsn, number(1))
    shown = 0
    for operation in OPERATIONS:
        if "application/json" not in operation.body():
            continue
        trade = operator if operation.is_["tags"] == ["keys"] else broker
        caller = person if OPENERS[operation.id] == ["PersonSession"] else trade
        example = operation.body()["application/json"]["example"]
        answer = caller.request(operation.method.upper(), filled(operation.path), json=example)
        # The host names in examples do not exist, and a webhook's is resolved.
        nowhere = "webhook_address_unresolved" in answer.text
        assert answer.status_code in (200, 201, 403, 404) or nowhere, (operation.id, answer.text)
        shown += 1
    assert shown > 8


def filled(path: str) -> str:
    """`path` with ids that do not exist."""
    return re.sub(r"\{\w+\}", UNKNOWN, path)
