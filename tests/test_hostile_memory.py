"""A service under hostile requests: its memory and its health. Minutes long, so only `make soak-stands` runs it."""

import itertools
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from pathlib import Path

import httpx2
import pytest

from tests.builders import make_notice
from tests.callers import Registry
from tests.hostile import SHAPES, address_of, hostile_request, request_head, send_until_answered
from tests.routes import ROUTES, filled_path, method_of
from tests.test_processes import process_on

pytestmark = [
    pytest.mark.skipif("LONG" not in os.environ, reason="only in a soak"),
    pytest.mark.skipif(os.geteuid() != 0, reason="the service's memory is private: only root can reset its peak"),
]

MOST_GROWTH_MIB = 64
MOST_P99_SECONDS = 0.2
READERS = 100


# In a process of its own, because the threads that send hostile requests would delay it.
_ASKING = """
import json, sys, threading, time, urllib.request
seconds, end = [], threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), end.set()), daemon=True).start()
while not end.wait(0.02):
    began = time.monotonic()
    urllib.request.urlopen(sys.argv[1], timeout=30).read()
    seconds.append(time.monotonic() - began)
print(json.dumps(seconds))
"""


def screenshot(size: int) -> bytes:
    """A PNG of one dot, with as many bytes beside it as a photograph has."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"prVt", os.urandom(size))]
    parts += [(b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def peak_mib(process: int) -> float:
    """The most memory that a process had since `forget_peak`."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def forget_peak(process: int) -> None:
    """Measure the peak from now on."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


@contextmanager
def measured(client: httpx2.Client, process: int, what: str) -> Iterator[None]:
    """Ask for the service's health during the block, and hold memory and times against their limits."""
    forget_peak(process)
    before = peak_mib(process)
    command = [sys.executable, "-c", _ASKING, f"{client.base_url}/v1/health"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        yield
        seconds = json.loads(asking.communicate()[0])
    grown, p99 = peak_mib(process) - before, statistics.quantiles(seconds, n=100)[98]
    print(f"{what}: +{grown:.0f} MiB, p99 of {len(seconds)} health checks {p99 * 1000:.0f} ms")  # noqa: T201
    assert grown < MOST_GROWTH_MIB, what
    assert p99 < MOST_P99_SECONDS, what


def test_hostile_requests_take_neither_memory_nor_time(dsn: str) -> None:
    with process_on(dsn, of_its_own=True) as (client, process):
        broker, address = Registry(client, dsn).broker(), address_of(client)
        key = f"Authorization: Bearer {broker.key}"
        requests = [
            (method_of(route), filled_path(route), shape, *lines)
            for route, shape, lines in itertools.product(ROUTES, SHAPES.values(), ((), (key,)))
        ]
        with ThreadPoolExecutor(8) as pool:
            # What a process imports and keeps at its first requests is not theirs.
            list(pool.map(lambda request: hostile_request(address, *request), requests[::10]))
            with measured(client, process, "bodies"):
                found = list(pool.map(lambda request: hostile_request(address, *request), requests))
            assert {answer.status for answer in found if not 200 <= answer.status < 500} <= {503}
            begin = request_head("GET", "/v1/health")[:-2]
            with measured(client, process, "heads"):
                heads = [chain([begin, b"X: "], repeat(b"x" * 65536)) for _ in range(50)]
                heads += [chain([begin], repeat(b"x: y\r\n" * 10_000)) for _ in range(50)]
                answers = list(pool.map(lambda head: send_until_answered(address, head), heads))
            assert {answer.status for answer in answers} == {431}


def test_clients_that_read_nothing_or_only_wait_take_neither_memory_nor_time(dsn: str) -> None:
    with process_on(dsn, of_its_own=True) as (client, process), ExitStack() as stack:
        broker, address = Registry(client, dsn).broker(), address_of(client)
        notice = make_notice(broker, broker.id)
        path = f"/v1/notices/{notice['id']}/evidence"
        made = broker.request("POST", path, content=screenshot(9 << 20), headers={"Content-Type": "image/png"}).json()
        head = request_head("GET", f"{path}/{made['id']}", f"Authorization: Bearer {broker.key}")
        assert send_until_answered(address, [head]).status == 200
        with measured(client, process, "unread responses"):
            for _ in range(READERS):
                connection = stack.enter_context(socket.create_connection(address))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.sendall(head)
            time.sleep(10)
        with measured(client, process, "idle connections"):
            for _ in range(2000):
                stack.enter_context(socket.create_connection(address))
            time.sleep(5)
