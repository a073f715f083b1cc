"""The gateway of a registry in use: a Kannel, by the HTTP interface of its smsbox (user's guide, chapter 7).

Number and text travel in the head and the body of a POST, so that no access log on the way has them in an address.
"""

import logging
import uuid
from typing import Final
from urllib.parse import urlencode

import httpx2

from service.core.db import Database
from service.core.errors import Unreachable
from service.core.settings import Settings
from service.messaging.models import MessageState
from service.messaging.operations import MASK, record_message, report_token, settle
from service.number.keyring import KeyRing
from service.number.normalisation import e164

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 10


def client_of(settings: Settings) -> httpx2.AsyncClient:
    """A client that knows how to send through the Kannel of the settings."""
    assert settings.kannel_password is not None
    headers = {
        "X-Kannel-Username": settings.kannel_username,
        "X-Kannel-Password": settings.kannel_password.get_secret_value(),
        "X-Kannel-From": settings.kannel_originator,
        "X-Kannel-DLR-Mask": str(MASK),
        "Content-Type": "text/plain; charset=UTF-8",
    }
    # A proxy of the environment would see numbers: Kannel stands beside this service.
    return httpx2.AsyncClient(headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)


class Kannel:
    """A `Gateway` that hands messages to a Kannel's smsbox."""

    def __init__(self, client: httpx2.AsyncClient, settings: Settings, database: Database, ring: KeyRing) -> None:
        assert settings.kannel_url is not None
        assert settings.kannel_callback_url is not None
        self._client, self._url, self._callback_url = client, settings.kannel_url, settings.kannel_callback_url
        self._database, self._ring = database, ring

    async def send(self, number: int, text: str) -> None:
        """Hand the message over. Its record is there first, for the report may come before the answer."""
        message_id = await record_message(self._database)
        headers = {"X-Kannel-To": e164(number), "X-Kannel-DLR-Url": self._report_url(message_id)}
        try:
            answer = await self._client.post(self._url, content=text.encode(), headers=headers)
            taken, why = answer.is_success, str(answer.status_code)
        except httpx2.HTTPError as problem:
            taken, why = False, type(problem).__name__
        if not taken:
            log.error("Kannel did not take a message: %s", why)
            await settle(self._database, message_id, MessageState.FAILED)
            raise Unreachable("message_not_sent", "The message could not be sent. Try again in some minutes.")

    def _report_url(self, message_id: uuid.UUID) -> str:
        """Where Kannel reports what became of a message; it puts its own word for it in the place of %d."""
        token = urlencode({"token": report_token(self._ring, message_id)})
        return f"{self._callback_url.rstrip('/')}/v1/messages/{message_id}/report?{token}&state=%d"
