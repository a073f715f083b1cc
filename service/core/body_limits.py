"""How much of a request's body may be read, and for how long: nothing, until its route opens it.

A path that no route serves, or a method that it does not have, therefore reads nothing.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeVar

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from service.core.errors import Overloaded, TooLarge, TooSlow, UnsupportedMedia
from service.core.request_places import Place

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_KEY: Final = "filiation.body"
_DECLARED: Final = "__body__"
_KIB: Final = 1024

# A body that is collected in memory must be complete by then. An upload may go on for hours, as long as its mean speed
# reaches the minimum after the first seconds. The time that this service itself takes counts for neither.
_SECONDS: Final = 30.0
# A small one comes with its head, or right behind it.
_SECONDS_OF_SMALL: Final = 10.0
_LEAST_BYTES_PER_SECOND: Final = 500
# Bodies that all requests of a process together may hold in memory.
_MOST_HELD: Final = 48 * _KIB * _KIB
_ENCODING_REFUSED: Final = "This endpoint reads uncompressed bodies only. Send it without `Content-Encoding`."


class Body(Enum):
    """What a route reads: the kind of body that it declares with `reads`."""

    NOTHING = "nothing"
    FORM = "form"
    SMALL = "small"
    JSON = "json"
    LONG_LIST = "long list"
    EVIDENCE = "evidence"
    UPLOAD = "upload"


# Some clients send `{}` where no body is needed. Forms of ours have a few short fields, and what a person sends
# without a key has less.
_MOST_BYTES: Final = {
    Body.NOTHING: 1 * _KIB,
    Body.FORM: 8 * _KIB,
    Body.SMALL: 16 * _KIB,
}


def reads(kind: Body) -> Callable[[Endpoint], Endpoint]:
    """Declare what a route reads. Without it a route reads JSON if it has a model for it, and otherwise nothing."""

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _DECLARED, kind)
        return endpoint

    return declare


def declared_body(endpoint: Callable[..., Any], *, has_model: bool) -> Body:
    """The kind of body that a route's function reads."""
    default = Body.JSON if has_model else Body.NOTHING
    kind: Body = getattr(endpoint, _DECLARED, default)
    return kind


class HeldBytes:
    """How much the requests of a process hold in memory together."""

    def __init__(self, most: int) -> None:
        self._most, self._count = most, 0

    def hold(self, count: int) -> None:
        """Count bytes that a request holds from now on.

        Raises:
            Overloaded: all requests together hold too much.
        """
        if self._count + count > self._most:
            raise Overloaded("overloaded", "The service moves too much data at the moment. Try again in a moment.")
        self._count += count

    def release(self, count: int) -> None:
        """Count bytes no longer."""
        self._count -= count


class BodyLimits:
    """The largest bodies of a process in bytes, and how much of them it holds at the moment."""

    def __init__(self, json: int, evidence: int) -> None:
        self._most = _MOST_BYTES | {Body.JSON: json, Body.LONG_LIST: json, Body.EVIDENCE: evidence}
        self.held = HeldBytes(_MOST_HELD)

    def of(self, kind: Body) -> int | None:
        """The limit of a kind; None for an upload, which is read in portions and never held as a whole."""
        return self._most.get(kind)


class RequestBody:
    """The body of one request, which its route opens before it is read."""

    def __init__(self, scope: Scope, receive: Receive, limits: BodyLimits, place: Place) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        self.length = int(length) if length.isdecimal() else 0
        self.is_complete = self.length == 0 and "transfer-encoding" not in headers
        self._encoding = headers.get("content-encoding", "identity").strip().lower()
        self._receive, self._limits, self._place = receive, limits, place
        self._limit: int | None = 0
        self._seconds = _SECONDS
        self._read = self._held = 0
        self._waited = 0.0
        scope[_KEY] = self

    def open(self, kind: Body) -> None:
        """Let the body be read.

        Raises:
            TooLarge: its head already says that it is larger than `kind` may be.
            UnsupportedMedia: it is compressed, and the route reads no compressed bodies.
        """
        self._limit = self._limits.of(kind)
        self._seconds = _SECONDS_OF_SMALL if kind in _MOST_BYTES else _SECONDS
        if self._limit is not None and self.length > self._limit:
            raise TooLarge(self._limit)
        if kind is not Body.UPLOAD and self._encoding != "identity" and not self.is_complete:
            raise UnsupportedMedia("unsupported_content_encoding", _ENCODING_REFUSED)

    async def receive(self) -> Message:
        """The next message. One that says that the client has gone may take as long as the response does.

        Raises:
            TooLarge: the body is larger than its route reads.
            TooSlow: it arrives too slowly.
            Overloaded: the bodies of all requests together are too large, or too many requests run.
        """
        if self.is_complete:
            return await self._receive()
        message = await self._receive_in_time()
        has_gone = message["type"] != "http.request"
        if not has_gone:
            self._count(len(message.get("body", b"")))
        self.is_complete = has_gone or not message.get("more_body", False)
        if self.is_complete:
            # Nobody should have to upload hours of work twice.
            self._place.run(always=self._limit is None or has_gone)
        return message

    async def _receive_in_time(self) -> Message:
        loop = asyncio.get_running_loop()
        began, waited, allowed = loop.time(), self._waited, 0.0
        if self._limit is None:
            allowed = self._read / _LEAST_BYTES_PER_SECOND
        self._place.receive()
        try:
            async with asyncio.timeout(self._seconds + allowed - waited) as limit:
                with self._place.waiting(limit, lambda moment: max(waited + moment - began - allowed, 0.0)):
                    return await self._receive()
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._waited += loop.time() - began

    def _count(self, count: int) -> None:
        self._read += count
        if self._limit is None:
            return
        if self._read > self._limit:
            raise TooLarge(self._limit)
        self._limits.held.hold(count)
        self._held += count

    def release(self) -> None:
        """Count no longer what the request holds, because it has ended."""
        self._limits.held.release(self._held)
        self._held = 0


def body_of(scope: Scope) -> RequestBody:
    """The body of a request that the outermost middleware let in."""
    body: RequestBody = scope[_KEY]
    return body
