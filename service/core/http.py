"""What surrounds every request: a log line without its address, a bound on JSON bodies, an answer even to a crash."""

import logging
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.errors import TooLarge, crashed, respond

log = logging.getLogger("service.access")


class Surround:
    """ASGI middleware around the whole application.

    It stands in for the server's access log, which would write the raw address: whoever puts a phone number into one
    would put it into our logs. This one writes the route's template instead.
    """

    def __init__(self, app: ASGIApp, *, max_json_bytes: int) -> None:
        self.app, self.max_json_bytes = app, max_json_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other scopes (the lifespan) pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_SECURITY_HEADERS]
            await send(message)

        try:
            await self.app(scope, _Bounded(scope, receive, self.max_json_bytes), watching)
        except TooLarge as problem:
            if status == 0:
                await respond(problem)(scope, receive, watching)
        except Exception as problem:
            answer = crashed(problem)
            if status == 0:
                await answer(scope, receive, watching)
        route = scope.get("route")
        template = getattr(route, "path", "(no route)")
        log.info("%s %s %s %.1f ms", scope["method"], template, status, (time.perf_counter() - began) * 1000)


_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
]

_UNBOUNDED_TYPES = ("text/csv", "application/x-ndjson", "application/vnd.apache.parquet", "image/", "application/pdf")


class _Bounded:
    """`receive`, refusing a body that the framework would gather in memory beyond the bound.

    The routes that stream (parts of datasets, evidence) bound what they read themselves.
    """

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        headers = Headers(scope=scope)
        self.receive, self.limit, self.read = receive, limit, 0
        self.streamed = headers.get("content-type", "").startswith(_UNBOUNDED_TYPES)

    async def __call__(self) -> Message:
        message = await self.receive()
        if message["type"] == "http.request" and not self.streamed:
            self.read += len(message.get("body", b""))
            if self.read > self.limit:
                raise TooLarge(
                    "content_too_large", f"This address takes at most {self.limit} bytes. Send less in one request."
                )
        return message
