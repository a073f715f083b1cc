"""Compaction killed at any point: every answer stays right, no invariant is violated, and the next one goes on."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from typing import NamedTuple

import psycopg
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database
from service.membership.blocks import LEADS
from service.membership.compaction import compact
from service.membership.fsck.check import check
from service.number.app_keyring import require_same_secret
from service.number.keyring import KeyRing
from tests.membership.builders import no_pause, run_with_database
from tests.membership.model import Model, add_dataset, assert_agreement, erase_number, random_lines

SECRET = bytes(range(32))
NUMBERS = range(33639980000, 33639980000 + 1500)


class Stop(NamedTuple):
    """Where a compaction stops to be killed: in its nth transaction before the commit, or right after the commit."""

    transaction: int
    committed: bool


class StoppingDatabase(Database):
    """A database with which a process never gets past one point."""

    def __init__(self, dsn: str, stop: Stop, reached: Event) -> None:
        super().__init__(dsn)
        self._stop = stop
        self._reached = reached
        self._begun = 0

    @asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[AsyncSession]:
        """A transaction, which stops before or after its commit if it is the one to stop in."""
        self._begun += 1
        here = self._begun == self._stop.transaction
        async with super().transaction(durable=durable) as session:
            yield session
            if here and not self._stop.committed:
                await self._stop_for_good()
        if here:
            await self._stop_for_good()

    async def _stop_for_good(self) -> None:
        self._reached.set()
        await asyncio.Event().wait()


def compact_until(dsn: str, stop: Stop, reached: Event) -> None:
    """A process that compacts until it reaches `stop`."""
    asyncio.run(compact(StoppingDatabase(dsn, stop, reached), KeyRing(SECRET), no_pause, thoroughly=True))


def compact_slowly(dsn: str, begun: Event) -> None:
    """A process that compacts, with a pause after each step."""

    async def after_step(*_progress: object) -> None:
        await asyncio.sleep(0.005)

    async def work(database: Database) -> None:
        begun.set()
        await compact(database, KeyRing(SECRET), after_step, thoroughly=True)

    run_with_database(dsn, work)


# A process is started from one that has everything imported and no connection.
FORK_SERVER = get_context("forkserver")


def kill(process: ForkServerProcess, ready: Event, delay: float = 0) -> None:
    """Kill a process some time after it is ready."""
    process.start()
    assert ready.wait(60)
    time.sleep(delay)
    process.kill()
    process.join()


def progress(dsn: str) -> str:
    """How far a killed compaction has come, by what it has committed."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT state, next_lead FROM membership_segment WHERE state <> 'live'").fetchall()
    states: dict[str, int | None] = dict(rows)
    if "merging" in states:
        next_lead = states["merging"] or 0
        return "begun" if next_lead == 0 else "all merged" if next_lead == LEADS else "half merged"
    return "retired" if states else "nothing to do"


# A run of a compaction reads which segments are retired (1), begins a merge or finds one begun (2), merges 32 ranges,
# finishes the merge, reads which segments are retired, drops 32 shards of these, and deletes them. A run that finds
# retired segments drops those first. So each stop leads from the state that the stop before it left to its own.
STOPS = [
    (Stop(2, committed=False), "nothing to do"),
    (Stop(2, committed=True), "begun"),
    (Stop(3, committed=False), "begun"),
    (Stop(3, committed=True), "half merged"),  # 1 of 32 ranges
    (Stop(10, committed=False), "half merged"),  # 8
    (Stop(12, committed=True), "half merged"),  # 18
    (Stop(7, committed=False), "half merged"),  # 22
    (Stop(11, committed=True), "half merged"),  # 31
    (Stop(3, committed=False), "half merged"),  # 31
    (Stop(3, committed=True), "all merged"),
    (Stop(4, committed=False), "all merged"),
    (Stop(4, committed=True), "retired"),
    (Stop(2, committed=False), "retired"),
    (Stop(10, committed=False), "retired"),
    (Stop(20, committed=True), "retired"),
    (Stop(34, committed=False), "retired"),
    (Stop(34, committed=True), "nothing to do"),
    # The next merge takes the segment of the first one too.
    (Stop(15, committed=False), "half merged"),
    (Stop(22, committed=True), "all merged"),
    (Stop(12, committed=True), "retired"),
]


def test_compact_killed_anywhere_loses_nothing(dsn: str) -> None:
    ring, model, draw = KeyRing(SECRET), Model(), random.Random(20)
    FORK_SERVER.set_forkserver_preload([__name__])

    async def prepare(database: Database) -> None:
        await require_same_secret(database, ring)
        for _ in range(4):
            await add_dataset(database, ring, model, random_lines(draw, NUMBERS, dated=True, with_record_ids=True))

    async def use_and_verify(database: Database) -> None:
        await assert_agreement(database, ring, model, draw.sample(NUMBERS, 15))
        await erase_number(database, ring, model, draw.choice(NUMBERS), list(model)[:3])
        lines = random_lines(draw, NUMBERS, dated=draw.random() < 0.5, with_record_ids=False)
        await add_dataset(database, ring, model, lines)

    def verify_after_kill() -> None:
        assert check(dsn, ring, lambda _step, _total: None).violations == []
        run_with_database(dsn, use_and_verify)

    run_with_database(dsn, prepare)
    for stop, expected in STOPS:
        reached = FORK_SERVER.Event()
        kill(FORK_SERVER.Process(target=compact_until, args=(dsn, stop, reached)), reached)
        assert progress(dsn) == expected, stop
        verify_after_kill()
    # And at moments of any kind: in the middle of a statement, while the server is at work.
    for _ in range(5):
        begun = FORK_SERVER.Event()
        kill(FORK_SERVER.Process(target=compact_slowly, args=(dsn, begun)), begun, draw.uniform(0, 0.6))
        verify_after_kill()

    async def finish(database: Database) -> None:
        await compact(database, ring, no_pause, thoroughly=True)
        await assert_agreement(database, ring, model, NUMBERS)

    run_with_database(dsn, finish)
    assert progress(dsn) == "nothing to do"
    assert check(dsn, ring, lambda _step, _total: None).findings == []
