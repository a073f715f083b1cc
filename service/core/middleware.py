"""The outermost middleware: a log line without the address, a limit on bodies, headers, and a response to a crash."""

import logging
import time
from typing import Final

from psycopg_pool import PoolTimeout
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.body_limits import BodyLimits, limited
from service.core.error_handlers import crash_response, respond
from service.core.errors import Overloaded

log = logging.getLogger("service.access")

_BUSY: Final = Overloaded("overloaded", "The service has too many requests at once. Try again in a moment.")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)


class OutermostMiddleware:
    """ASGI middleware around the whole application.

    It replaces the server's access log. That one writes the raw address, and with it any phone number that a caller
    puts there. This one writes the route's template.
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Other scopes (the lifespan) pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # A page sets stricter headers of its own, and a style sheet may be cached.
                present = {name.lower() for name, _ in message["headers"]}
                added = (header for header in _HEADERS if header[0] not in present)
                message["headers"] = [*message["headers"], *added]
            await send(message)

        try:
            await self.app(scope, limited(receive, self.limits.of(scope)), send_with_headers)
        except ClientDisconnect:
            log.info("the client disconnected before it had sent the whole body")
        except (NoConnectionLeft, PoolTimeout):
            if status == 0:
                await respond(_BUSY)(scope, receive, send_with_headers)
        except Exception as problem:  # noqa: BLE001 - the last resort, which logs it and responds
            response = crash_response(problem)
            if status == 0:
                await response(scope, receive, send_with_headers)
        _log(scope, status, time.perf_counter() - began)


def _log(scope: Scope, status: int, seconds: float) -> None:
    template = getattr(scope.get("route"), "path", "(no route)")
    # A client may send any text as the method, a number too.
    method = scope["method"] if scope["method"] in _METHODS else "(other method)"
    log.info("%s %s %s %.1f ms", method, template, status, seconds * 1000)
