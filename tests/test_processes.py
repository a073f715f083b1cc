"""Two service processes on one database, over real sockets."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import pytest

from tests.builders import collected, hand_over, number
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.free_ports import free_port
from tests.processes import Running, command, service_id_of


@contextmanager
def served(dsn: str) -> Iterator[httpx2.Client]:
    """A service process on `dsn`, and a client that calls it."""
    with process_on(dsn) as (client, _):
        yield client


@contextmanager
def process_on(
    dsn: str, stderr: int = subprocess.DEVNULL, *, of_its_own: bool = False
) -> Iterator[tuple[httpx2.Client, int]]:
    """A client of a service process on `dsn`, and the id of that process.

    Its memory is `of_its_own` if it shares none with the process from which commands are forked.
    """
    port = free_port()
    environment = os.environ | {"DATABASE_URL": dsn, "FILIATION_MASTER_SECRET": MASTER_SECRET}
    arguments = ("serve", "--port", str(port))
    starting = (
        subprocess.Popen([sys.executable, "-m", "service", *arguments], env=environment, stderr=stderr, text=True)
        if of_its_own
        else Running(command(*arguments), env=environment, stderr=stderr, text=True)
    )
    with starting as process:
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _wait_for(client, process)
                yield client, process.pid if of_its_own else service_id_of(process.pid)
        finally:
            process.terminate()


def _wait_for(client: httpx2.Client, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.get("/v1/health").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")


@pytest.fixture
def two(dsn: str) -> Iterator[tuple[Registry, httpx2.Client]]:
    """Organisations that call the first process, and a client of the second."""
    with ExitStack() as stack:
        first, second = stack.enter_context(served(dsn)), stack.enter_context(served(dsn))
        yield Registry(first, dsn), second


def test_lookup_in_another_process_sees_a_transfer_at_once(two: tuple[Registry, httpx2.Client]) -> None:
    registry, second = two
    shop = registry.collector()
    dataset = collected(shop, range(10))
    for _ in range(10):
        buyer = registry.broker()
        there = Caller(second, buyer.id, buyer.key)
        assert not there.lookup(number(1))["held"]
        transfer = hand_over(shop, dataset, buyer)
        answer = there.lookup(number(1))
        assert [seen["id"] for seen in answer["transfers"]] == [transfer["id"]]
        assert answer["origins"]


def test_lookups_while_a_transfer_changes_never_mix_two_states(two: tuple[Registry, httpx2.Client]) -> None:
    """The recipient denies and acknowledges in turn. Status, holding and origins have to agree in every answer."""
    registry, second = two
    shop, buyer = registry.collector(), registry.broker()
    transfer = hand_over(shop, collected(shop, range(10)), buyer)
    stop, wrong, seen = threading.Event(), [], []

    def read(client: Any) -> None:
        caller = Caller(client, buyer.id, buyer.key)
        while not stop.is_set():
            answer = caller.lookup(number(1))
            (shown,) = answer["transfers"]
            stated = [statement["status"] for statement in shown["statements"] if statement["side"] == "recipient"]
            denied = shown["status"] == "denied"
            seen.append(shown["status"])
            agree = [shown["status"] == (stated[-1] if stated else "declared"), answer["held"] != denied]
            if not all([*agree, bool(answer["origins"]) != denied, bool(answer["chains"]) != denied]):
                wrong.append(answer)

    readers = [threading.Thread(target=read, args=(client,)) for client in (registry.client, second) for _ in range(2)]
    for reader in readers:
        reader.start()
    for turn in range(40):
        status = "denied" if turn % 2 == 0 else "acknowledged"
        body = {"status": status, "occurred_at": "2024-03-01T00:00:00Z"}
        buyer.post(f"/v1/transfers/{transfer['id']}/statements", body)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert {"denied", "acknowledged"} <= set(seen)


def test_service_does_not_import_what_only_readers_need() -> None:
    command = [sys.executable, "-c", "import sys, service.main; print('polars' in sys.modules)"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "False\n"
