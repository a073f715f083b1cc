"""Workers that are stopped or killed while they seal a dataset: the next worker completes it."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.core.task_queue import open_queue
from service.core.worker import run_worker
from service.main import create_app, running
from tests.builders import open_dataset
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.direct_client import DirectClient
from tests.inspection import defer, rows, until
from tests.processes import Running, command

# Enough numbers for two ranges of shards, each loaded in its own transaction.
NUMBERS = 40_000
HELD_SHARD, LOADED = 20, 6


@pytest.fixture
def client(dsn: str, settings: Settings) -> Iterator[TestClient]:
    """The application without a worker."""
    with DirectClient(create_app(settings, dsn, with_worker=False)) as started:
        yield started


def uploaded(broker: Caller) -> str:
    """An open dataset with numbers generated here."""
    dataset = open_dataset(broker)
    broker.put_part(dataset["id"], (str(33612000000 + 2477 * place) for place in range(NUMBERS)))
    return str(dataset["id"])


@contextmanager
def held_up(dsn: str, twin: str) -> Iterator[None]:
    """Block the sealing that follows that of `twin` at one shard: an uncommitted block of its segment collides."""
    with psycopg.connect(dsn) as other:
        other.execute(
            "INSERT INTO membership_block (shard, level, lead, segment_id, merged, keys) "
            "SELECT shard, level, lead, segment_id + 1, merged, keys "
            "FROM membership_block JOIN segment_member USING (segment_id) WHERE dataset_id = %s AND shard = %s LIMIT 1",
            (twin, HELD_SHARD),
        )
        yield
        other.rollback()


def wait_until_held_up(dsn: str, dataset: str) -> None:
    """Return once every range of shards but the blocked one is loaded."""
    query: LiteralString = """
        SELECT count(DISTINCT shard) FROM membership_block JOIN segment_member USING (segment_id) WHERE dataset_id = %s
    """
    until(lambda: rows(dsn, query, dataset) == [(LOADED,)])


def work_until(settings: Settings, dsn: str, done: Any, patience: float = 10.0) -> None:
    """Run a worker in this process until `done` returns, then stop it."""

    async def run() -> None:
        async with running(settings, dsn, settings.job_limits()) as resources, open_queue(dsn) as queue:
            resources.add(queue)
            worker = asyncio.create_task(run_worker(resources, patience))
            try:
                await asyncio.to_thread(done)
            finally:
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)

    asyncio.run(run())


def outcome(broker: Caller, dsn: str, dataset: str) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """The result of sealing a dataset: its counts and every block."""
    found = broker.get(f"/v1/datasets/{dataset}")
    counts = {key: value for key, value in found.items() if key.endswith("_count") or key == "state"}
    query = (
        "SELECT lead, level, keys FROM membership_block JOIN segment_member USING (segment_id) "
        "WHERE dataset_id = %s ORDER BY lead"
    )
    staged = rows(dsn, "SELECT 1 FROM staged_run WHERE dataset_id = %s", dataset)
    assert staged == []
    return counts, rows(dsn, query, dataset)


def test_worker_that_is_stopped_puts_its_job_back(registry: Registry, settings: Settings, dsn: str) -> None:
    broker = registry.broker()
    twin, dataset = uploaded(broker), uploaded(broker)
    job = broker.post(f"/v1/datasets/{twin}/seal")
    work_until(settings, dsn, lambda: broker.finish(job))
    job = broker.post(f"/v1/datasets/{dataset}/seal")
    with held_up(dsn, twin):
        work_until(settings, dsn, lambda: wait_until_held_up(dsn, dataset), patience=0.1)
        assert broker.get(f"/v1/jobs/{job['id']}")["state"] == "running"
    work_until(settings, dsn, lambda: broker.finish(job))
    assert outcome(broker, dsn, dataset) == outcome(broker, dsn, twin)


def test_job_of_killed_worker_is_started_over(registry: Registry, settings: Settings, dsn: str) -> None:
    broker = registry.broker()
    twin, dataset = uploaded(broker), uploaded(broker)
    job = broker.post(f"/v1/datasets/{twin}/seal")
    work_until(settings, dsn, lambda: broker.finish(job))
    job = broker.post(f"/v1/datasets/{dataset}/seal")
    environment = os.environ | {"DATABASE_URL": dsn, "FILIATION_MASTER_SECRET": MASTER_SECRET}
    with held_up(dsn, twin), Running(command("worker"), env=environment, stderr=subprocess.DEVNULL) as worker:
        try:
            wait_until_held_up(dsn, dataset)
        finally:
            worker.send_signal(signal.SIGKILL)
    # The worker is taken for dead after half a minute without a heartbeat, which a task checks every minute.
    rows(dsn, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
    defer(dsn, "sweep")
    work_until(settings, dsn, lambda: broker.finish(job))
    assert broker.get(f"/v1/jobs/{job['id']}")["state"] == "succeeded"
    assert outcome(broker, dsn, dataset) == outcome(broker, dsn, twin)
