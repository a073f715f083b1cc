"""HTTP clients that send a request as soon as the last one is answered, in a process beside the service's.

They cost little themselves: each has one connection and one request under way. Requests are built before the clock
starts, and only the status and the length of an answer are read.
"""

import asyncio
import itertools
import json
import multiprocessing
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import uvloop

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Requests:
    """What clients send in turn: POSTs of each body to one path of a service on this machine, with an API key."""

    port: int
    path: str
    key: str
    bodies: Sequence[bytes]


PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Answered requests per second, all clients together; percentiles of the time of one request in milliseconds."""

    per_second: float
    p50: float
    p95: float
    p99: float


def lookup_requests(port: int, key: str, numbers: Sequence[int], path: str = "/v1/lookups") -> Requests:
    """Requests that ask about each of `numbers`."""
    return Requests(port, path, key, [json.dumps({"number": f"+{number}"}).encode() for number in numbers])


@contextmanager
def client_process() -> Iterator[ProcessPoolExecutor]:
    """A process for the clients, so that they and the benchmark's own work do not share one interpreter."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def run_load(requests: Requests, clients: int, seconds: float) -> LoadResult:
    """Send `requests` in turn from so many clients for so many seconds."""
    return uvloop.run(_run_load(requests, clients, seconds))


async def _run_load(requests: Requests, clients: int, seconds: float) -> LoadResult:
    loop = asyncio.get_running_loop()
    messages = itertools.cycle(_messages(requests))
    began = time.perf_counter()
    protocols = [_Client(messages, began + seconds, loop.create_future()) for _ in range(clients)]
    unconnected = iter(protocols)
    connections = [
        await loop.create_connection(lambda: next(unconnected), "127.0.0.1", requests.port) for _ in protocols
    ]
    try:
        async with asyncio.timeout(seconds + _TIMEOUT_SECONDS):
            await asyncio.gather(*(client.done for client in protocols))
        elapsed = time.perf_counter() - began
    finally:
        for transport, _ in connections:
            transport.close()
    milliseconds = np.concatenate([client.durations for client in protocols]) * 1000
    return LoadResult(len(milliseconds) / elapsed, *np.percentile(milliseconds, PERCENTILES).tolist())


def _messages(requests: Requests) -> list[bytes]:
    head = (
        f"POST {requests.path} HTTP/1.1\r\nHost: 127.0.0.1:{requests.port}\r\nAuthorization: Bearer {requests.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    return [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in requests.bodies]


class _Client(asyncio.Protocol):
    """One connection. It sends the next request when the whole answer to the last has arrived, until the time ends."""

    def __init__(self, messages: Iterator[bytes], end: float, done: "asyncio.Future[None]") -> None:
        self.done, self.durations = done, list[float]()
        self._messages, self._end = messages, end
        self._answer, self._answer_size = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send_next()

    def _send_next(self) -> None:
        self._answer, self._answer_size = b"", 0
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._messages))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._answer_size and (head := self._answer.find(_HEAD_END)) >= 0:
            length = _LENGTH.search(self._answer, 0, head)
            if length is None or not self._answer.startswith(b"HTTP/1.1 200 "):
                self._fail(f"answered with {self._answer[:12].decode(errors='replace')} or without a length")
                return
            self._answer_size = head + len(_HEAD_END) + int(length[1])
        if self._answer_size and len(self._answer) >= self._answer_size:
            self._answer_complete()

    def _answer_complete(self) -> None:
        moment = time.perf_counter()
        self.durations.append(moment - self._sent_at)
        if moment < self._end:
            self._send_next()
        else:
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the connection was lost")

    def _fail(self, problem: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(problem))
