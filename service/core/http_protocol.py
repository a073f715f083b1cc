"""The server's side of a connection: bounded heads, no request that takes for ever, no client that reads nothing.

The parser of the server (llhttp) has no limits of its own. It would collect a header of any size, in a time that grows
with the square of it. Bodies are bounded by `core.body_limits`, which knows the routes.
"""

import asyncio
import json
from typing import Any, Final
from weakref import WeakKeyDictionary

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service.core.errors import MEDIA_TYPE, TITLES, TYPE_PREFIX
from service.core.security_headers import EVERY_RESPONSE

_KIB: Final = 1024

MOST_HEAD_BYTES: Final = 32 * _KIB
MOST_HEADERS: Final = 100
# Requests that a client sends before it has the responses to earlier ones.
_MOST_PIPELINED: Final = 8
# A client that has sent no whole head by then is not one of ours, or is gone.
HEAD_SECONDS: Final = 10.0
# A client that takes nothing of its response for so long. What it took meanwhile does not count if it is less than the
# server's buffer for a connection.
UNREAD_SECONDS: Final = 20.0
# Whoever is refused before they have sent all of a body still has this long to read why.
LINGER_SECONDS: Final = 2.0
# Connections beyond the most are let in while others make room; the health check comes in over one of them.
RESERVE: Final = 32

REFUSALS: Final = {
    400: ("malformed_http", "This is not HTTP/1.1, or its body is not what its head announces. Correct the request."),
    408: ("head_too_slow", "The head of the request did not arrive in time. Send it again over a faster connection."),
    431: (
        "head_too_large",
        f"The head may have {MOST_HEADERS} headers and {MOST_HEAD_BYTES} bytes. Send fewer and shorter headers.",
    ),
}


def _refusal(status: int) -> bytes:
    slug, detail = REFUSALS[status]
    problem = {"type": TYPE_PREFIX + slug, "title": TITLES[status], "status": status, "detail": detail}
    body = json.dumps(problem).encode()
    headers = EVERY_RESPONSE | {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[status] + lines.encode() + b"\r\n" + body


_REFUSALS: Final = {status: _refusal(status) for status in REFUSALS}


class _RefusedHeadError(Exception):
    """Stops the parser."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection of a client.

    The server's option `limit_concurrency` is how many of them there may be. A new one beyond that takes the place of
    the one that has been idle longest.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._most_connections, self.limit_concurrency = config.limit_concurrency, None
        # Bytes and headers since the last byte of a body: of a head, or of what follows the last chunk.
        self._head_bytes = self._header_count = self._header_bytes = 0
        self._refused: int | None = None
        # Since when the head of a request is waited for, a response is not read, and the connection is ending.
        self._waiting_since: float | None = None
        self._unread_since: float | None = None
        self._ending_since: float | None = None
        self._lingers = False

    @property
    def is_busy(self) -> bool:
        """Whether a response is being made or sent."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        _watch(self.server_state, self.loop)
        if self._most_connections is not None and len(self.connections) > self._most_connections:
            self._make_room(self._most_connections)

    def _make_room(self, most: int) -> None:
        others = (other for other in self.connections if isinstance(other, BoundedProtocol) and other is not self)
        idle = [other for other in others if not other.is_busy and not other.transport.is_closing()]
        if idle:
            min(idle, key=lambda other: other._waiting_since or 0.0).transport.abort()
        elif len(self.connections) > most + RESERVE:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, unless the connection is ending."""
        if self._lingers or self.transport.is_closing():
            return
        if self._waiting_since is None and not self.is_busy:
            self._waiting_since = self.loop.time()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MOST_HEAD_BYTES and self._refused is None and not self._lingers:
            self._refuse(431)

    def on_message_begin(self) -> None:
        """Begin to count the headers of a request."""
        super().on_message_begin()
        self._header_count = self._header_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, if it is not too many or too much."""
        self._header_count += 1
        self._header_bytes += len(name) + len(value)
        if self._header_count > MOST_HEADERS or self._header_bytes + len(self.url) > MOST_HEAD_BYTES:
            self._refused = 431
            raise _RefusedHeadError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to serve a request."""
        if len(self.pipeline) >= _MOST_PIPELINED:
            raise _RefusedHeadError
        self._waiting_since = None
        self._head_bytes = 0
        super().on_headers_complete()
        if self.cycle is not None:
            # It closes the connection after a response of which the client says, or is told, that it is the last.
            self.cycle.transport = _PoliteTransport(self)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Serve the next request, unless the connection is ending."""
        if not self._lingers:
            super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser refuses."""
        self._refuse(self._refused or 400)

    def _refuse(self, status: int) -> None:
        self._refused = status
        if self.pipeline or (self.is_busy and self.cycle.response_started):
            # A second response in the middle of the first would be taken for a part of it.
            self.transport.abort()
            return
        if self.is_busy:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_REFUSALS[status])
        self.end(is_whole=False)

    def end(self, *, is_whole: bool) -> None:
        """End the connection after what was written.

        If the client may still be sending, what it sends is read and dropped for a moment. Otherwise the connection
        would be reset, and the response lost with it.
        """
        if self.transport.is_closing():
            return
        if is_whole or self._lingers:
            self.transport.close()
            return
        self._lingers = True
        self._ending_since = self.loop.time()
        self._unset_keepalive_if_required()
        self.transport.write_eof()
        self.flow.resume_reading()

    def pause_writing(self) -> None:
        """The client does not read as fast as the response is made."""
        super().pause_writing()
        self._unread_since = self.loop.time()

    def resume_writing(self) -> None:
        """The client has read nearly all that was written."""
        super().resume_writing()
        self._unread_since = None

    def check(self, moment: float) -> None:
        """End the connection if it has kept the service waiting for too long."""
        if self.transport.is_closing() and self._ending_since is None:
            self._ending_since = moment
        patience = LINGER_SECONDS if self._lingers else UNREAD_SECONDS
        if _is_over(self._ending_since, moment, patience) or _is_over(self._unread_since, moment, UNREAD_SECONDS):
            self.transport.abort()
        elif _is_over(self._waiting_since, moment, HEAD_SECONDS) and not self.is_busy:
            if self._head_bytes:
                self._refuse(408)
            else:
                self.transport.close()


def _is_over(since: float | None, moment: float, seconds: float) -> bool:
    return since is not None and moment - since > seconds


class _PoliteTransport:
    """What a response writes to. It closes the connection only once the client can have read why."""

    def __init__(self, protocol: BoundedProtocol) -> None:
        self._protocol, self._cycle = protocol, protocol.cycle
        self.write, self.is_closing = protocol.transport.write, protocol.transport.is_closing

    def close(self) -> None:
        """End the connection."""
        self._protocol.end(is_whole=not self._cycle.more_body or not self._cycle.response_complete)


_watches: Final[WeakKeyDictionary[ServerState, asyncio.TimerHandle]] = WeakKeyDictionary()


def _watch(state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
    """Check all connections of a server once a second, as long as there are any.

    A timer for each request would cost more than its parser.
    """
    if state not in _watches:
        _watches[state] = loop.call_later(1, _check, state, loop)


def _check(state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
    del _watches[state]
    moment = loop.time()
    for connection in list(state.connections):
        if isinstance(connection, BoundedProtocol):
            connection.check(moment)
    if state.connections:
        _watch(state, loop)
