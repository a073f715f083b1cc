"""The OpenAPI document, with what the framework leaves out: the problem document, and an example of every body."""

import zlib
from collections.abc import Iterator
from typing import Any, Final

import orjson
from fastapi import FastAPI, Response

from service.core.errors import MEDIA_TYPE, ProblemDocument
from service.core.threads import WorkThreads

Json = dict[str, Any]

# It takes a second, once.
_DESCRIBING: Final = WorkThreads("openapi", 1, 32)

_SCHEMAS: Final = "#/components/schemas/"
_METHODS: Final = ("get", "put", "post", "delete")


class DescribedApp(FastAPI):
    """An application whose OpenAPI document has problem documents and examples."""

    _rendered: bytes | None = None

    def setup(self) -> None:
        """Serve the document. The framework would make and render it in the event loop."""
        self.add_api_route("/openapi.json", self.serve_document, include_in_schema=False)

    async def serve_document(self) -> Response:
        """The OpenAPI document."""
        if self._rendered is None:
            self._rendered = await _DESCRIBING.run(lambda: orjson.dumps(self.openapi()))
        return Response(self._rendered, media_type="application/json")

    def openapi(self) -> Json:
        """The OpenAPI document. It is made once."""
        if self.openapi_schema is None:
            complete(super().openapi())
        return super().openapi()


def complete(document: Json) -> None:
    """Add the problem document and the examples to a generated document."""
    schemas = document["components"]["schemas"]
    problem = ProblemDocument.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas |= problem.pop("$defs") | {ProblemDocument.__name__: problem}
    for operation in operations_of(document):
        for media_type, media in _bodies_of(operation):
            # OpenAPI describes the events of a stream from 3.2 on. In 3.1 their example has to suffice.
            media.pop("itemSchema", None)
            if media_type == "application/json":
                # A body that may be left out is shown as it is sent.
                sent = [each for each in media["schema"].get("anyOf", ()) if each != {"type": "null"}]
                media["example"] = example_of(sent[0] if sent else media["schema"], schemas)


def operations_of(document: Json) -> Iterator[Json]:
    """Every operation of a document."""
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in _METHODS)


def _bodies_of(operation: Json) -> Iterator[tuple[str, Json]]:
    """The bodies that an operation reads and returns, by media type. Problems are left out: they have their own."""
    for body in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media_type, media in body.get("content", {}).items():
            if media_type != MEDIA_TYPE:
                yield media_type, media


def example_of(schema: Json, schemas: Json, name: str = "") -> Any:
    """A value that matches `schema`, made of the examples of its fields.

    A field without an example is left out if it is optional, and null if it may be null. `name` is the field's name, or
    the schema's for its `id`, so that ids of different things look different.
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
            field: example_of(subschema, schemas, schema["title"] if field == "id" else field)
            for field, subschema in schema["properties"].items()
            if field in required or "examples" in subschema
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
    # The field lacks an example. A test reports it.
    return None
