"""Routes of verifications and of the sessions that they open."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Request

from service.core.body_limits import Body, reads
from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep, SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.settings import SettingsDep
from service.messaging.gateway import GatewayDep
from service.number.app_keyring import RingDep
from service.verification import operations
from service.verification.schemas import (
    ConfirmationIn,
    PersonSessionOut,
    SessionIn,
    SessionOut,
    VerificationIn,
    VerificationOut,
    VerificationStateOut,
)
from service.verification.sessions import PersonDep

verifications = APIRouter(prefix="/v1/verifications", tags=["verifications"], route_class=BoundedRoute)
session = APIRouter(prefix="/v1/session", tags=["verifications"], route_class=BoundedRoute)


@verifications.post(
    "",
    status_code=201,
    summary="Send a code to a number",
    responses=responses(*JSON_BODY, 422, 429, 503),
)
@reads(Body.SMALL)
async def begin_verification(
    request: Request,
    body: VerificationIn,
    database: DatabaseDep,
    ring: RingDep,
    gateway: GatewayDep,
    settings: SettingsDep,
) -> VerificationOut:
    """Sends a code of six digits by SMS, whether or not anybody holds the number. The code is valid for five minutes.

    Only mobile numbers of France and its overseas territories receive codes. There are limits per number, per IP
    address, per network, per number block and for all. Who asks for the first time waits ten minutes at most for what
    others asked for. No API key is needed. Repeating the request sends a new code and invalidates yours.
    """
    address = request.client.host if request.client else ""
    return await operations.begin_verification(database, ring, gateway, settings, body, address)


@verifications.get("/{verification_id}", summary="Read a verification", responses=responses(404, 422))
async def get_verification(
    verification_id: Annotated[uuid.UUID, Path(description="The id of a verification.")], session: SessionDep
) -> VerificationStateOut:
    """Says whether the message with the code arrived, as far as the mobile operator reports it."""
    return await operations.read_verification(session, verification_id)


@verifications.post(
    "/{verification_id}/confirm",
    status_code=201,
    summary="Confirm a verification",
    responses=responses(*JSON_BODY, 404, 409, 422),
)
@reads(Body.SMALL)
async def confirm_verification(
    verification_id: Annotated[uuid.UUID, Path(description="The id of a verification.")],
    body: ConfirmationIn,
    database: DatabaseDep,
    ring: RingDep,
) -> SessionOut:
    """The right code opens a session of half an hour, once. After five wrong codes the verification has ended."""
    return await operations.confirm_verification(database, ring, verification_id, body)


@session.put("", summary="Set the day from which you have owned the number", responses=responses(*JSON_BODY, 401, 422))
@reads(Body.SMALL)
async def set_owned_since(body: SessionIn, database: DatabaseDep, person: PersonDep) -> PersonSessionOut:
    """Numbers are reassigned. Of what happened before that day, only organisations are shown. Null: all is shown."""
    return await operations.set_owned_since(database, person, body.owned_since)


@session.delete("", status_code=204, summary="End the session", responses=responses(401))
async def end_session(database: DatabaseDep, person: PersonDep) -> None:
    """Revokes the session token."""
    await operations.end_session(database, person)
