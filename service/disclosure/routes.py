"""HTTP of disclosures: a person's answer as a file, and letters to holders without an account."""

import uuid
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query, Response

from service.core.body_limits import Body, reads
from service.core.db import DatabaseDep
from service.core.errors import JSON_BODY, responses
from service.disclosure import operations
from service.disclosure.operations import File
from service.disclosure.schemas import DisclosureIn, DisclosureOut, disclosure_schema
from service.number.app_keyring import RingDep
from service.provenance.routes import SnapshotsDep
from service.verification.repeated_requests import PersonRoute
from service.verification.sessions import PersonDep
from service.wording.language import Language

router = APIRouter(prefix="/v1/disclosures", tags=["disclosures"], route_class=PersonRoute)

_PDF: Final[dict[str, Any]] = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}
_SCHEMA: Final = "application/schema+json"


@router.post(
    "",
    status_code=201,
    summary="Create a disclosure of your answer",
    response_model=DisclosureOut,
    responses=responses(*JSON_BODY, 401, 409, 422) | {201: {"description": "The disclosure.", "content": _PDF}},
)
@reads(Body.SMALL)
async def make_disclosure(
    body: DisclosureIn, database: DatabaseDep, snapshots: SnapshotsDep, ring: RingDep, person: PersonDep
) -> Response:
    """Returns everything about your number, dated and numbered: as JSON, or as a letter in PDF that says the same.

    The registry records the disclosure with its reference, but neither you nor your number.
    """
    return _download(await operations.make_disclosure(database, snapshots, ring, person, body), status=201)


@router.get(
    "/letters/{relay_id}",
    summary="Get a letter to a holder without an account",
    response_class=Response,
    responses=responses(401, 404, 409, 422) | {200: {"description": "The letter.", "content": _PDF}},
)
async def make_holder_letter(
    relay_id: Annotated[uuid.UUID, Path(description="Id of an undeliverable relay of your objection.")],
    database: DatabaseDep,
    ring: RingDep,
    person: PersonDep,
    language: Annotated[Language, Query(description="Language of the letter.")] = Language.FR,
) -> Response:
    """Returns your objection or request for erasure in PDF, ready to be printed, signed and sent."""
    return _download(await operations.make_holder_letter(database, ring, person, relay_id, language))


@router.get(
    "/schema",
    summary="Get the JSON Schema of disclosures",
    response_class=Response,
    responses={
        200: {
            "description": "JSON Schema 2020-12.",
            "content": {_SCHEMA: {"schema": {"type": "object"}, "example": {"title": "DisclosureOut"}}},
        }
    },
)
async def get_disclosure_schema() -> Response:
    """Returns the schema that every disclosure in JSON follows. Needs no session."""
    return Response(orjson.dumps(disclosure_schema()), media_type=_SCHEMA)


def _download(file: File, status: int = 200) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, status, headers, media_type=file.media_type)
