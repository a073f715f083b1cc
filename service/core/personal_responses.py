"""What a person is sent: every response to somebody who proved a number is padded, and takes a multiple of a time.

The one place that does so, for pages, JSON, problems and PDF alike. Who proved a number is known where the session is
read, which marks the request.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.padding import NO_TRANSFORM, pad_html, pad_json, pad_pdf

Pad = Callable[[bytes], bytes]

_MARK: Final = "filiation.personal"
_PADS: Final[dict[str, Pad]] = {
    "application/json": pad_json,
    "application/pdf": pad_pdf,
    "application/problem+json": pad_json,
    "text/html": pad_html,
}


class _Mark:
    """Whether a response is personal. The application sets it while it makes the response."""

    __slots__ = ("is_personal",)

    def __init__(self) -> None:
        self.is_personal = False


def mark_personal(request: HTTPConnection) -> None:
    """Let the response to this request be padded, because its caller proved a number."""
    request.scope[_MARK].is_personal = True


def seconds_left(elapsed: float, step: float) -> float:
    """How long to wait after `elapsed` seconds, so that the time is a multiple of `step`. A step of 0 is no wait."""
    return -elapsed % step if step else 0.0


class PersonalResponses:
    """ASGI middleware that pads marked responses and sends them at multiples of `step` seconds after their request.

    Longer than nearly every answer takes, a step is too short to be noticed. Who watches encrypted traffic learns
    neither from size nor from time whether a number is held.
    """

    def __init__(self, app: ASGIApp, step: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.app, self.step, self.sleep = app, step, sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, mark, body = time.monotonic(), _Mark(), bytearray()
        scope[_MARK] = mark
        start: Message | None = None

        async def send_whole(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and mark.is_personal:
                start = message
                return
            if start is None:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            padded = _padded(start, bytes(body))
            await self.sleep(seconds_left(time.monotonic() - began, self.step))
            await send(start)
            await send({"type": "http.response.body", "body": padded})

        await self.app(scope, receive, send_whole)


def _padded(start: Message, body: bytes) -> bytes:
    """The padded body. Its length and what caches may do with it are written into the head of the response.

    Raises:
        ValueError: nobody has said how to pad this kind of content.
    """
    headers = {name.lower(): value for name, value in start["headers"]}
    media_type = headers.get(b"content-type", b"").decode().partition(";")[0]
    if body:
        if media_type not in _PADS:
            raise ValueError(f"{media_type} is sent to a person, but has no padding")
        body = _PADS[media_type](body)
    changed = {b"content-length": str(len(body)).encode(), b"cache-control": NO_TRANSFORM.encode()}
    kept = [(name, value) for name, value in start["headers"] if name.lower() not in changed]
    start["headers"] = kept + [item for item in changed.items() if body or item[0] in headers]
    return body
