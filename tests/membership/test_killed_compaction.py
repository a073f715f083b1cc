"""Compaction killed at any point: every answer stays right, nothing stored is unsound, and the next one goes on."""

import asyncio
import random
import time
from collections import Counter
from multiprocessing import get_context
from multiprocessing.synchronize import Event

import psycopg

from service.core.db import Database
from service.membership.blocks import LEADS
from service.membership.compaction import Merge, compact
from service.membership.fsck.check import check
from service.number.app_keyring import require_same_secret
from service.number.keyring import KeyRing
from tests.membership.builders import no_pause, on
from tests.membership.model import Model, add, agree, some_lines, take_out

SECRET = bytes(range(32))
NUMBERS = range(33639980000, 33639980000 + 1500)
KILLS = 20


def compact_until_killed(dsn: str, begun: Event) -> None:
    """A process that compacts, a little slowly."""

    async def after_step(_merge: Merge, _seconds: float, _done: float) -> None:
        await asyncio.sleep(0.005)

    async def work(database: Database) -> None:
        begun.set()
        await compact(database, KeyRing(SECRET), after_step, thoroughly=True)

    on(dsn, work)


def kill_one(dsn: str, delay: float) -> None:
    # A process of its own, started from one that has everything imported and no connection.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    begun = context.Event()
    process = context.Process(target=compact_until_killed, args=(dsn, begun))
    process.start()
    assert begun.wait(60)
    time.sleep(delay)
    process.kill()
    process.join()


def where(dsn: str) -> str:
    """What a kill has left behind."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT state, next_lead FROM membership_segment WHERE state <> 'live'").fetchall()
    states: dict[str, int | None] = dict(rows)
    if "merging" in states:
        return "in the middle of a merge" if 0 < (states["merging"] or 0) < LEADS else "at an end of a merge"
    return "before all was dropped" if states else "between merges"


def test_killed_twenty_times_it_loses_nothing(dsn: str) -> None:
    ring, model, draw = KeyRing(SECRET), Model(), random.Random(20)

    async def prepare(database: Database) -> None:
        await require_same_secret(database, ring)
        for _ in range(4):
            await add(database, ring, model, some_lines(draw, NUMBERS, dated=True, named=True))

    async def verify(database: Database) -> None:
        await agree(database, ring, model, draw.sample(NUMBERS, 15))
        await take_out(database, ring, model, draw.choice(NUMBERS), list(model)[:3])
        await add(database, ring, model, some_lines(draw, NUMBERS, dated=draw.random() < 0.5, named=False))

    on(dsn, prepare)
    hit: Counter[str] = Counter()
    for _ in range(KILLS):
        kill_one(dsn, draw.uniform(0, 0.6))
        hit[where(dsn)] += 1
        assert check(dsn, ring, lambda _step, _total: None).violations == []
        on(dsn, verify)
    # Otherwise this would show nothing.
    assert hit["in the middle of a merge"] >= 5, hit

    async def finish(database: Database) -> None:
        await compact(database, ring, no_pause, thoroughly=True)
        await agree(database, ring, model, NUMBERS)

    on(dsn, finish)
    assert where(dsn) == "between merges"
    assert check(dsn, ring, lambda _step, _total: None).findings == []
