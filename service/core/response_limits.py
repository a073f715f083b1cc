"""How a response leaves: in pieces, no faster than the client reads them, and not for ever."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Send

from service.core.body_limits import HeldBytes
from service.core.request_places import Place

_KIB: Final = 1024

# The server's own buffer for a connection is of this size too, so that no more than two pieces wait in it.
PIECE_BYTES: Final = 64 * _KIB
# Responses larger than a piece, of all requests of a process together.
MOST_HELD: Final = 48 * _KIB * _KIB
_SECONDS: Final = 20.0
_LEAST_BYTES_PER_SECOND: Final = 16 * _KIB


class BrokenOff(Exception):
    """A response ends before it is whole, and its connection with it. The text says why."""


class UnreadError(BrokenOff):
    """A client does not read its response."""

    def __init__(self) -> None:
        super().__init__("the client did not read its response")


class BoundedSender:
    """Sends one response. `status` is 0 until it has begun."""

    def __init__(self, send: Send, held: HeldBytes, place: Place) -> None:
        self.status = 0
        self._send, self._held, self._place = send, held, place
        self._holds = self._sent = 0
        self._waited = 0.0

    async def send(self, message: Message) -> None:
        """Send a message; a large body in pieces.

        Raises:
            Overloaded: the service already holds too much that clients have not read yet. Nothing was sent.
            UnreadError: the client reads too slowly.
        """
        if message["type"] == "http.response.start":
            self._hold(int(Headers(raw=message["headers"]).get("content-length", "0")))
            self.status = message["status"]
        body: bytes = message.get("body", b"")
        if len(body) <= PIECE_BYTES and not message.get("more_body", False):
            await self._send(message)
            return
        loop = asyncio.get_running_loop()
        began, waited = loop.time(), self._waited
        # The client's speed is that over the whole response, however small its messages are.
        allowed = (self._sent + len(body)) / _LEAST_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(_SECONDS + allowed - waited) as limit:
                with self._place.waiting(
                    limit, lambda moment: waited + moment - began - self._sent / _LEAST_BYTES_PER_SECOND
                ):
                    await self._send_in_pieces(memoryview(body), more_body=message.get("more_body", False))
        except TimeoutError:
            raise UnreadError from None
        finally:
            self._waited += loop.time() - began

    def _hold(self, size: int) -> None:
        if size > PIECE_BYTES:
            self._held.hold(size)
            self._holds = size

    async def _send_in_pieces(self, body: memoryview, *, more_body: bool) -> None:
        for begin in range(0, max(len(body), 1), PIECE_BYTES):
            piece = bytes(body[begin : begin + PIECE_BYTES])
            is_last = begin + PIECE_BYTES >= len(body)
            await self._send({"type": "http.response.body", "body": piece, "more_body": more_body or not is_last})
            self._sent += len(piece)

    def release(self) -> None:
        """Count no longer what the response holds, because it has ended."""
        self._held.release(self._holds)
        self._holds = 0
