"""Problems as pages: a reader who asks for a page is answered with a page, whatever went wrong."""

import json
from datetime import timedelta
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.clock import now
from service.core.errors import MEDIA_TYPE, TYPE_PREFIX
from service.core.security_headers import is_local
from service.web.addresses import language_of
from service.web.phrasebook import phrases_in
from service.web.security_headers import page_response
from service.web.site import Site
from service.wording.language import Language, write_elapsed

_KEPT_HEADERS: Final = ("retry-after", "allow")


class ProblemPages:
    """ASGI middleware around everything else, so that a crash and an unknown address become pages too.

    The API under `/v1` keeps its problems, and so does a caller that does not ask for HTML.
    """

    def __init__(self, app: ASGIApp, site: Site[Any, Any]) -> None:
        self.app, self.site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Its RFC 9457 problem is shown as a page to a reader of pages."""
        if scope["type"] != "http" or not _asks_for_page(scope):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def hold_back_problem(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))

        await self.app(scope, receive, hold_back_problem)
        if start is not None:
            await self._page(scope, start, json.loads(body))(scope, receive, send)

    def _page(self, scope: Scope, start: Message, problem: dict[str, Any]) -> ASGIApp:
        language, status = language_of(scope["path"]), start["status"]
        headers = MutableHeaders(scope=start)
        slug = problem["type"].removeprefix(TYPE_PREFIX)
        context = self.site.context(language) | {
            "status": status,
            "problem": phrases_in(language).problems.of(slug, status),
            "wait": _write_wait(language, headers.get("retry-after")),
        }
        text = self.site.templates.render("web/problem.html", context)
        response = page_response(text, status, local=is_local(Headers(scope=scope).get("host", "")))
        response.headers.update({name: headers[name] for name in _KEPT_HEADERS if name in headers})
        return response


def _asks_for_page(scope: Scope) -> bool:
    path: str = scope["path"]
    return not (path == "/v1" or path.startswith("/v1/")) and "text/html" in Headers(scope=scope).get("accept", "")


def _is_problem(start: Message) -> bool:
    return MutableHeaders(scope=start).get("content-type") == MEDIA_TYPE


def _write_wait(language: Language, seconds: str | None) -> str | None:
    return write_elapsed(language, now(), now() + timedelta(seconds=int(seconds))) if seconds else None
