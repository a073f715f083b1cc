"""The worker's process beside `serve`: it comes back when it is killed, and ends with the process that started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.command.watchdog import HUNG_STATUS
from tests.builders import number, open_dataset
from tests.callers import Registry
from tests.inspection import rows, until
from tests.processes import service_id_of, stop_process
from tests.test_processes import process_on


def test_worker_that_is_killed_comes_back_and_seals(dsn: str) -> None:
    with process_on(dsn) as (client, process_id):
        broker = Registry(client, dsn).broker()
        dataset_id = open_dataset(broker)["id"]
        broker.put_part(dataset_id, [number(1)])
        killed = until(lambda: _worker_of(process_id))
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert broker.finish(broker.post(f"/v1/datasets/{dataset_id}/seal"))["state"] == "succeeded"
        assert until(lambda: _worker_of(process_id)) != killed


def test_worker_ends_when_the_service_is_killed(dsn: str) -> None:
    with process_on(dsn) as (_, process_id):
        worker = until(lambda: _worker_of(process_id))
        os.kill(process_id, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{worker}").exists())


def test_worker_that_is_stopped_is_killed_and_another_one_seals(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped process runs no thread that could end it."""
    monkeypatch.setenv("FILIATION_HEARTBEAT_SECONDS", "1")
    with process_on(dsn) as (client, process_id):
        broker = Registry(client, dsn).broker()
        dataset_id = open_dataset(broker)["id"]
        broker.put_part(dataset_id, [number(1)])
        # Until its first sign of life, it counts as starting.
        until(lambda: rows(dsn, "SELECT FROM procrastinate_workers"))
        stopped = _worker_of(process_id)
        assert stopped is not None
        stop_process(stopped)
        assert broker.finish(broker.post(f"/v1/datasets/{dataset_id}/seal"))["state"] == "succeeded"
        assert until(lambda: _worker_of(process_id)) != stopped


_HANGING = """
import asyncio, time
from service.command.watchdog import signs_of_life

async def hang():
    async with signs_of_life(0.4):
        await asyncio.sleep(1)
        print("lived", flush=True)
        time.sleep(600)

asyncio.run(hang())
"""


def test_process_whose_event_loop_hangs_ends_itself_and_says_where() -> None:
    ended = subprocess.run([sys.executable, "-c", _HANGING], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (HUNG_STATUS, "lived\n")
    assert "in hang" in ended.stderr


def _worker_of(process_id: int) -> int | None:
    """The id of the worker's process that a service has started, if one runs."""
    tasks = Path(f"/proc/{process_id}/task")
    for child in " ".join((task / "children").read_text() for task in tasks.iterdir()).split():
        command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if command[-2:-1] == [b"worker"]:
            return service_id_of(int(child))
    return None
