"""HTTP of verifications, and of the sessions that they give."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Request

from service.core.db import DatabaseDep
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
)
from service.verification.sessions import PersonDep

verifications = APIRouter(prefix="/v1/verifications", tags=["verifications"])
session = APIRouter(prefix="/v1/session", tags=["verifications"])


@verifications.post(
    "",
    status_code=201,
    summary="Send a code to a number",
    responses=responses(*JSON_BODY, 422, 429, 503),
)
async def begin_verification(
    request: Request,
    body: VerificationIn,
    database: DatabaseDep,
    ring: RingDep,
    gateway: GatewayDep,
    settings: SettingsDep,
) -> VerificationOut:
    """A code of six digits goes by SMS to the number, whoever holds it or not, and is good for five minutes.

    Only mobile numbers of France and its overseas territories are served. How often, is limited by number, by address
    and by block of numbers. No key is needed. A repetition sends a new code, which makes your older ones void.
    """
    address = request.client.host if request.client else ""
    return await operations.begin_verification(database, ring, gateway, settings, body, address)


@verifications.post(
    "/{verification_id}/confirm",
    status_code=201,
    summary="Confirm a number by its code",
    responses=responses(*JSON_BODY, 404, 409, 422),
)
async def confirm_verification(
    verification_id: Annotated[uuid.UUID, Path(description="The id of a verification.")],
    body: ConfirmationIn,
    database: DatabaseDep,
    ring: RingDep,
) -> SessionOut:
    """The right code gives a session of half an hour, once. After five wrong ones the verification is over."""
    return await operations.confirm_verification(database, ring, verification_id, body)


@session.put("", summary="Say since when the number is yours", responses=responses(*JSON_BODY, 401, 422))
async def set_number_since(body: SessionIn, database: DatabaseDep, person: PersonDep) -> PersonSessionOut:
    """Numbers change hands. What happened before that day is told by organisation only; null: all of it is told."""
    return await operations.set_number_since(database, person, body.owned_since)


@session.delete("", status_code=204, summary="End the session", responses=responses(401))
async def end_session(database: DatabaseDep, person: PersonDep) -> None:
    """Its token is good for nothing from now on."""
    await operations.end_session(database, person)
