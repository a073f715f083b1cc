"""The outermost middleware: a log line without the address, bounds, headers, and a response to a crash."""

import logging
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.body_limits import BodyLimits, HeldBytes, RequestBody
from service.core.error_handlers import failure_response, respond
from service.core.errors import ConfigurationError, Malformed, Overloaded
from service.core.head_requests import as_get, without_body
from service.core.request_places import MOST_REQUESTS, MOST_STREAMS, Place, Places
from service.core.response_limits import MOST_HELD, BoundedSender, BrokenOff
from service.core.security_headers import add_security_headers, is_local

log = logging.getLogger("service.access")

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
# Whoever watches the service still has to learn that it is busy, and not down.
_ALWAYS: Final = frozenset({"/v1/health", "/healthz", "/readyz"})


class OutermostMiddleware:
    """ASGI middleware around the whole application.

    It replaces the server's access log. That one writes the raw address, and with it any phone number that a caller
    puts there. This one writes the route's template.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: BodyLimits,
        most_requests: int = MOST_REQUESTS,
        most_streams: int = MOST_STREAMS,
    ) -> None:
        self.app, self.limits = app, limits
        self.places, self.unread = Places(most_requests, most_streams), HeldBytes(MOST_HELD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the start and the end of the application."""
        if scope["type"] != "http":
            await self._start_and_end(scope, receive, send)
            return
        began, place = time.perf_counter(), Place(scope, self.places)
        body = RequestBody(scope, receive, self.limits, place)
        hosts = Headers(scope=scope).getlist("host")
        local = len(hosts) == 1 and is_local(hosts[0])
        sender = BoundedSender(_with_headers(send, body, local=local), self.unread, place)
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = as_get(scope)
        try:
            place.run(always=scope["path"] in _ALWAYS)
            if len(hosts) != 1:
                raise Malformed("host_header", "A request needs one `Host` header, with the name of this service.")
            if is_head:
                await self._serve(scope, *without_body(sender.send), sender)
            else:
                await self._serve(scope, body.receive, sender.send, sender)
        except (Malformed, Overloaded) as refusal:
            await respond(refusal)(scope, receive, sender.send)
        finally:
            place.leave()
            body.release()
            sender.release()
        method = "HEAD" if is_head else scope["method"]
        _log(scope, method, sender.status, time.perf_counter() - began)

    async def _start_and_end(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_without_text(message: Message) -> None:
            # The framework puts a traceback there, and the server writes it to its log.
            await send({"type": message["type"]})

        try:
            await self.app(scope, receive, send_without_text)
        except ConfigurationError as error:
            log.critical("%s", error)
            raise
        except Exception:
            log.exception("The application could not start or end.")
            raise

    async def _serve(self, scope: Scope, receive: Receive, send: Send, sender: BoundedSender) -> None:
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            log.info("the client disconnected before it had sent the whole body")
        except BrokenOff as end:
            log.info("%s", end)
        except Exception as problem:  # noqa: BLE001 - the last resort, which logs it and responds
            response = failure_response(problem)
            # Once a part is sent, only its early end tells the client that the response is not whole.
            if sender.status == 0:
                await response(scope, receive, send)


def _with_headers(send: Send, body: RequestBody, *, local: bool) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            add_security_headers(headers, local=local)
            if not body.is_complete:
                # Nobody reads the rest of the body, and the next request would begin behind it.
                headers["connection"] = "close"
        await send(message)

    return send_with_headers


def _log(scope: Scope, method: str, status: int, seconds: float) -> None:
    template = getattr(scope.get("route"), "path", "(no route)")
    # A client may send any text as the method, a number too.
    method = method if method in _METHODS else "(other method)"
    log.info("%s %s %s %.1f ms", method, template, status, seconds * 1000)
