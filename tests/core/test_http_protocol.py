"""Connections: whoever sends no head, reads no response or only waits makes room for others."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from service.core import http_protocol
from service.core.http_protocol import BoundedProtocol
from tests.hostile import request_head, send_until_answered

MOST = 8
LARGE = 32 << 20


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers two bytes, or at `/large` more than any buffer holds."""
    size = LARGE if scope["path"] == "/large" else 2
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
    for begin in range(0, size, 65536):
        piece = b"x" * min(65536, size - begin)
        await send({"type": "http.response.body", "body": piece, "more_body": begin + 65536 < size})


class Server:
    """A server, whose connections can be checked as if time had passed."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        self.address: tuple[str, int] = server.servers[0].sockets[0].getsockname()

    @property
    def connections(self) -> list[BoundedProtocol]:
        """Those that are open."""
        return [found for found in list(self._server.server_state.connections) if isinstance(found, BoundedProtocol)]

    def check_after(self, seconds: float) -> None:
        """Check the connections so many seconds later."""
        for connection in self.connections:
            loop = connection.loop
            loop.call_soon_threadsafe(connection.check, loop.time() + seconds)

    def wait_for(self, count: int) -> None:
        """Wait until so many connections are open."""
        end = time.monotonic() + 30
        while len(self.connections) != count:
            assert time.monotonic() < end, len(self.connections)
            time.sleep(0.01)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    options: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none"}
    config = uvicorn.Config(
        application, port=0, http=BoundedProtocol, limit_concurrency=MOST, loop="asyncio", **options
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield Server(running)
    running.should_exit = True
    thread.join()


def connect(server: Server, sent: bytes = b"") -> socket.socket:
    """A new connection, over which something was sent."""
    connection = socket.create_connection(server.address, timeout=30)
    connection.sendall(sent)
    return connection


def received_by(connection: socket.socket) -> int:
    """How many bytes arrive until the connection ends."""
    received = 0
    with suppress(ConnectionError):
        while more := connection.recv(1 << 20):
            received += len(more)
    return received


def test_head_that_does_not_arrive_in_time_is_refused(server: Server) -> None:
    with connect(server, b"GET / HTTP/1.1\r\nHo") as slow, connect(server) as silent:
        server.wait_for(2)
        while not any(connection._head_bytes for connection in server.connections):
            time.sleep(0.01)
        server.check_after(http_protocol.HEAD_SECONDS - 1)
        server.check_after(http_protocol.HEAD_SECONDS + 1)
        assert slow.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert silent.recv(65536) == b""
    server.wait_for(0)


def test_response_that_is_not_read_ends(server: Server) -> None:
    with connect(server, request_head("GET", "/large")) as unread:
        server.wait_for(1)
        (connection,) = server.connections
        while connection._unread_since is None:
            time.sleep(0.01)
        server.check_after(http_protocol.UNREAD_SECONDS - 1)
        server.check_after(http_protocol.UNREAD_SECONDS + 1)
        server.wait_for(0)
        assert received_by(unread) < LARGE


def test_connection_beyond_the_most_takes_the_place_of_the_longest_idle_one(server: Server) -> None:
    with ExitStack() as stack:
        idle = []
        for count in range(1, MOST + 1):
            idle.append(stack.enter_context(connect(server)))
            server.wait_for(count)
        answer = send_until_answered(server.address, [request_head("GET", "/")])
        assert (answer.status, answer.body) == (200, b"xx")
        assert received_by(idle[0]) == 0
        idle[-1].sendall(request_head("GET", "/"))
        assert idle[-1].recv(65536).startswith(b"HTTP/1.1 200 ")
    server.wait_for(0)


def test_connections_are_answered_one_request_after_the_other(server: Server) -> None:
    with connect(server) as connection:
        for _ in range(3):
            connection.sendall(request_head("GET", "/"))
            received = b""
            while not received.endswith(b"xx"):
                received += connection.recv(65536)
    server.wait_for(0)


def test_requests_that_are_sent_without_waiting_for_responses_are_bounded(server: Server) -> None:
    with connect(server) as connection:
        connection.sendall(request_head("GET", "/large") * 200)
        assert received_by(connection) < 20 * LARGE
    server.wait_for(0)
