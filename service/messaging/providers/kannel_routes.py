"""Routes that only our own Kannel calls: reports on messages, and messages from telephones."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.http import HTTPBase

from service.core.body_limits import Body, reads
from service.core.bounded_route import BoundedRoute, Gate
from service.core.db import DatabaseDep
from service.core.errors import responses
from service.core.resources import resources_of
from service.core.settings import Settings, SettingsDep
from service.messaging.gateway import MessagingDep
from service.messaging.messages import record_state, require_report_token
from service.messaging.providers import kannel
from service.number.app_keyring import RingDep

router = APIRouter(prefix=kannel.PATH, tags=["messages"], route_class=BoundedRoute)

_basic = HTTPBase(
    scheme="basic", auto_error=False, scheme_name="SmsGateway", description="The secret of the registry's SMS gateway."
)

# Kannel accepts only 200 and 202, and would send a text in the response back as a message.
_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"description": "Accepted. The response has no body."}}


@router.get(
    "/{message_id}/report",
    status_code=202,
    response_class=Response,
    summary="Report what became of a message",
    responses=_ACCEPTED | responses(401, 422),
)
async def report_message(
    message_id: Annotated[uuid.UUID, Path(description="The id of a message.")],
    token: Annotated[str, Query(max_length=64, description="The token in the URL that the gateway was given.")],
    code: Annotated[int, Query(ge=0, le=255, description="Kannel's code: 1 delivered, 2 failed …")],
    database: DatabaseDep,
    ring: RingDep,
) -> None:
    """For the registry's own Kannel, which reports by GET. A final state stays, so repeating a report does nothing.

    Codes that Kannel does not have, and reports on messages that were deleted, are ignored.
    """
    require_report_token(ring, message_id, token)
    state = kannel.state_of_code(code)
    if state is not None:
        await record_state(database, message_id, state)


class _KannelGate(Gate):
    """Lets the registry's own Kannel through."""

    async def admit_before_body(self, request: Request) -> None:
        """Check the secret before the body is read."""
        await self(resources_of(request).get(Settings), await _basic(request))

    async def __call__(
        self, settings: SettingsDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_basic)]
    ) -> None:
        """Respond with a 401 problem to everybody else."""
        kannel.require_kannel(settings, credentials.credentials if credentials else "")


authenticate_kannel: Final = _KannelGate()


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
    summary="Receive a message from a telephone",
    responses=_ACCEPTED | responses(401, 413, 422),
    openapi_extra=_TEXT,
    dependencies=[Depends(authenticate_kannel)],
)
@reads(Body.TEXT)
async def receive_message(
    request: Request,
    messaging: MessagingDep,
    sender: Annotated[
        str,
        Header(alias="X-Kannel-From", max_length=64, description="The sender's number.", examples=["+33639984600"]),
    ],
    originator: Annotated[
        str,
        Header(alias="X-Kannel-To", max_length=64, description="The number it was sent to.", examples=["38001"]),
    ],
) -> None:
    """For the registry's own Kannel: the URL of its `post-url`, with the secret as the password of HTTP Basic."""
    text = kannel.read_text(await request.body(), request.headers.get("content-type", ""))
    await messaging.on_inbound(kannel.read_sender(sender), originator.strip(), text)
