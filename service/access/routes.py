"""HTTP of API keys and inspections."""

import uuid
from typing import Annotated

import orjson
from fastapi import APIRouter, Path

from service.access import inspections as inspection_operations
from service.access import operations
from service.access.idempotency import IdempotentRoute
from service.access.permit import KeyHolder, Operator, Regulator
from service.access.schemas import InspectionOut, IssuedKey, KeyIn, KeyOut
from service.core.bounded_route import BoundedRoute
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.settings import SettingsDep


class IssuingRoute(IdempotentRoute):
    """Stores the response without the key, whose text is stored nowhere."""

    def stored_body(self, body: bytes) -> bytes:
        """The response with `key` set to null."""
        return orjson.dumps(orjson.loads(body) | {"key": None})


router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=IssuingRoute)
inspections = APIRouter(prefix="/v1/inspections", tags=["inspections"], route_class=BoundedRoute)

KeyId = Annotated[uuid.UUID, Path(description="The id of a key.")]


@router.post("", status_code=201, summary="Issue a key", responses=responses(*JSON_BODY, 404, 409))
async def issue_key(body: KeyIn, session: SessionDep, actor: Operator) -> IssuedKey:
    """For the operator. An organisation gets an account with its first key.

    The organisation sees in its list of keys who issued it, and its webhooks get the event `key.issued`.
    """
    return await operations.issue_key(session, body, actor)


@router.get("", summary="List keys")
async def list_keys(session: SessionDep, actor: KeyHolder, after: After = None, limit: Limit = 100) -> Page[KeyOut]:
    """Lists your organisation's keys. A party also sees the keys that act for it; the operator sees all."""
    return await operations.list_keys(session, actor, after, limit)


@router.post("/{key_id}/rotate", status_code=201, summary="Rotate a key", responses=responses(404, 409, 413, 429))
async def rotate_key(key_id: KeyId, session: SessionDep, settings: SettingsDep, actor: KeyHolder) -> IssuedKey:
    """You get a new key with the same rights. The old one stays valid for 24 hours.

    The webhooks, unfinished jobs and open event streams of the old key are the new key's from now on.
    """
    return await operations.rotate_key(session, settings, actor, key_id)


@router.delete("/{key_id}", summary="Revoke a key", responses=responses(404))
async def revoke_key(key_id: KeyId, session: SessionDep, actor: KeyHolder) -> KeyOut:
    """The key is refused from the next request on. Revoking it again changes nothing.

    Its webhooks are removed, and its event streams end. Jobs run to their end. The organisation's other webhooks get
    the event `key.revoked`.
    """
    return await operations.revoke_key(session, actor, key_id)


@inspections.get("", summary="List inspections")
async def list_inspections(
    session: SessionDep, actor: Regulator, after: After = None, limit: Limit = 100
) -> Page[InspectionOut]:
    """Returns each inspection by your authority: its subject, its time and, for a number, its reason."""
    return await inspection_operations.list_inspections(session, actor, after, limit)
