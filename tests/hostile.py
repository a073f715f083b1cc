"""Requests that no client of ours sends: bodies of hundreds of megabytes, heads without end, and clients that wait."""

import json
import select
import socket
from collections.abc import Iterable, Iterator
from itertools import chain, islice, repeat
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpx2

PIECE: Final = 64 * 1024


class Answer(NamedTuple):
    """What a server answered, and how many bytes it had been sent by then. Status 0: it only ended the connection."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: int

    @property
    def slug(self) -> str:
        """The last part of a problem's type."""
        return str(json.loads(self.body)["type"].rpartition(":")[2])


class Shape(NamedTuple):
    """A kind of hostile body: what its head says, and what is sent."""

    headers: tuple[str, ...]
    piece: bytes
    chunked: bool = False

    def pieces(self, total: int) -> Iterator[bytes]:
        """What is sent after the head: about `total` bytes."""
        piece = self.piece * (PIECE // len(self.piece))
        framed = b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece
        return islice(repeat(framed), total // len(framed))

    def head(self, total: int) -> tuple[str, ...]:
        """The lines of the head about a body of `total` bytes."""
        return (*self.headers, "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {total}")


_JSON: Final = "Content-Type: application/json"
SHAPES: Final = {
    "plain": Shape((_JSON,), b"x"),
    "chunked": Shape((_JSON,), b"x", chunked=True),
    "values": Shape((_JSON,), b"[],", chunked=True),
    "nested": Shape((_JSON,), b"["),
    "compressed": Shape((_JSON, "Content-Encoding: gzip"), b"\x1f\x8b\x08\x00", chunked=True),
    "form": Shape(("Content-Type: application/x-www-form-urlencoded",), b"a=b&", chunked=True),
    "small chunks": Shape((_JSON,), b"1\r\nx\r\n"),
}


def address_of(client: httpx2.Client) -> tuple[str, int]:
    """Where the server of `client` listens."""
    parts = urlsplit(str(client.base_url))
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def request_head(method: str, path: str, *lines: str, host: str = "localhost") -> bytes:
    """The head of a request."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", "")).encode("latin-1")


def send_until_answered(address: tuple[str, int], pieces: Iterable[bytes], seconds: float = 30) -> Answer:
    """Send pieces until the server answers, and read its answer."""
    sent = 0
    with socket.create_connection(address, timeout=seconds) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                if select.select([connection], [], [], 0)[0]:
                    break
                connection.sendall(piece)
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return _read(connection, sent)


def hostile_request(
    address: tuple[str, int], method: str, path: str, shape: Shape, *lines: str, total: int = 200 << 20
) -> Answer:
    """Send a hostile body to a route until it is refused."""
    head = request_head(method, path, *shape.head(total), *lines)
    return send_until_answered(address, chain([head], shape.pieces(total)))


def _read(connection: socket.socket, sent: int) -> Answer:
    received = b""
    try:
        while b"\r\n\r\n" not in received or not _is_whole(received):
            more = connection.recv(PIECE)
            if not more:
                break
            received += more
    except ConnectionResetError:
        pass
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Answer(int(first.split(" ")[1]) if first else 0, headers, body, sent)


def _is_whole(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    if received.startswith(b"HTTP/1.1 1"):
        return True
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length: "):
            return len(body) >= int(line.split(b": ")[1])
    return False
