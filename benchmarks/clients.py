"""Clients that ask as fast as they are answered, at little cost of their own, in a process beside the service's.

Each has one connection and one request on its way. Requests are made before the clock starts, and of an answer only
the status and the length are read.
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
_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """What clients ask: POSTs to one address of a service of this machine, each body in turn, with a key."""

    port: int
    path: str
    key: str
    bodies: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Load:
    """How it was answered: requests a second of all clients together, and milliseconds a request."""

    per_second: float
    p50: float
    p99: float


def lookups(port: int, key: str, numbers: Sequence[int], path: str = "/v1/lookups") -> Asked:
    """What asks for each of `numbers`."""
    return Asked(port, path, key, [json.dumps({"number": f"+{number}"}).encode() for number in numbers])


@contextmanager
def client_process() -> Iterator[ProcessPoolExecutor]:
    """A process to ask from, so that clients and the service's own work do not take turns in one interpreter."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def ask(asked: Asked, clients: int, seconds: float) -> Load:
    """Ask with so many clients for so long."""
    return uvloop.run(_ask(asked, clients, seconds))


async def _ask(asked: Asked, clients: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    requests = itertools.cycle(_requests(asked))
    began = time.perf_counter()
    asking = [_Client(requests, began + seconds, loop.create_future()) for _ in range(clients)]
    waiting = iter(asking)
    opened = [await loop.create_connection(lambda: next(waiting), "127.0.0.1", asked.port) for _ in asking]
    try:
        async with asyncio.timeout(seconds + _PATIENCE_SECONDS):
            await asyncio.gather(*(client.done for client in asking))
        elapsed = time.perf_counter() - began
    finally:
        for transport, _ in opened:
            transport.close()
    took = np.concatenate([client.took for client in asking]) * 1000
    p50, p99 = np.percentile(took, (50, 99))
    return Load(len(took) / elapsed, float(p50), float(p99))


def _requests(asked: Asked) -> list[bytes]:
    head = (
        f"POST {asked.path} HTTP/1.1\r\nHost: 127.0.0.1:{asked.port}\r\nAuthorization: Bearer {asked.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    return [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in asked.bodies]


class _Client(asyncio.Protocol):
    """One connection: the next request follows the whole answer to the one before, until the time is over."""

    def __init__(self, requests: Iterator[bytes], end: float, done: "asyncio.Future[None]") -> None:
        self.done, self.took = done, list[float]()
        self._requests, self._end = requests, end
        self._answer, self._whole = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._ask()

    def _ask(self) -> None:
        self._answer, self._whole = b"", 0
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._whole and (head := self._answer.find(_HEAD_END)) >= 0:
            length = _LENGTH.search(self._answer, 0, head)
            if length is None or not self._answer.startswith(b"HTTP/1.1 200 "):
                self._fail(f"answered with {self._answer[:12].decode(errors='replace')} or without a length")
                return
            self._whole = head + len(_HEAD_END) + int(length[1])
        if self._whole and len(self._answer) >= self._whole:
            self._answered()

    def _answered(self) -> None:
        moment = time.perf_counter()
        self.took.append(moment - self._asked)
        if moment < self._end:
            self._ask()
        else:
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the connection was lost")

    def _fail(self, problem: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(problem))
