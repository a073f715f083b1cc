"""Health: what the process, the database, the worker, the queue and the disk are like, within a second."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest
from fastapi.testclient import TestClient

from service.core.disk import Disk
from service.core.settings import Settings
from service.main import create_app
from tests.callers import Registry
from tests.conftest import settings_of_tests
from tests.direct_client import DirectClient
from tests.inspection import refusal, resources_of_app, rows, until
from tests.outages import outage
from tests.processes import stop_process


def ready(client: TestClient | httpx2.Client) -> tuple[int, dict[str, str]]:
    """The status of the answer about readiness, and of each check that is not fine. It must be given in time."""
    began = monotonic()
    response = client.get("/readyz")
    # Far more than the second that is promised, since the machine may be busy, and far less than any timeout.
    assert monotonic() - began < 5
    body = response.json()
    assert (body["status"] == "ready") == (response.status_code == 200)
    assert all(check["detail"].endswith(".") for check in body["checks"].values())
    return response.status_code, {
        name: check["status"] for name, check in body["checks"].items() if check["status"] != "ok"
    }


FINE: tuple[int, dict[str, str]] = (200, {})


@pytest.fixture
def idle(dsn: str) -> Iterator[TestClient]:
    """The application without a worker."""
    with DirectClient(create_app(settings_of_tests(), dsn, with_worker=False)) as client:
        yield client


def test_get_ready_with_a_worker_is_ready(client: TestClient) -> None:
    assert until(lambda: ready(client) == FINE)
    assert client.get("/healthz").json()["status"] == "alive"


def test_get_ready_without_a_worker_names_it(idle: TestClient, dsn: str) -> None:
    assert ready(idle) == (503, {"worker": "failed"})
    assert idle.get("/healthz").status_code == 200
    rows(dsn, "INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert until(lambda: ready(idle) == FINE)
    rows(dsn, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    assert until(lambda: ready(idle) == (503, {"worker": "failed"}))


def test_get_ready_while_the_database_is_away_says_so(client: TestClient, dsn: str) -> None:
    assert until(lambda: ready(client) == FINE)
    with outage(dsn):
        assert until(lambda: ready(client) == (503, {"database": "failed"}))
        assert client.get("/healthz").status_code == 200
        assert refusal(client.get("/v1/health")) == (503, "database_unavailable")
    assert until(lambda: ready(client) == FINE)
    assert client.get("/v1/health").json()["status"] == "ok"


@contextmanager
def stopped(process: int) -> Iterator[None]:
    stop_process(process)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_get_ready_while_the_database_hangs_answers_at_once(client: TestClient, cluster: str) -> None:
    """The server takes connections, as far as the system can tell, and never answers."""
    assert until(lambda: ready(client) == FINE)
    with psycopg.connect(cluster) as connection:
        ((folder,),) = connection.execute("SHOW data_directory").fetchall()
    postmaster = int((Path(folder) / "postmaster.pid").read_text().split()[0])
    with stopped(postmaster):
        assert until(lambda: ready(client) == (503, {"database": "failed"}))
        assert ready(client) == (503, {"database": "failed"})
        assert refusal(client.get("/v1/health")) == (503, "database_unavailable")
    assert until(lambda: ready(client) == FINE)
    assert until(lambda: client.get("/v1/health").status_code == 200)


def test_get_ready_while_a_table_is_locked_still_answers(client: TestClient, dsn: str) -> None:
    assert until(lambda: ready(client) == FINE)
    with psycopg.connect(dsn) as holder:
        holder.execute("LOCK TABLE pending_task")
        status, found = until(lambda: [seen for seen in [ready(client)] if seen != FINE])[0]
    assert status == 200
    assert found["tasks"] == "warning"
    assert until(lambda: ready(client) == FINE)


LATE: dict[str, tuple[LiteralString, int, dict[str, str]]] = {
    "queue_long": (
        """
        INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at)
        VALUES ('elsewhere', 'x', now() - interval '11 minutes')
        """,
        200,
        {"queue": "warning"},
    ),
    "queue_too_long": (
        """
        INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at)
        VALUES ('elsewhere', 'x', now() - interval '61 minutes')
        """,
        503,
        {"queue": "failed"},
    ),
    "left_behind": (
        """
        WITH doing AS (
            INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('elsewhere', 'x', 'doing')
            RETURNING id)
        INSERT INTO procrastinate_events (job_id, type, at)
        SELECT id, 'started', now() - interval '4 minutes' FROM doing
        """,
        503,
        {"left_behind": "failed"},
    ),
    "failed": (
        """
        WITH failed AS (
            INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('elsewhere', 'x', 'failed')
            RETURNING id)
        INSERT INTO procrastinate_events (job_id, type, at) SELECT id, 'failed', now() FROM failed
        """,
        200,
        {"failures": "warning"},
    ),
    "late": (
        """
        INSERT INTO pending_task (id, name, arguments, requested_at, attempts, next_attempt_at)
        VALUES (gen_random_uuid(), 'x', '{}', now() - interval '2 hours', 1, now() + interval '1 hour')
        """,
        200,
        {"tasks": "warning"},
    ),
    "lost": (
        """
        INSERT INTO job (id, organisation_id, api_key_id, kind, subject_id, state, done, total, created_at)
        SELECT gen_random_uuid(), organisation_id, id, 'seal_dataset', gen_random_uuid(), 'running', 0, 0,
               now() - interval '4 minutes'
        FROM api_key LIMIT 1
        """,
        503,
        {"jobs": "failed"},
    ),
}


@pytest.mark.parametrize("case", LATE)
def test_get_ready_names_work_that_is_late_or_left(idle: TestClient, dsn: str, case: str) -> None:
    rows(dsn, "INSERT INTO procrastinate_workers DEFAULT VALUES")
    Registry(idle, dsn).broker()
    statement, status, expected = LATE[case]
    rows(dsn, statement)
    assert ready(idle) == (status, expected)


def test_get_ready_tells_nothing_of_an_organisation(client: TestClient, dsn: str) -> None:
    """What is found is one of a few sentences, whatever is stored."""
    before = until(lambda: ready(client) == FINE and client.get("/readyz").json())
    registry = Registry(client, dsn)
    for _ in range(3):
        registry.broker()
    assert client.get("/readyz").json() == before


def disk_of(client: Any) -> Disk:
    return resources_of_app(client.app).get(Disk)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings, with a watched folder."""
    return settings_of_tests().model_copy(update={"disk_path": tmp_path})


def test_get_ready_with_a_nearly_full_disk_says_so_until_space_is_free(client: TestClient) -> None:
    assert until(lambda: ready(client) == FINE)
    disk = disk_of(client)
    reserve, disk.reserve = disk.reserve, 2**60
    assert ready(client) == (503, {"disk": "failed"})
    disk.reserve = reserve
    assert ready(client) == FINE
