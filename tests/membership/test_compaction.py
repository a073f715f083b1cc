"""Compaction against a naive model: whatever is merged, erased or interrupted, every answer stays right."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.db import Database, driver
from service.membership import blocks, compaction, runs, store
from service.membership.compaction import (
    LARGEST_DATASET,
    LARGEST_SEGMENT,
    LARGEST_STEP,
    MERGE_AT_LEAST,
    LiveSegment,
    choose_segments,
    compact,
)
from service.membership.erasure import erase
from service.number.keyring import KeyRing
from tests.membership.builders import no_pause, on
from tests.membership.model import Model, add, agree, run_of, some_lines, take_out
from tests.membership.test_store import Line, instant, kept, new_dataset


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

        async def after_step(_merge: object, _seconds: float, done: float) -> None:
            reached.append(done)
            raise Interrupted

        for _ in range(blocks.SHARDS):
            with pytest.raises(Interrupted):
                await compact(database, ring, after_step)
            # Also what is merged already is erased, and stays so.
            await take_out(database, ring, model, draw.choice(numbers), list(model))
            await agree(database, ring, model, draw.sample(numbers, 10))
        assert reached == sorted(set(reached))
        assert reached[-1] == 1
        await compact(database, ring, no_pause)
        await agree(database, ring, model, numbers)
        async with database.snapshot() as session:
            assert len(await compaction.mergeable_segments(await driver(session))) == 1

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
                segment = await store.begin_segment(connection, dataset_id)
                loaded = await store.load_shard(connection, ring, dataset_id, segment, shard)
                await store.complete_segment(connection, dataset_id, loaded.digest)
                await store.unstage(connection, dataset_id)
        await compact(database, ring, no_pause)
        async with database.snapshot() as session:
            _, held, _ = await store.lookup(await driver(session), ring, ring.pseudonym(33639980000))
        assert {one.dataset_id for one in held} == expected
        assert {one.consented_at for one in held} == {instant(1_700_000_000)}

    on(dsn, test)


def numbers_in(ring: KeyRing, at_most: int, ranges: int, *wanted: int) -> list[int]:
    """Numbers whose keys are in the `wanted` ones of equal ranges of the key space, `at_most` in each."""
    numbers = np.arange(33_600_000_000, 33_600_100_000)
    places = blocks.leads_of(ring.pseudonyms(numbers)) // (blocks.LEADS // ranges)
    return [number for each in wanted for number in numbers[places == each][:at_most].tolist()]


def plain(numbers: Sequence[int]) -> list[Line]:
    return [(number, 0, None) for number in numbers]


async def add_in_blocks(
    database: Database, ring: KeyRing, model: Model, numbers: Sequence[int], level: int
) -> uuid.UUID:
    """A dataset in blocks of this level, whether it fits or not."""
    run = run_of(ring, plain(numbers))
    async with database.transaction() as session:
        connection = await driver(session)
        dataset_id = await new_dataset(connection)
        segment = await store.begin_segment(connection, dataset_id)
        await connection.execute("UPDATE membership_segment SET level = %s WHERE id = %s", (level, segment.id))
        await store.write_blocks(connection, ring, segment._replace(level=level), run)
        await store.complete_segment(connection, dataset_id, runs.digest(run))
    model[dataset_id] = kept(plain(numbers))
    return dataset_id


def test_no_block_lies_in_two_steps_however_few_keys_there_are(
    dsn: str, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The level is found from the first step, in which there is nothing here."""
    monkeypatch.setattr(compaction, "STEP", 1)
    numbers = numbers_in(ring, 5, 64, 2, 3, 62, 63)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(6):
            await add_in_blocks(database, ring, model, numbers, 12)
        steps: list[Any] = []

        async def after_step(*step: Any) -> None:
            steps.append(step)

        await compact(database, ring, after_step)
        assert len(steps) == 64
        await agree(database, ring, model, numbers)

    on(dsn, test)


def test_a_merge_goes_on_in_steps_of_another_width(dsn: str, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole blocks of one coarse dataset are read in each step; once it has lost its numbers, finer steps would do."""
    monkeypatch.setattr(compaction, "STEP", 1)
    numbers = numbers_in(ring, 4, 64, *range(64))

    async def test(database: Database) -> None:
        model: Model = {}
        coarse = await add_in_blocks(database, ring, model, numbers, 5)
        for _ in range(3):
            await add_in_blocks(database, ring, model, numbers[:50], 12)
        widths: list[int] = []

        async def after_step(merge: compaction.Merge, _seconds: float, done: float) -> None:
            widths.append(merge.width)
            if done in (1 / 32, 1 / 2):
                raise Interrupted

        with pytest.raises(Interrupted):
            await compact(database, ring, after_step, thoroughly=True)
        for number in numbers[50:]:
            await take_out(database, ring, model, number, [coarse])
        with pytest.raises(Interrupted):
            await compact(database, ring, after_step, thoroughly=True)
        await agree(database, ring, model, numbers)
        await compact(database, ring, after_step, thoroughly=True)
        assert min(widths) < max(widths) == widths[0]
        await agree(database, ring, model, numbers)

    on(dsn, test)


def test_datasets_that_have_lost_every_number_are_merged(dsn: str, ring: KeyRing) -> None:
    numbers = range(33639980000, 33639980000 + 20)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(5):
            await add(database, ring, model, plain(numbers))
        await add(database, ring, model, [])
        for number in numbers:
            await take_out(database, ring, model, number, list(model))
        await compact(database, ring, no_pause, thoroughly=True)
        await agree(database, ring, model, numbers)
        full = await add(database, ring, model, plain(numbers))
        await compact(database, ring, no_pause, thoroughly=True)
        await agree(database, ring, model, numbers)
        await take_out(database, ring, model, numbers[0], [full])
        await agree(database, ring, model, numbers)

    on(dsn, test)


def test_neither_a_sealing_nor_a_merge_waits_for_the_other_to_commit(dsn: str, ring: KeyRing) -> None:
    numbers = range(33639980000, 33639980000 + 50)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(5):
            await add(database, ring, model, plain(numbers))
        async with database.transaction() as session:
            connection = await driver(session)
            await store.begin_segment(connection, await new_dataset(connection))
            merging = compact(database, ring, no_pause)
            await asyncio.wait_for(merging, 20)
        await agree(database, ring, model, numbers)

    on(dsn, test)


class Crash(Exception):
    """The process ended before merged segments were dropped."""


def test_what_is_erased_is_nowhere_in_what_is_not_dropped_yet(
    dsn: str, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = range(33639980000, 33639980000 + 50)

    async def crash(*_arguments: object) -> None:
        raise Crash

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(5):
            await add(database, ring, model, plain(numbers))
        with monkeypatch.context() as patched:
            patched.setattr(store, "drop_blocks", crash)
            with pytest.raises(Crash):
                await compact(database, ring, no_pause)
        place = store.lookup_parameters(ring.pseudonym(numbers[0]))
        async with database.snapshot() as session:
            assert len([row async for row in store.rows_of(await driver(session), store.CANDIDATE_BLOCKS, place)]) == 6
        await take_out(database, ring, model, numbers[0], list(model))
        async with database.snapshot() as session:
            assert [row async for row in store.rows_of(await driver(session), store.CANDIDATE_BLOCKS, place)] == []
        await compact(database, ring, no_pause)
        await agree(database, ring, model, numbers)

    on(dsn, test)


def test_erasures_that_cross_do_not_end_in_a_deadlock(dsn: str, ring: KeyRing) -> None:
    """Each counts numbers out of two datasets, in opposite order."""
    numbers = numbers_in(ring, 1, 4, 0, 1, 2, 3)

    async def test(database: Database) -> None:
        model: Model = {}
        one, other = [await add(database, ring, model, plain(numbers)) for _ in range(2)]

        async def take(*pairs: Any) -> None:
            async with database.transaction() as session:
                for number, dataset in pairs:
                    assert await erase(await driver(session), ring, ring.pseudonym(number), [dataset]) == {dataset}
                    del model[dataset][number]
                    await asyncio.sleep(0.1)

        await asyncio.gather(
            take((numbers[0], one), (numbers[3], other)),
            take((numbers[1], other), (numbers[2], one)),
        )
        await agree(database, ring, model, numbers)

    on(dsn, test)


def live_segment(datasets: int, memberships: int) -> LiveSegment:
    """A segment in blocks of some two hundred."""
    return LiveSegment(0, max(5, (memberships // 200).bit_length()), datasets, memberships)


live_segments = st.lists(st.builds(live_segment, st.integers(1, 900), st.integers(0, 2 * LARGEST_DATASET)), max_size=40)


@given(live_segments)
def test_a_merge_at_least_doubles_what_it_takes(live: list[LiveSegment]) -> None:
    chosen = choose_segments(live)
    if chosen:
        total = sum(each.memberships for each in chosen)
        assert len(chosen) >= MERGE_AT_LEAST
        assert total <= LARGEST_SEGMENT
        assert all(2 * each.memberships <= total for each in chosen)
        assert all(each.datasets > 1 or each.memberships <= LARGEST_DATASET for each in chosen)


def test_a_merge_of_very_many_tiny_datasets_is_cut_so_that_its_steps_stay_small() -> None:
    live = [live_segment(1, 1_000) for _ in range(50_000)]
    while chosen := choose_segments(live):
        assert sum(each.memberships / (1 << each.level) for each in chosen) <= LARGEST_STEP
        live = [*live[len(chosen) :], live_segment(len(chosen), sum(each.memberships for each in chosen))]
        live.sort(key=lambda each: each.memberships)
    assert len(live) < MERGE_AT_LEAST


@given(live_segments)
def test_few_segments_are_left_however_many_there_were(live: list[LiveSegment]) -> None:
    for thoroughly in (False, True):
        left = list(live)
        while chosen := choose_segments(left, thoroughly=thoroughly):
            for each in chosen:
                left.remove(each)
            counts = (sum(each.datasets for each in chosen), sum(each.memberships for each in chosen))
            left.append(live_segment(*counts))
        total = sum(each.memberships for each in live)
        small = [each for each in left if each.datasets > 1 or each.memberships <= LARGEST_DATASET]
        # Each beyond the first three holds more than all before it, unless it is too large to merge.
        assert len(small) <= (1 if thoroughly else 29) + 2 * total // LARGEST_SEGMENT + 1
