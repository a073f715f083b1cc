"""Kannel, through the HTTP interface of its smsbox (user's guide, chapter 7): for a registry in production.

Numbers and texts travel in headers and bodies of POST requests, so that no access log on the way records them in a URL.
"""

import base64
import hmac
import logging
import uuid
from typing import Final
from urllib.parse import urlencode

import httpx2

from service.core.db import Database
from service.core.errors import UnknownGateway, Unprocessable, Unreachable
from service.core.settings import Settings
from service.messaging.messages import record_message, record_state, report_token
from service.messaging.models import MessageState
from service.number.keyring import KeyRing
from service.number.normalisation import NumberRejected, e164, normalise_number

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 10

PATH: Final = "/v1/messages/kannel"
"""Where this service answers Kannel's calls."""

# Kannel's codes for what became of a message (user's guide, "Delivery reports"). The sum of some of them is the mask
# that asks for their reports. Code 4, waiting at the message centre, is left out because it changes nothing.
_DELIVERED, _UNDELIVERABLE, _AT_CENTRE, _REFUSED_BY_CENTRE = 1, 2, 8, 16
_MASK: Final = _DELIVERED | _UNDELIVERABLE | _AT_CENTRE | _REFUSED_BY_CENTRE
_STATE_OF_CODE: Final = {
    _DELIVERED: MessageState.DELIVERED,
    _UNDELIVERABLE: MessageState.FAILED,
    _AT_CENTRE: MessageState.SENT,
    _REFUSED_BY_CENTRE: MessageState.FAILED,
}


def kannel_client(settings: Settings) -> httpx2.AsyncClient:
    """A client that can send through the Kannel of the settings."""
    assert settings.kannel_password is not None
    headers = {
        "X-Kannel-Username": settings.kannel_username,
        "X-Kannel-Password": settings.kannel_password.get_secret_value(),
        "X-Kannel-From": settings.kannel_originator,
        "X-Kannel-DLR-Mask": str(_MASK),
        "Content-Type": "text/plain; charset=UTF-8",
    }
    # The environment's proxy must not see numbers; it is not needed, since Kannel runs beside this service.
    return httpx2.AsyncClient(headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)


class Kannel:
    """A `Gateway` that hands messages to a Kannel's smsbox."""

    def __init__(self, client: httpx2.AsyncClient, settings: Settings, database: Database, ring: KeyRing) -> None:
        assert settings.kannel_url is not None
        assert settings.kannel_callback_url is not None
        self._client, self._url, self._callback_url = client, settings.kannel_url, settings.kannel_callback_url
        self._database, self._ring = database, ring

    async def send(self, number: int, text: str) -> None:
        """Hand over a message. It is recorded first, because its report may arrive before the response."""
        message_id = await record_message(self._database)
        headers = {"X-Kannel-To": e164(number), "X-Kannel-DLR-Url": self._report_url(message_id)}
        try:
            response = await self._client.post(self._url, content=text.encode(), headers=headers)
            accepted, reason = response.is_success, str(response.status_code)
        except httpx2.HTTPError as problem:
            accepted, reason = False, type(problem).__name__
        if not accepted:
            log.error("Kannel did not accept a message: %s", reason)
            await record_state(self._database, message_id, MessageState.FAILED)
            raise Unreachable("message_not_sent", "The message could not be sent. Try again in a few minutes.")

    def _report_url(self, message_id: uuid.UUID) -> str:
        """Where Kannel reports what became of a message; it replaces %d with its code."""
        token = urlencode({"token": report_token(self._ring, message_id)})
        return f"{self._callback_url.rstrip('/')}{PATH}/{message_id}/report?{token}&code=%d"


def state_of_code(code: int) -> MessageState | None:
    """The state that a code in a delivery report means; None for a code that Kannel does not have."""
    return _STATE_OF_CODE.get(code)


def require_kannel(settings: Settings, credentials: str) -> None:
    """Let only our own Kannel bring messages. If none is set up, nobody can.

    `credentials` are those of HTTP Basic in base64 (RFC 7617), of which the password counts.

    Raises:
        UnknownGateway: the password is not the secret of the settings.
    """
    expected = settings.kannel_inbound_secret.get_secret_value() if settings.kannel_inbound_secret else ""
    if not expected or not hmac.compare_digest(expected.encode(), _password_of(credentials).encode()):
        raise UnknownGateway(
            "gateway_refused",
            "Only this registry's SMS gateway may deliver messages. Set the value of FILIATION_KANNEL_INBOUND_SECRET "
            "as the password in its `post-url`.",
        )


def _password_of(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def read_sender(sender: str) -> int:
    """A sender's number (E.164 digits) as message centres write it: international, often without its plus.

    Raises:
        Unprocessable: it is not a phone number.
    """
    for spelling in (sender, f"+{sender}"):
        try:
            return normalise_number(spelling, "FR")
        except NumberRejected:
            continue
    raise Unprocessable(
        "sender_unreadable",
        "X-Kannel-From is not a phone number in international form. Check what the SMS centre sends as the sender.",
    )


def read_text(body: bytes, media_type: str) -> str:
    """The text of a message; characters that cannot be read are replaced, as telephones do.

    Kannel names UTF-16 for messages in alphabets other than that of GSM.
    """
    is_utf16 = "utf-16" in media_type.lower()
    return body.decode("utf-16-be" if is_utf16 else "utf-8", errors="replace").replace("\x00", "")
