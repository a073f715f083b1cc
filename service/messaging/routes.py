"""HTTP that only our own SMS gateway calls: reports on messages, and messages that came from telephones."""

import base64
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.http import HTTPBase

from service.core.db import DatabaseDep
from service.core.errors import responses
from service.core.settings import SettingsDep
from service.messaging import operations
from service.messaging.gateway import MessagingDep
from service.number.app_keyring import RingDep

router = APIRouter(prefix="/v1/messages", tags=["messages"])

_basic = HTTPBase(
    scheme="basic", auto_error=False, scheme_name="SmsGateway", description="The secret of our own SMS gateway."
)

# Kannel takes only 200 and 202 for an answer, and would send a text in it back as a message.
_TAKEN: dict[int | str, dict[str, Any]] = {202: {"description": "Taken. There is nothing more to say."}}


@router.get(
    "/{message_id}/report",
    status_code=202,
    response_class=Response,
    summary="Report what became of a message",
    responses=_TAKEN | responses(401, 422),
)
async def report_message(
    message_id: Annotated[uuid.UUID, Path(description="The id of a message.")],
    token: Annotated[str, Query(max_length=64, description="Stands in the address that the gateway was given.")],
    state: Annotated[int, Query(ge=0, le=255, description="Kannel's delivery report: 1 delivered, 2 failed…")],
    database: DatabaseDep,
    ring: RingDep,
) -> None:
    """For the SMS gateway, which Kannel makes report by GET. What is final stays, so that a repetition does nothing."""
    await operations.report_message(database, ring, message_id, token, state)


async def authenticated(
    settings: SettingsDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_basic)]
) -> None:
    """Let the gateway through, or answer a 401 problem."""
    operations.require_gateway(settings, _password_of(credentials.credentials) if credentials else "")


def _password_of(credentials: str) -> str:
    """The password in HTTP Basic's base64 (RFC 7617); nothing if it cannot be read."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


_TEXT = {
    "requestBody": {
        "description": "The text of the message.",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "STOP"}},
    }
}


@router.post(
    "/inbound",
    status_code=202,
    response_class=Response,
    summary="Bring a message that came from a telephone",
    responses=_TAKEN | responses(401, 413, 422),
    openapi_extra=_TEXT,
    dependencies=[Depends(authenticated)],
)
async def receive_message(
    request: Request,
    messaging: MessagingDep,
    sender: Annotated[
        str,
        Header(alias="X-Kannel-From", max_length=64, description="The number it came from.", examples=["+33639984600"]),
    ],
    originator: Annotated[
        str, Header(alias="X-Kannel-To", max_length=64, description="What it was sent to.", examples=["38001"])
    ],
) -> None:
    """For the SMS gateway: the address of Kannel's `post-url`, with the secret as password of HTTP Basic."""
    text = _text_of(await request.body(), request.headers.get("content-type", ""))
    await operations.receive_message(messaging.on_inbound, sender, originator.strip(), text)


def _text_of(body: bytes, media_type: str) -> str:
    """The message's text; a character that cannot be read is replaced, as telephones do.

    Kannel says so if it is in UTF-16, for messages in other alphabets than that of GSM.
    """
    wide = "utf-16" in media_type.lower()
    return body.decode("utf-16-be" if wide else "utf-8", errors="replace").replace("\x00", "")
