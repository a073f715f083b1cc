"""Compaction against a naive model: whatever is merged, erased or interrupted, every answer stays right."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.db import Database, driver
from service.membership import blocks, compaction, holdings, runs, store
from service.membership.compaction import LARGEST_DATASET, LARGEST_SEGMENT, MERGE_AT_LEAST, Standing, choose, compact
from service.membership.erasure import erase
from service.membership.pseudonym import KeyRing
from service.membership.runs import Digest
from service.membership.store import Held
from tests.membership.test_store import Line, instant, kept, new_dataset

# What each dataset says of each of its numbers.
Model = dict[uuid.UUID, dict[int, Line]]


async def no_pause(_seconds: float, _done: float) -> None:
    """Go on at once."""


async def add(database: Database, ring: KeyRing, model: Model, lines: Sequence[Line]) -> uuid.UUID:
    """A completed dataset of these lines, in the database and in the model."""
    names = np.full(len(lines), None, np.object_)
    names[:] = [line[2] for line in lines]
    run = runs.sorted_run(
        ring.pseudonyms(np.array([line[0] for line in lines], np.int64)),
        np.array([line[1] for line in lines], np.uint32) if any(line[1] for line in lines) else None,
        names if any(line[2] for line in lines) else None,
    )
    async with database.transaction() as session:
        connection = await driver(session)
        dataset_id = await new_dataset(connection)
        await store.stage(connection, ring, dataset_id, 1, 1, run)
        segment = await store.begin(connection, dataset_id)
        loaded = [await store.load(connection, ring, dataset_id, segment, shard) for shard in range(blocks.SHARDS)]
        await store.complete(connection, dataset_id, sum((each.digest for each in loaded), Digest()))
        await store.unstage(connection, dataset_id)
    model[dataset_id] = kept(lines)
    return dataset_id


async def take_out(database: Database, ring: KeyRing, model: Model, number: int, datasets: Sequence[uuid.UUID]) -> None:
    """Erase a number of some datasets, in the database and in the model."""
    async with database.transaction() as session:
        held = await erase(await driver(session), ring, ring.pseudonym(number), datasets)
    assert held == {dataset for dataset in datasets if model[dataset].pop(number, None)}


async def agree(database: Database, ring: KeyRing, model: Model, numbers: Sequence[int]) -> None:
    """Lookups, the keys of each dataset and their digests are what the model says."""
    async with database.snapshot() as session:
        connection = await driver(session)
        for number in numbers:
            _, held = await store.lookup(connection, ring, ring.pseudonym(number))
            assert sorted(held) == sorted(
                Held(dataset, instant(lines[number][1]), lines[number][2])
                for dataset, lines in model.items()
                if number in lines
            )
        found: dict[uuid.UUID, list[int]] = {dataset: [] for dataset in model}
        for shard in range(blocks.SHARDS):
            for dataset, keys in (await holdings.keys_of(connection, list(model), shard)).items():
                found[dataset] += ring.numbers(keys).tolist()
        assert {dataset: sorted(each) for dataset, each in found.items()} == {
            dataset: sorted(lines) for dataset, lines in model.items()
        }
        query = """SELECT dataset_id, number_count, digest FROM segment_member
                   JOIN membership_segment AS segment ON segment.id = segment_id WHERE state = 'live'"""
        stored = {row[0]: row[1:] async for row in store.rows_of(connection, query, None)}
        assert stored.keys() == model.keys()
        for dataset, lines in model.items():
            keys = ring.pseudonyms(np.array(list(lines), np.int64))
            digest = runs.digest(runs.sorted_run(keys, np.array([line[1] for line in lines.values()], np.uint32)))
            assert stored[dataset] == (digest.count, store.pack_digest(digest))


def on(dsn: str, test: Callable[[Database], Awaitable[None]]) -> None:
    """Run a test's coroutine with a pool of its own."""

    async def connected() -> None:
        database = Database(dsn)
        try:
            await test(database)
        finally:
            await database.close()

    asyncio.run(connected())


def some_lines(draw: random.Random, numbers: Sequence[int], *, dated: bool, named: bool) -> list[Line]:
    return [
        (
            number,
            draw.randrange(1, 2**32) if dated and draw.random() < 0.8 else 0,
            f"opt-in-{draw.randrange(99)}" if named and draw.random() < 0.5 else None,
        )
        for number in draw.sample(numbers, draw.randrange(len(numbers)))
    ]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_merged_and_erased_answers_stay_right(seed: int, dsn: str, ring: KeyRing) -> None:
    draw = random.Random(seed)
    numbers = range(33639980000, 33639980000 + 700)

    async def test(database: Database) -> None:
        model: Model = {}
        for round_ in range(3):
            for _ in range(draw.randrange(2, 7)):
                lines = some_lines(draw, numbers, dated=draw.random() < 0.5, named=draw.random() < 0.5)
                await add(database, ring, model, lines)
            await compact(database, ring, no_pause, thoroughly=round_ != 1)
            for number in draw.sample(numbers, 5):
                await take_out(database, ring, model, number, draw.sample(list(model), len(model) // 2))
            await agree(database, ring, model, draw.sample(numbers, 40))

    on(dsn, test)


class Interrupted(Exception):
    """The process that compacted is gone."""


def test_an_interrupted_merge_answers_right_and_goes_on(dsn: str, ring: KeyRing) -> None:
    draw = random.Random(7)
    numbers = range(33639980000, 33639980000 + 300)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(5):
            await add(database, ring, model, some_lines(draw, numbers, dated=True, named=True))
        reached: list[float] = []

        async def pace(_seconds: float, done: float) -> None:
            reached.append(done)
            raise Interrupted

        for _ in range(blocks.SHARDS):
            with pytest.raises(Interrupted):
                await compact(database, ring, pace)
            # Also what is merged already is erased, and stays so.
            await take_out(database, ring, model, draw.choice(numbers), list(model))
            await agree(database, ring, model, draw.sample(numbers, 10))
        assert reached == sorted(set(reached))
        assert reached[-1] == 1
        await compact(database, ring, no_pause)
        await agree(database, ring, model, numbers)
        async with database.snapshot() as session:
            assert len(await compaction.standing(await driver(session))) == 1

    on(dsn, test)


def test_several_compactions_at_once_take_turns(dsn: str, ring: KeyRing) -> None:
    draw = random.Random(8)
    numbers = range(33639980000, 33639980000 + 300)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(6):
            await add(database, ring, model, some_lines(draw, numbers, dated=False, named=False))
        await asyncio.gather(*(compact(database, ring, no_pause) for _ in range(3)))
        await agree(database, ring, model, numbers)

    on(dsn, test)


def test_a_number_that_very_many_datasets_hold_is_found_in_all(dsn: str, ring: KeyRing) -> None:
    async def test(database: Database) -> None:
        key = ring.pseudonyms(np.array([33639980000], np.int64))
        shard = blocks.shard_of(int(blocks.leads_of(key)[0]))
        run = runs.Run(key, np.array([1_700_000_000], np.uint32))
        async with database.transaction() as session:
            connection = await driver(session)
            expected = set()
            for _ in range(1_500):
                expected.add(dataset_id := await new_dataset(connection))
                await store.stage(connection, ring, dataset_id, 1, 1, run)
                segment = await store.begin(connection, dataset_id)
                loaded = await store.load(connection, ring, dataset_id, segment, shard)
                await store.complete(connection, dataset_id, loaded.digest)
                await store.unstage(connection, dataset_id)
        await compact(database, ring, no_pause)
        async with database.snapshot() as session:
            _, held = await store.lookup(await driver(session), ring, ring.pseudonym(33639980000))
        assert {one.dataset_id for one in held} == expected
        assert {one.consented_at for one in held} == {instant(1_700_000_000)}

    on(dsn, test)


standings = st.lists(
    st.builds(Standing, st.integers(), st.just(5), st.integers(1, 900), st.integers(0, 2 * LARGEST_DATASET)),
    max_size=40,
)


@given(standings)
def test_a_merge_at_least_doubles_what_it_takes(live: list[Standing]) -> None:
    chosen = choose(live)
    if chosen:
        total = sum(each.memberships for each in chosen)
        assert len(chosen) >= MERGE_AT_LEAST
        assert total <= LARGEST_SEGMENT
        assert all(2 * each.memberships <= total for each in chosen)
        assert all(each.datasets > 1 or each.memberships <= LARGEST_DATASET for each in chosen)


@given(standings)
def test_few_segments_are_left_however_many_there_were(live: list[Standing]) -> None:
    for thoroughly in (False, True):
        left = list(live)
        while chosen := choose(left, thoroughly=thoroughly):
            for each in chosen:
                left.remove(each)
            counts = (sum(each.datasets for each in chosen), sum(each.memberships for each in chosen))
            left.append(Standing(0, 5, *counts))
        total = sum(each.memberships for each in live)
        small = [each for each in left if each.datasets > 1 or each.memberships <= LARGEST_DATASET]
        # Each beyond the first three holds more than all before it, unless it is too large to merge.
        assert len(small) <= (1 if thoroughly else 29) + 2 * total // LARGEST_SEGMENT + 1
