"""The application as tests call it in their process: a request is one visit to its event loop.

The client of Starlette makes eight, so that it can hand over a response in pieces while the application still writes
it. They cost as much as a short answer does. It still does so for a response that a test asks for in pieces.
"""

import asyncio
from typing import Any
from urllib.parse import unquote

import httpx2
from fastapi.testclient import TestClient
from starlette.types import Message

_IN_PIECES = "in_pieces"


class DirectClient(TestClient):
    """Starlette's client, which waits for the whole response."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._transport = _Direct(self, self._transport, raises=options.get("raise_server_exceptions", True))

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request. With `stream`, the response comes while the application writes it."""
        if stream:
            request.extensions = {**request.extensions, _IN_PIECES: True}
        return super().send(request, stream=stream, **options)


class _Direct(httpx2.BaseTransport):
    def __init__(self, client: TestClient, in_pieces: Any, *, raises: bool) -> None:
        self._client, self._in_pieces, self._raises = client, in_pieces, raises

    def close(self) -> None:
        self._in_pieces.close()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        # Without a portal no event loop waits for requests: the application was not started.
        if self._client.portal is None or _IN_PIECES in request.extensions:
            response: httpx2.Response = self._in_pieces.handle_request(request)
            return response
        exchange = _Exchange(request.read())
        try:
            self._client.portal.call(self._client.app, self._scope(request), exchange.receive, exchange.send)
        except Exception:
            if self._raises:
                raise
        return exchange.response(request)

    def _scope(self, request: httpx2.Request) -> dict[str, Any]:
        url = request.url
        return {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": unquote(url.path),
            "raw_path": url.raw_path.split(b"?", 1)[0],
            "root_path": "",
            "scheme": url.scheme,
            "query_string": url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": self._in_pieces.client,
            "server": [url.host, url.port or {"http": 80, "https": 443}[url.scheme]],
            "extensions": {},
            "state": self._client.app_state.copy(),
        }


class _Exchange:
    """What the application reads and writes while it answers one request."""

    def __init__(self, body: bytes) -> None:
        self._body, self._is_read = body, False
        self._start: Message = {"status": 500}
        self._parts: list[bytes] = []
        self._ended = asyncio.Event()

    async def receive(self) -> Message:
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": self._body}
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        assert message["type"] == "http.response.body", message["type"]
        assert "type" in self._start, "The body came before the response's start."
        assert not self._ended.is_set(), "A body came after the last one."
        self._parts.append(bytes(message.get("body", b"")))
        if not message.get("more_body", False):
            self._ended.set()

    def response(self, request: httpx2.Request) -> httpx2.Response:
        """What was written."""
        body = b"" if request.method == "HEAD" else b"".join(self._parts)
        headers = list(self._start.get("headers", []))
        return httpx2.Response(self._start["status"], headers=headers, stream=httpx2.ByteStream(body), request=request)
