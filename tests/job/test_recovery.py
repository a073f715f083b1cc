"""What an outage of the database or a kill interrupts is done all the same, and nothing else waits for it."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from service.core.db import Database
from service.core.settings import Settings
from service.job.models import Job
from service.job.operations import ReportProgress, run_job
from service.main import create_app
from service.membership.fsck.check import check
from service.membership.fsck.report import Finding, Violation
from tests.builders import filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import settings_of_tests
from tests.direct_client import DirectClient
from tests.inspection import rows, until, waiting_for_locks
from tests.outages import end_connections, outage
from tests.persons import ring_of_tests
from tests.transfer.builders import send_file

UNFINISHED: LiteralString = "SELECT 1 FROM job WHERE finished_at IS NULL UNION ALL SELECT 1 FROM pending_task"


@pytest.fixture
def settings() -> Settings:
    """Dead workers are found within seconds, and what they left is found as often."""
    return settings_of_tests().model_copy(update={"sweep_seconds": 0.5, "heartbeat_seconds": 0.3})


def uploaded(broker: Caller) -> str:
    """An open dataset with some numbers."""
    dataset = open_dataset(broker)
    broker.put_part(dataset["id"], [number(last) for last in range(50)])
    return str(dataset["id"])


@contextmanager
def locked(dsn: str, table: str) -> Iterator[None]:
    """Hold up whoever writes to a table, until an outage ends this connection too."""
    with suppress(psycopg.OperationalError), psycopg.connect(dsn) as holder:
        holder.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))
        yield


def test_seal_after_an_outage_of_the_database_is_done(registry: Registry, dsn: str) -> None:
    """The worker beside the API ends with the listener's connection, and comes back."""
    broker = registry.broker()
    dataset = uploaded(broker)
    until(lambda: rows(dsn, "SELECT 1 FROM procrastinate_workers"))
    with outage(dsn):
        pass
    assert until(lambda: _sealed(broker, dataset)) == 50


def _sealed(broker: Caller, dataset: str) -> int | None:
    """Seal a dataset as soon as the database answers, and return how many numbers it holds."""
    response = broker.request("POST", f"/v1/datasets/{dataset}/seal")
    if response.status_code >= 500:
        return None
    assert broker.finish(response.json())["state"] == "succeeded"
    return int(broker.get(f"/v1/datasets/{dataset}")["number_count"])


@pytest.mark.parametrize("kind", ["seal", "receipt"])
def test_job_that_an_outage_interrupts_is_done(registry: Registry, dsn: str, kind: str) -> None:
    """The work fails with the database, and so does the record of its failure."""
    shop, party = registry.collector(), registry.party()
    if kind == "seal":
        caller, path, table = shop, f"/v1/datasets/{uploaded(shop)}/seal", "membership_segment"
    else:
        transfer = hand_over(shop, filled(shop, range(30)), party)
        send_file(party, transfer, range(30))
        caller, path, table = (
            party,
            f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true",
            "transfer_statement",
        )
    with locked(dsn, table):
        job = caller.post(path)
        until(lambda: waiting_for_locks(dsn))
        with outage(dsn):
            pass
    done = caller.finish(job)
    assert (done["state"], done["problem"]) == ("succeeded", None)
    until(lambda: rows(dsn, UNFINISHED) == [])


def test_job_whose_end_cannot_be_recorded_is_done_later(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    job = broker.post(f"/v1/datasets/{uploaded(broker)}/seal")
    broker.finish(job)
    rows(dsn, "UPDATE job SET state = 'waiting', finished_at = NULL")
    attempts = []

    async def work(job: Job, report: ReportProgress) -> None:
        attempts.append(job.state)
        if len(attempts) == 1:
            end_connections(dsn)
            away.enter_context(outage(dsn))
            await report(1, 2)

    async def attempt() -> None:
        database = Database(dsn, pool_size=1)
        try:
            await run_job(database, uuid.UUID(job["id"]), work)
        finally:
            await database.close()

    with ExitStack() as away, pytest.raises(Exception, match="OperationalError"):
        asyncio.run(attempt())
    assert rows(dsn, "SELECT state FROM job") == [("running",)]
    asyncio.run(attempt())
    assert broker.get(f"/v1/jobs/{job['id']}")["state"] == "succeeded"
    assert len(attempts) == 2


# Two jobs of a dead worker: a compaction, which is periodic and due again, and a task that nothing else does.
_LEFT_BEHIND: LiteralString = """
    WITH dead AS (
        INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id),
    left_behind AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, status, worker_id)
        SELECT 'default', name, queueing_lock, args::jsonb, 'doing', id FROM dead, (VALUES
            ('compact_memberships', 'compact_memberships', '{"timestamp": 0}'),
            ('deliver_webhooks', NULL, '{}')) AS task (name, queueing_lock, args))
    INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, scheduled_at)
    VALUES ('default', 'compact_memberships', 'compact_memberships', '{"timestamp": 60}', now() + interval '1 hour')
"""


def test_killed_compaction_keeps_no_other_job_from_being_retried(dsn: str, settings: Settings) -> None:
    rows(dsn, _LEFT_BEHIND)
    with DirectClient(create_app(settings, dsn)):
        until(lambda: rows(dsn, "SELECT task_name FROM procrastinate_jobs WHERE status = 'doing'") == [])
        until(lambda: rows(dsn, "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'deliver_webhooks'") == [])
    left = (
        "SELECT args ->> 'timestamp' FROM procrastinate_jobs WHERE task_name = 'compact_memberships' AND worker_id > 0"
    )
    assert rows(dsn, left) == []


def test_job_without_a_task_is_started_again(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    with locked(dsn, "membership_segment"):
        job = broker.post(f"/v1/datasets/{uploaded(broker)}/seal")
        until(lambda: waiting_for_locks(dsn))
        rows(dsn, "DELETE FROM pending_task; DELETE FROM procrastinate_jobs WHERE task_name = 'seal_dataset'")
        end_connections(dsn)
    assert broker.finish(job)["state"] == "succeeded"


def test_dataset_that_no_job_seals_can_be_sealed_again(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = uploaded(broker)
    rows(dsn, "UPDATE dataset SET state = 'sealing'")
    until(lambda: broker.get(f"/v1/datasets/{dataset}")["state"] == "open")
    assert broker.seal(dataset)["number_count"] == 50


def test_check_names_a_lost_job_and_a_lost_sealing(dsn: str, settings: Settings) -> None:
    with DirectClient(create_app(settings, dsn, with_worker=False)) as client:
        broker = Registry(client, dsn).broker()
        lost, sealing = uploaded(broker), uploaded(broker)
        job = broker.post(f"/v1/datasets/{lost}/seal")
    assert violations(dsn) == []
    rows(dsn, "DELETE FROM pending_task")
    rows(dsn, "UPDATE dataset SET state = 'sealing'")
    rows(dsn, _LEFT_BEHIND)
    rows(
        dsn,
        "INSERT INTO procrastinate_events (job_id, type, at) SELECT id, 'started', now() - interval '1 hour' "
        "FROM procrastinate_jobs WHERE status = 'doing'",
    )
    found = {(finding.kind, str(finding.dataset_id or finding.task)) for finding in violations(dsn)}
    assert found == {
        (Violation.JOB_LOST, lost),
        (Violation.SEALING_LOST, sealing),
        (Violation.WORK_LEFT, "compact_memberships"),
        (Violation.WORK_LEFT, "deliver_webhooks"),
    }
    assert [finding.task for finding in violations(dsn) if finding.kind is Violation.JOB_LOST] == [
        f"seal_dataset job {job['id']}"
    ]


def violations(dsn: str) -> list[Finding]:
    """What `filiation fsck` finds."""
    return check(dsn, ring_of_tests(), lambda _rows, _total: None).violations
