"""What surrounds every request: a log line without its address, a bound on JSON bodies, an answer even to a crash."""

import logging
import time
from typing import NamedTuple

from psycopg_pool import PoolTimeout
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.errors import Overloaded, TooLarge, crashed, respond

log = logging.getLogger("service.access")


class Surround:
    """ASGI middleware around the whole application.

    It stands in for the server's access log, which would write the raw address: whoever puts a phone number into one
    would put it into our logs. This one writes the route's template instead.
    """

    def __init__(self, app: ASGIApp, bounds: "Bounds") -> None:
        self.app, self.bounds = app, bounds

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
                # A page says more of itself than this, and a style sheet may be kept.
                said = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in _SECURITY_HEADERS if one[0] not in said)]
            await send(message)

        try:
            await self.app(scope, _bounded(receive, self.bounds.of(scope)), watching)
        except ClientDisconnect:
            log.info("the client went away before it had sent everything")
        except (NoConnectionLeft, PoolTimeout):
            if status == 0:
                await respond(_BUSY)(scope, receive, watching)
        except Exception as problem:  # noqa: BLE001 - the last resort, which logs it and answers
            answer = crashed(problem)
            if status == 0:
                await answer(scope, receive, watching)
        route = scope.get("route")
        template = getattr(route, "path", "(no route)")
        # A method is any word that a client likes, so that it might be a number as well.
        method = scope["method"] if scope["method"] in _METHODS else "(other method)"
        log.info("%s %s %s %.1f ms", method, template, status, (time.perf_counter() - began) * 1000)


_BUSY = Overloaded("overloaded", "More is asked at once than can be answered. Try again in a moment.")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
]

_EVIDENCE_TYPES = ("image/", "application/pdf")


class Bounds(NamedTuple):
    """How many bytes of a body the framework may gather in memory."""

    json: int
    evidence: int

    def of(self, scope: Scope) -> int | None:
        """The bound for this request; None for a PUT, which is a part of a dataset and streams."""
        media_type = Headers(scope=scope).get("content-type", "")
        if scope["method"] == "PUT":
            return None
        return self.evidence if media_type.startswith(_EVIDENCE_TYPES) else self.json


def _bounded(receive: Receive, limit: int | None) -> Receive:
    read = 0

    async def receive_bounded() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if limit is not None and read > limit:
                raise TooLarge(limit)
        return message

    return receive_bounded
