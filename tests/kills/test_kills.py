"""Kills at random moments while the registry works: nothing that was acknowledged is lost, and nothing gets stuck.

`KILLS` says how many, and `SEED` which; `make soak` kills more often than `make test`.
"""

import os
from collections.abc import Iterator
from functools import partial
from random import Random
from time import sleep
from typing import Final, LiteralString

import psycopg
import pytest

from service.membership.fsck.check import check
from tests.clusters import passable_folder
from tests.inspection import rows, until
from tests.kills.machine import TARGETS, Machine, running_machine
from tests.kills.trade import ACTIVITIES, Trade, begin_trade, in_thread
from tests.persons import ring_of_tests

KILLS: Final = int(os.environ.get("KILLS", "10"))
SEED: Final = int(os.environ.get("SEED", "17"))

# About as long as an activity takes.
_LONGEST_SECONDS: Final = 0.8
# Every target in turn, each with another activity than the last time.
_PLAN: Final = [
    (turn, TARGETS[turn % len(TARGETS)], list(ACTIVITIES)[(turn + turn // len(ACTIVITIES)) % len(ACTIVITIES)])
    for turn in range(KILLS)
]

STUCK: LiteralString = """
    SELECT 'job' FROM job WHERE finished_at IS NULL
    UNION ALL SELECT name FROM pending_task
    UNION ALL SELECT 'sealing' FROM dataset WHERE state = 'sealing'
    UNION ALL SELECT task_name FROM procrastinate_jobs WHERE status = 'doing' AND NOT EXISTS (
        SELECT FROM procrastinate_workers AS worker
        WHERE worker.id = worker_id AND last_heartbeat > now() - interval '5 seconds')
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A registry, in a folder that PostgreSQL's account may pass through."""
    with passable_folder() as folder, running_machine(folder) as running:
        yield running


@pytest.fixture(scope="module")
def trade(machine: Machine) -> Trade:
    """Organisations that work on the machine."""
    return begin_trade(machine)


def stuck(machine: Machine) -> list[tuple[str]]:
    try:
        return rows(machine.dsn, STUCK)
    except psycopg.OperationalError:
        return [("database",)]


@pytest.mark.parametrize(("turn", "target", "activity"), _PLAN)
def test_kill_loses_nothing_that_was_acknowledged(
    machine: Machine, trade: Trade, turn: int, target: str, activity: str
) -> None:
    random = Random(SEED * 1000 + turn)
    wait = in_thread(partial(ACTIVITIES[activity], trade))
    # The moment is what is random here. Nothing waits for it to be long enough.
    sleep(random.uniform(0, _LONGEST_SECONDS))
    machine.kill(target, random)
    machine.start()
    wait()
    until(machine.is_ready)
    until(lambda: stuck(machine) == [])
    assert trade.missing() == []
    assert check(machine.dsn, ring_of_tests(), lambda _rows, _total: None).violations == []


def test_every_kind_of_work_was_acknowledged(trade: Trade) -> None:
    assert all([trade.uploaded, trade.sealed, trade.jobs, trade.objections, trade.erased])
