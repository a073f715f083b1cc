"""HTTP clients that send a request at fixed intervals, as people do, in a process beside the service's."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import uvloop

from benchmarks.clients import PERCENTILES, LoadResult

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Paced:
    """What so many clients send in turn: requests of (key, body) to one path, each client one at every interval.

    Without a body it is a GET.
    """

    port: int
    path: str
    requests: Sequence[tuple[str, bytes]]
    clients: int
    interval: float


def run_paced(paced: Paced, seconds: float) -> LoadResult:
    """Send requests for so many seconds. Raises RuntimeError if one is refused, or if there are too few."""
    return uvloop.run(_run_paced(paced, seconds))


async def _run_paced(paced: Paced, seconds: float) -> LoadResult:
    messages = map(_message, [paced] * len(paced.requests), *zip(*paced.requests, strict=True))
    durations: list[float] = []
    began = time.perf_counter()

    async def send_in_turn(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", paced.port)
        # Clients that begin at the same time would send all their requests at the same time.
        due = began + paced.interval * place / paced.clients
        while due < began + seconds:
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            durations.append(await _send(reader, writer, messages))
            due = max(due + paced.interval, time.perf_counter())
        writer.close()
        await writer.wait_closed()

    async with asyncio.timeout(seconds + _TIMEOUT_SECONDS):
        await asyncio.gather(*(send_in_turn(place) for place in range(paced.clients)))
    elapsed = time.perf_counter() - began
    return LoadResult(len(durations) / elapsed, *np.percentile(np.array(durations) * 1000, PERCENTILES).tolist())


def _message(paced: Paced, key: str, body: bytes) -> bytes:
    method = "POST" if body else "GET"
    head = (
        f"{method} {paced.path} HTTP/1.1\r\nHost: 127.0.0.1:{paced.port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, messages: Iterator[bytes]) -> float:
    """Send the next message and read the whole answer. Returns how long that took, in seconds."""
    message = next(messages, None)
    if message is None:
        raise RuntimeError("all requests have been sent")
    sent_at = time.perf_counter()
    writer.write(message)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if not head.startswith("http/1.1 20"):
        raise RuntimeError(f"answered with {head[:12]}")
    await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r")[0]))
    return time.perf_counter() - sent_at
