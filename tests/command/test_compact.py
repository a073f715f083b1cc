"""`filiation compact`, and what the operator sees of compaction through the API."""

import os
import subprocess
import sys
from time import monotonic, sleep
from typing import Any, LiteralString

import pytest

from tests.chain import collected, number
from tests.conftest import MASTER_SECRET
from tests.probe import defer, rows
from tests.registry import Registry

PATH = "/v1/memberships/compaction"


def compact(dsn: str, *arguments: str) -> str:
    environment = os.environ | {"DATABASE_URL": dsn, "FILIATION_MASTER_SECRET": MASTER_SECRET}
    command = [sys.executable, "-m", "service", "compact", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture(autouse=True)
def _not_by_itself(dsn: str) -> None:
    """While one such task waits for tomorrow, the queue takes no second: the minute that begins merges nothing."""
    statement: LiteralString = """
        INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, scheduled_at)
        VALUES ('default', 'compact_memberships', 'compact_memberships', now() + interval '1 day')
    """
    rows(dsn, statement)


def test_debt_is_shown_paid_and_gone(registry: Registry, dsn: str) -> None:
    shop, operator = registry.collector(), registry.operator()
    datasets = [collected(shop, range(first, first + 20)) for first in range(5)]
    before: Any = operator.get(PATH)
    assert (before["segment_count"], before["dataset_count"], before["membership_count"]) == (5, 5, 100)
    assert before["debt"] == {"segment_count": 5, "membership_count": 100}
    assert before["merge"] is None
    answer = shop.lookup(number(4))
    assert compact(dsn).startswith("5 segments before, 1 after; 100 memberships in ")
    after: Any = operator.get(PATH)
    assert (after["segment_count"], after["dataset_count"], after["membership_count"]) == (1, 5, 100)
    assert after["debt"] == {"segment_count": 0, "membership_count": 0}
    assert after["retired_segment_count"] == 0
    again = shop.lookup(number(4))
    assert {one["dataset"]["id"] for one in again["holdings"]} == {one["id"] for one in datasets}
    assert answer | {"as_of": None} == again | {"as_of": None}


def test_what_is_hardly_worth_it_is_merged_when_asked_for(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    for first in range(2):
        collected(shop, range(first, first + 20))
    assert compact(dsn).startswith("2 segments before, 2 after")
    assert compact(dsn, "--thoroughly").startswith("2 segments before, 1 after")


def test_the_worker_merges_by_itself(registry: Registry, dsn: str) -> None:
    shop, operator = registry.collector(), registry.operator()
    for first in range(4):
        collected(shop, range(first, first + 20))
    defer(dsn, "compact_memberships", timestamp=0)
    end = monotonic() + 30
    while operator.get(PATH)["segment_count"] > 1:
        assert monotonic() < end
        sleep(0.05)
    assert shop.lookup(number(10))["held"]


def test_only_the_operator_sees_it(registry: Registry) -> None:
    for caller in (registry.collector(), registry.broker(), registry.party(), registry.regulator()):
        assert caller.request("GET", PATH).status_code == 403
