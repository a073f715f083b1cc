"""Loads, sealings, lookups, compactions and erasures at once, compared with a simple model."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from service.core.db import Database, connection_of
from service.membership import store
from service.membership.compaction import compact
from service.membership.erasure import erase
from service.membership.fsck.check import check
from service.membership.store import Membership
from service.number.app_keyring import require_same_secret
from service.number.keyring import KeyRing
from tests.membership.builders import (
    complete_dataset,
    from_unix,
    load_shards,
    no_pause,
    run_of_lines,
    run_with_database,
    stage_run,
)
from tests.membership.model import Model, assert_agreement, lines_by_number, random_lines

NUMBERS = range(33639980000, 33639980000 + 600)
DATASETS = 8
LOOKUPS, ERASURES, COMPACTIONS = 60, 5, 5


@dataclass
class Known:
    """What answers must and may contain. It is updated before and after each action, never during one."""

    loading_or_sealed: Model = field(default_factory=dict)
    sealed: set[uuid.UUID] = field(default_factory=set)
    being_erased: set[tuple[uuid.UUID, int]] = field(default_factory=set)
    erased: set[tuple[uuid.UUID, int]] = field(default_factory=set)

    def membership(self, number: int, dataset: uuid.UUID) -> Membership:
        _, time, record_id = self.loading_or_sealed[dataset][number]
        return Membership(dataset, from_unix(time), record_id)

    def sealed_with(self, number: int) -> set[uuid.UUID]:
        """The datasets that were sealed with the number before this moment."""
        return {dataset for dataset in self.sealed if number in self.loading_or_sealed[dataset]}

    def begun_with(self, number: int) -> set[uuid.UUID]:
        """The datasets whose load began with the number before this moment."""
        return {dataset for dataset, lines in self.loading_or_sealed.items() if number in lines}


async def load(database: Database, ring: KeyRing, known: Known, draw: random.Random) -> None:
    lines = random_lines(draw, NUMBERS, dated=draw.random() < 0.5, with_record_ids=draw.random() < 0.3)
    dataset = await stage_run(database, ring, run_of_lines(ring, lines), state="sealing")
    known.loading_or_sealed[dataset] = lines_by_number(lines)
    await complete_dataset(database, ring, dataset, await load_shards(database, ring, dataset))
    known.sealed.add(dataset)


async def look_up(database: Database, ring: KeyRing, known: Known, draw: random.Random) -> None:
    number = draw.choice(NUMBERS)
    sealed_before, erased_before = known.sealed_with(number), set(known.erased)
    async with database.transaction() as session:
        memberships = (await store.lookup(await connection_of(session), ring, ring.pseudonym(number))).memberships
    found = {membership.dataset_id for membership in memberships}
    assert len(found) == len(memberships)
    assert {dataset for dataset in sealed_before if (dataset, number) not in known.being_erased} <= found
    assert found <= {dataset for dataset in known.begun_with(number) if (dataset, number) not in erased_before}
    assert all(membership == known.membership(number, membership.dataset_id) for membership in memberships)


async def erase_number(database: Database, ring: KeyRing, known: Known, draw: random.Random) -> None:
    number, datasets = draw.choice(NUMBERS), [dataset for dataset in known.sealed if draw.random() < 0.5]
    concerned = {(dataset, number) for dataset in datasets}
    expected = {dataset for dataset, _ in concerned - known.being_erased if number in known.loading_or_sealed[dataset]}
    known.being_erased |= concerned
    async with database.transaction() as session:
        stored_in = await erase(await connection_of(session), ring, ring.pseudonym(number), datasets)
    assert stored_in == expected
    known.erased |= concerned


async def merge(database: Database, ring: KeyRing, _known: Known, draw: random.Random) -> None:
    await compact(database, ring, no_pause, thoroughly=draw.random() < 0.5)
    # A compaction with nothing to merge ends at once, and would leave the others no time.
    await asyncio.sleep(0.02)


Action = Callable[[Database, KeyRing, Known, random.Random], Awaitable[None]]


@pytest.mark.parametrize("seed", [1, 2])
def test_actions_at_once_never_give_a_wrong_answer(seed: int, dsn: str, ring: KeyRing) -> None:
    known, draw = Known(), random.Random(seed)

    async def test(database: Database) -> None:
        await require_same_secret(database, ring)

        async def repeat(action: Action, times: int) -> None:
            for _ in range(times):
                await action(database, ring, known, draw)

        loading = [asyncio.create_task(repeat(load, DATASETS)) for _ in range(2)]

        async def repeat_while_loading(action: Action, times: int) -> None:
            """At least so many times, however fast the loads are, and as long as they last."""
            await repeat(action, times)
            while not all(task.done() for task in loading):
                await action(database, ring, known, draw)

        await asyncio.gather(
            *loading,
            repeat_while_loading(look_up, LOOKUPS),
            repeat_while_loading(look_up, LOOKUPS),
            repeat_while_loading(erase_number, ERASURES),
            repeat_while_loading(merge, COMPACTIONS),
            repeat_while_loading(merge, COMPACTIONS),
        )
        left = {
            dataset: {number: line for number, line in lines.items() if (dataset, number) not in known.erased}
            for dataset, lines in known.loading_or_sealed.items()
        }
        await assert_agreement(database, ring, left, NUMBERS)

    run_with_database(dsn, test)
    assert check(dsn, ring, lambda _step, _total: None).violations == []
