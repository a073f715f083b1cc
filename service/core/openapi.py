"""The OpenAPI description, with what the framework leaves out: the problem document, and an example of every body."""

import zlib
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from service.core.errors import MEDIA_TYPE, ProblemDocument

Json = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"
_METHODS: Final = ("get", "put", "post", "delete")


class DescribedApp(FastAPI):
    """An application that describes itself as RFC 9457, OpenAPI 3.1 and its readers want it."""

    def openapi(self) -> Json:
        """The OpenAPI document; made once."""
        if self.openapi_schema is None:
            complete(super().openapi())
        return super().openapi()


def complete(document: Json) -> None:
    """Add to a generated document what it lacks."""
    schemas = document["components"]["schemas"]
    problem = ProblemDocument.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas |= problem.pop("$defs") | {ProblemDocument.__name__: problem}
    for operation in operations_of(document):
        for media_type, media in _bodies_of(operation):
            # What a stream's events look like, OpenAPI says from 3.2 on; in 3.1 their example has to do.
            media.pop("itemSchema", None)
            if media_type == "application/json":
                media["example"] = example_of(media["schema"], schemas)


def operations_of(document: Json) -> Iterator[Json]:
    """Every operation of a document."""
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in _METHODS)


def _bodies_of(operation: Json) -> Iterator[tuple[str, Json]]:
    """What an operation takes and gives, by media type; problems apart, which describe themselves."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    yield from (found for body in bodies for found in body.get("content", {}).items() if found[0] != MEDIA_TYPE)


def example_of(schema: Json, schemas: Json, name: str = "") -> Any:
    """A value of the form of `schema`, put together from the examples that stand beside its fields.

    What may be left out of a request and has no example is left out; what may be null and has none is null. `name` is
    the field's, or the schema's for its `id`: ids of different things should not look the same.
    """
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].removeprefix(_SCHEMAS)], schemas, name)
    if "oneOf" in schema:
        return example_of(schema["oneOf"][0], schemas, name)
    if "anyOf" in schema:
        return None if {"type": "null"} in schema["anyOf"] else example_of(schema["anyOf"][0], schemas, name)
    if "properties" in schema:
        required = schema.get("required", ())
        return {
            field: example_of(below, schemas, schema["title"] if field == "id" else field)
            for field, below in schema["properties"].items()
            if field in required or "examples" in below
        }
    if "items" in schema:
        return [example_of(schema["items"], schemas, name)]
    return _scalar(schema, name)


def _scalar(schema: Json, name: str) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema:
        case {"format": "uuid"}:
            return f"018fbd0c-5a00-7000-8000-{zlib.crc32(name.encode()):012x}"
        case {"format": "date-time"}:
            return "2024-05-28T08:00:00Z"
        case {"format": "date"}:
            return "2024-05-28"
        case {"type": "boolean"}:
            return False
    # A field of which no example says what it looks like; a test finds it.
    return None
