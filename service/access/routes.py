"""HTTP of API keys."""

import uuid
from typing import Annotated

import orjson
from fastapi import APIRouter, Path

from service.access import operations
from service.access.idempotency import OnceRoute
from service.access.permit import KeyHolder, Operator, Regulator
from service.access.schemas import InspectionOut, IssuedKey, KeyIn, KeyOut
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page


class IssuingRoute(OnceRoute):
    """Keeps the answer without the key: a key's text is stored nowhere."""

    def kept(self, body: bytes) -> bytes:
        """The answer with `key` null."""
        return orjson.dumps(orjson.loads(body) | {"key": None})


router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=IssuingRoute)
inspections = APIRouter(prefix="/v1/inspections", tags=["inspections"])

KeyId = Annotated[uuid.UUID, Path(description="The id of a key.")]


@router.post("", status_code=201, summary="Issue a key", responses=responses(*JSON_BODY, 404, 409))
async def issue_key(body: KeyIn, session: SessionDep, actor: Operator) -> IssuedKey:
    """The operator issues a key for an organisation, which has an account here from then on."""
    return await operations.issue_key(session, body)


@router.get("", summary="List keys")
async def list_keys(session: SessionDep, actor: KeyHolder, after: After = None, limit: Limit = 100) -> Page[KeyOut]:
    """The caller's own keys; for the operator, all."""
    return await operations.list_keys(session, actor, after, limit)


@router.post("/{key_id}/rotation", status_code=201, summary="Rotate a key", responses=responses(404, 409, 413))
async def rotate_key(key_id: KeyId, session: SessionDep, actor: KeyHolder) -> IssuedKey:
    """A new key with the same rights; the old one stays good for 24 hours."""
    return await operations.rotate_key(session, actor, key_id)


@router.delete("/{key_id}", summary="Revoke a key", responses=responses(404))
async def revoke_key(key_id: KeyId, session: SessionDep, actor: KeyHolder) -> KeyOut:
    """End a key at once."""
    return await operations.revoke_key(session, actor, key_id)


@inspections.get("", summary="List the looks that the regulator took")
async def list_inspections(
    session: SessionDep, actor: Regulator, after: After = None, limit: Limit = 100
) -> Page[InspectionOut]:
    """Every look of the caller's authority: at what, when, and for which reason."""
    return await operations.list_inspections(session, actor, after, limit)
