"""`filiation compact`, and compaction as the operator sees it through the API."""

import os
import signal
import subprocess
from time import monotonic, sleep
from typing import Any, LiteralString

import psycopg
import pytest

from service.core.locks import Lock
from service.membership import compaction
from tests.builders import collected, number
from tests.callers import Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import defer, rows
from tests.processes import Running, command

PATH = "/v1/memberships/compaction"


def _process(dsn: str, *arguments: str) -> dict[str, Any]:
    """Arguments of `subprocess` for the command on a database."""
    environment = os.environ | {"DATABASE_URL": dsn, "FILIATION_MASTER_SECRET": MASTER_SECRET}
    return {"args": command("compact", *arguments), "env": environment}


def compact(dsn: str, *arguments: str) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        **_process(dsn, *arguments), capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(autouse=True)
def _no_compaction_by_the_worker(dsn: str) -> None:
    """While a task waits for tomorrow, the queue accepts no second one, so that no new minute starts a merge."""
    statement: LiteralString = """
        INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, scheduled_at)
        VALUES ('default', 'compact_memberships', 'compact_memberships', now() + interval '1 day')
    """
    rows(dsn, statement)


def test_compact_datasets_worth_merging_leaves_one_segment(registry: Registry, dsn: str) -> None:
    shop, operator = registry.collector(), registry.operator()
    datasets = [collected(shop, range(first, first + 20)) for first in range(5)]
    before: Any = operator.get(PATH)
    assert (before["segment_count"], before["dataset_count"], before["membership_count"]) == (5, 5, 100)
    assert before["next_merge"] == {"segment_count": 5, "membership_count": 100}
    assert before["current_merge"] is None
    answer = shop.lookup(number(4))
    assert compact(dsn).startswith("5 segments before, 1 after; 100 memberships in ")
    after: Any = operator.get(PATH)
    assert (after["segment_count"], after["dataset_count"], after["membership_count"]) == (1, 5, 100)
    assert after["next_merge"] == {"segment_count": 0, "membership_count": 0}
    assert after["retired_segment_count"] == 0
    again = shop.lookup(number(4))
    assert {holding["dataset"]["id"] for holding in again["holdings"]} == {dataset["id"] for dataset in datasets}
    assert answer | {"as_of": None} == again | {"as_of": None}


def test_compact_with_all_merges_also_what_is_hardly_worth_it(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    for first in range(2):
        collected(shop, range(first, first + 20))
    assert compact(dsn).startswith("2 segments before, 2 after")
    assert compact(dsn, "--all").startswith("2 segments before, 1 after")


def test_worker_merges_in_the_background(registry: Registry, dsn: str) -> None:
    shop, operator = registry.collector(), registry.operator()
    for first in range(4):
        collected(shop, range(first, first + 20))
    defer(dsn, "compact_memberships", timestamp=0)
    end = monotonic() + 30
    while operator.get(PATH)["segment_count"] > 1:
        assert monotonic() < end
        sleep(0.05)
    assert shop.lookup(number(10))["held"]


def run_in_background(dsn: str) -> None:
    """Let the worker run the task once, and wait for its end."""
    defer(dsn, "compact_memberships", timestamp=0)
    query: LiteralString = """
        SELECT FROM procrastinate_jobs
        WHERE task_name = 'compact_memberships' AND (status = 'doing' OR status = 'todo' AND scheduled_at IS NULL)
    """
    end = monotonic() + 30
    while rows(dsn, query):
        assert monotonic() < end
        sleep(0.02)


def test_background_run_ends_when_its_time_is_over(
    registry: Registry, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, operator = registry.collector(), registry.operator()
    for first in range(4):
        collected(shop, range(first, first + 20))
    with monkeypatch.context() as patched:
        patched.setattr(compaction, "_RUN_SECONDS", 0)
        run_in_background(dsn)
    assert operator.get(PATH)["segment_count"] == 4
    run_in_background(dsn)
    assert operator.get(PATH)["segment_count"] == 1


def test_background_run_pauses_for_a_waiting_job(registry: Registry, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, operator = registry.collector(), registry.operator()
    for first in range(4):
        collected(shop, range(first, first + 20))
    waiting: LiteralString = """
        INSERT INTO procrastinate_jobs (queue_name, task_name, lock, status)
        VALUES ('default', 'seal_dataset', 'taken', 'doing'), ('default', 'seal_dataset', 'taken', 'todo')
    """
    rows(dsn, waiting)
    monkeypatch.setattr(compaction, "_FAIR_SECONDS", 0)
    run_in_background(dsn)
    merge = operator.get(PATH)["current_merge"]
    assert 0 < merge["progress"] < 1
    rows(dsn, "DELETE FROM procrastinate_jobs WHERE task_name = 'seal_dataset'")
    run_in_background(dsn)
    assert operator.get(PATH)["segment_count"] == 1
    assert shop.lookup(number(10))["held"]


def test_background_run_beside_another_run_merges_nothing(registry: Registry, dsn: str) -> None:
    shop, operator = registry.collector(), registry.operator()
    for first in range(4):
        collected(shop, range(first, first + 20))
    with psycopg.connect(dsn) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", Lock.COMPACTION_RUN.numbers())
        run_in_background(dsn)
        assert operator.get(PATH)["segment_count"] == 4


def test_compact_interrupted_says_so_and_the_next_run_continues(registry: Registry, dsn: str) -> None:
    shop, operator = registry.collector(), registry.operator()
    datasets = [collected(shop, range(first, first + 20)) for first in range(4)]
    with psycopg.connect(dsn) as busy:
        # The merge waits in the middle for this lock on a shard.
        busy.execute("SELECT pg_advisory_xact_lock(%s, %s)", Lock.SHARD.numbers(16))
        with Running(**_process(dsn), stderr=subprocess.PIPE, text=True) as process:
            end = monotonic() + 30
            while (operator.get(PATH)["current_merge"] or {"progress": 0})["progress"] != 0.5:
                assert monotonic() < end
                sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Nothing is lost" in complaint
    assert "Traceback" not in complaint
    assert compact(dsn).startswith("4 segments before, 1 after")
    holdings = shop.lookup(number(4))["holdings"]
    assert {holding["dataset"]["id"] for holding in holdings} == {dataset["id"] for dataset in datasets}


def test_get_compaction_by_others_than_the_operator_is_refused(registry: Registry) -> None:
    for caller in (registry.collector(), registry.broker(), registry.party(), registry.regulator()):
        assert caller.request("GET", PATH).status_code == 403
