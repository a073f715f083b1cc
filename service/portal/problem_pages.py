"""Problems as pages: whoever asks for a page is answered with a page, whatever went wrong."""

import json
from datetime import timedelta
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.clock import now
from service.core.errors import MEDIA_TYPE, TYPE_PREFIX
from service.portal.address import language_of
from service.portal.context import frame_of
from service.portal.rendering import html, is_this_machine, render
from service.portal.words import WORDS
from service.wording.language import Language, write_elapsed

_KEPT_HEADERS: Final = ("retry-after", "allow")


class ProblemPages:
    """ASGI middleware around everything else, so that a crash and an unknown address become pages too.

    The API under `/v1` is not touched, and neither is a caller that does not ask for HTML.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an RFC 9457 problem for a reader of pages is shown as one."""
        if scope["type"] != "http" or not _wants_page(scope):
            await self.app(scope, receive, send)
            return
        began: Message | None = None
        body = bytearray()

        async def watching(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start" and _is_problem(message):
                began = message
            elif began is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))

        await self.app(scope, receive, watching)
        if began is not None:
            await _page(scope, began, json.loads(body))(scope, receive, send)


def _wants_page(scope: Scope) -> bool:
    path: str = scope["path"]
    return not (path == "/v1" or path.startswith("/v1/")) and "text/html" in Headers(scope=scope).get("accept", "")


def _is_problem(message: Message) -> bool:
    return MutableHeaders(scope=message).get("content-type") == MEDIA_TYPE


def _page(scope: Scope, began: Message, problem: dict[str, Any]) -> ASGIApp:
    language, status = language_of(scope["path"]), began["status"]
    words, headers = WORDS[language].problems, MutableHeaders(scope=began)
    slug = problem["type"].removeprefix(TYPE_PREFIX)
    context = frame_of(language) | {
        "status": status,
        "problem": words.pages.get(slug) or words.pages.get(str(status)) or words.usual,
        "wait": _write_wait(language, headers.get("retry-after")),
    }
    host = Headers(scope=scope).get("host", "")
    answer = html(render("problem.html", context), status, on_this_machine=is_this_machine(host))
    answer.headers.update({name: headers[name] for name in _KEPT_HEADERS if name in headers})
    return answer


def _write_wait(language: Language, seconds: str | None) -> str | None:
    return write_elapsed(language, now(), now() + timedelta(seconds=int(seconds))) if seconds else None
