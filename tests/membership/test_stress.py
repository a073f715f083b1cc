"""Loads, sealings, lookups, compactions and erasures at once, against a naive model."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from service.core.db import Database, driver
from service.membership import store
from service.membership.compaction import compact
from service.membership.erasure import erase
from service.membership.fsck.check import check
from service.membership.store import Membership
from service.number.app_keyring import require_same_secret
from service.number.keyring import KeyRing
from tests.membership.builders import completed, loaded, no_pause, on, staged
from tests.membership.model import Model, agree, run_of, some_lines
from tests.membership.test_store import instant, kept

NUMBERS = range(33639980000, 33639980000 + 600)
DATASETS = 8


@dataclass
class Known:
    """What is certain, and what is possible: it changes before and after each act, never in the middle of one."""

    begun: Model = field(default_factory=dict)
    sealed: set[uuid.UUID] = field(default_factory=set)
    fading: set[tuple[uuid.UUID, int]] = field(default_factory=set)
    erased: set[tuple[uuid.UUID, int]] = field(default_factory=set)

    def says(self, number: int, dataset: uuid.UUID) -> Membership:
        _, time, name = self.begun[dataset][number]
        return Membership(dataset, instant(time), name)

    def certain(self, number: int) -> set[uuid.UUID]:
        """Sealed with the number before this moment, if nothing fades it later."""
        return {dataset for dataset in self.sealed if number in self.begun[dataset]}

    def possible(self, number: int) -> set[uuid.UUID]:
        """Begun with the number before this moment."""
        return {dataset for dataset, lines in self.begun.items() if number in lines}


async def load(database: Database, ring: KeyRing, known: Known, draw: random.Random) -> None:
    for _ in range(DATASETS):
        lines = some_lines(draw, NUMBERS, dated=draw.random() < 0.5, named=draw.random() < 0.3)
        dataset = await staged(database, ring, run_of(ring, lines), state="sealing")
        known.begun[dataset] = kept(lines)
        await completed(database, dataset, await loaded(database, ring, dataset))
        known.sealed.add(dataset)


async def look_up(database: Database, ring: KeyRing, known: Known, draw: random.Random) -> None:
    number = draw.choice(NUMBERS)
    certain, erased = known.certain(number), set(known.erased)
    async with database.transaction() as session:
        _, held, _ = await store.lookup(await driver(session), ring, ring.pseudonym(number))
    found = {one.dataset_id for one in held}
    assert len(found) == len(held)
    assert {dataset for dataset in certain if (dataset, number) not in known.fading} <= found
    assert found <= {dataset for dataset in known.possible(number) if (dataset, number) not in erased}
    assert all(one == known.says(number, one.dataset_id) for one in held)


async def take_out(database: Database, ring: KeyRing, known: Known, draw: random.Random) -> None:
    number, datasets = draw.choice(NUMBERS), [each for each in known.sealed if draw.random() < 0.5]
    gone = {(dataset, number) for dataset in datasets}
    before = {dataset for dataset, _ in gone - known.fading if number in known.begun[dataset]}
    known.fading |= gone
    async with database.transaction() as session:
        held = await erase(await driver(session), ring, ring.pseudonym(number), datasets)
    assert held == before
    known.erased |= gone


async def merge(database: Database, ring: KeyRing, _known: Known, draw: random.Random) -> None:
    await compact(database, ring, no_pause, thoroughly=draw.random() < 0.5)
    await asyncio.sleep(0.02)


NewObjection = Callable[[Database, KeyRing, Known, random.Random], Awaitable[None]]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_goes_on_at_once_no_answer_is_wrong(seed: int, dsn: str, ring: KeyRing) -> None:
    known, draw = Known(), random.Random(seed)

    async def test(database: Database) -> None:
        await require_same_secret(database, ring)
        loading = [asyncio.create_task(load(database, ring, known, draw)) for _ in range(2)]
        acts: Counter[NewObjection] = Counter()

        async def go_on(act: NewObjection) -> None:
            while not all(task.done() for task in loading):
                await act(database, ring, known, draw)
                acts[act] += 1

        await asyncio.gather(*loading, *(go_on(act) for act in (look_up, look_up, take_out, merge, merge)))
        assert acts[look_up] > 100
        assert min(acts[take_out], acts[merge]) > 3
        left = {
            dataset: {number: line for number, line in lines.items() if (dataset, number) not in known.erased}
            for dataset, lines in known.begun.items()
        }
        await agree(database, ring, left, NUMBERS)

    on(dsn, test)
    assert check(dsn, ring, lambda _step, _total: None).violations == []
