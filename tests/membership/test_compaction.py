"""Compaction compared with a simple model: whatever is merged, erased or interrupted, every answer stays right."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from typing import Any, LiteralString

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.db import Database, connection_of
from service.core.ids import uuid7
from service.membership import blocks, compaction, encryption, runs, store
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
from service.membership.lookup_queries import CANDIDATE_BLOCKS
from service.number.keyring import KeyRing
from tests.membership.builders import (
    Connection,
    from_unix,
    load_staged,
    new_dataset,
    no_pause,
    run_of_lines,
    run_with_database,
)
from tests.membership.model import (
    Model,
    add_dataset,
    assert_agreement,
    erase_number,
    lines_by_number,
    lines_without_consent,
    random_lines,
)


@pytest.mark.parametrize("seed", range(4))
def test_compact_after_loads_and_erasures_keeps_every_answer(seed: int, dsn: str, ring: KeyRing) -> None:
    draw = random.Random(seed)
    numbers = range(33639980000, 33639980000 + 700)

    async def test(database: Database) -> None:
        model: Model = {}
        for round_ in range(3):
            for _ in range(draw.randrange(2, 7)):
                lines = random_lines(draw, numbers, dated=draw.random() < 0.5, with_record_ids=draw.random() < 0.5)
                await add_dataset(database, ring, model, lines)
            await compact(database, ring, no_pause, thoroughly=round_ != 1)
            for number in draw.sample(numbers, 5):
                await erase_number(database, ring, model, number, draw.sample(list(model), len(model) // 2))
            await assert_agreement(database, ring, model, draw.sample(numbers, 40))

    run_with_database(dsn, test)


class Interrupted(Exception):
    """Stands for the end of the process that compacts."""


def test_compact_interrupted_after_each_step_keeps_every_answer_and_goes_on(dsn: str, ring: KeyRing) -> None:
    draw = random.Random(7)
    numbers = range(33639980000, 33639980000 + 300)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(5):
            await add_dataset(database, ring, model, random_lines(draw, numbers, dated=True, with_record_ids=True))
        reached: list[float] = []

        async def after_step(_merge: object, _seconds: float, done: float) -> None:
            reached.append(done)
            raise Interrupted

        for _ in range(blocks.SHARDS):
            with pytest.raises(Interrupted):
                await compact(database, ring, after_step)
            # The erasure also reaches what is already merged.
            await erase_number(database, ring, model, draw.choice(numbers), list(model))
            await assert_agreement(database, ring, model, draw.sample(numbers, 10))
        assert reached == sorted(set(reached))
        assert reached[-1] == 1
        await compact(database, ring, no_pause)
        await assert_agreement(database, ring, model, numbers)
        async with database.snapshot() as session:
            assert len(await compaction.mergeable_segments(await connection_of(session))) == 1

    run_with_database(dsn, test)


def test_compact_several_at_once_keeps_every_answer(dsn: str, ring: KeyRing) -> None:
    draw = random.Random(8)
    numbers = range(33639980000, 33639980000 + 300)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(6):
            await add_dataset(database, ring, model, random_lines(draw, numbers, dated=False, with_record_ids=False))
        await asyncio.gather(*(compact(database, ring, no_pause) for _ in range(3)))
        await assert_agreement(database, ring, model, numbers)

    run_with_database(dsn, test)


async def datasets_like(
    connection: Connection, ring: KeyRing, first: uuid.UUID, run: runs.Run, count: int
) -> list[uuid.UUID]:
    """More datasets that hold the same as the sealed dataset `first`, stored together. One by one takes a minute."""
    datasets, digest = [uuid7() for _ in range(count)], runs.digest(run)
    await connection.execute(
        "INSERT INTO dataset (id, asserted_by_id, holder_id, occurred_at, recorded_at, name, content, state, "
        "default_region, time_zone, reconciling) SELECT unnest(%s), asserted_by_id, holder_id, occurred_at, "
        "recorded_at, name, content, state, default_region, time_zone, reconciling FROM dataset WHERE id = %s",
        (datasets, first),
    )
    query: LiteralString = """
        INSERT INTO membership_segment (state, level, created_at)
        SELECT state, level, created_at FROM membership_segment, generate_series(1, %s) RETURNING id, level
    """
    segments = [store.Segment(row[0], row[1]) async for row in store.rows_of(connection, query, (count,))]
    query = """
        INSERT INTO segment_member (segment_id, place, dataset_id, number_count, digest)
        SELECT segment_id, 0, dataset_id, %s, digest
        FROM unnest(%s::int[], %s::uuid[], %s::bytea[]) AS member (segment_id, dataset_id, digest)
    """
    digests = [encryption.encrypt_digest(ring, dataset_id, digest) for dataset_id in datasets]
    await connection.execute(query, (digest.count, [segment.id for segment in segments], datasets, digests))
    for segment in segments:
        await store.write_blocks(connection, ring, segment, run)
    return datasets


def test_compact_number_of_very_many_datasets_is_found_in_all(dsn: str, ring: KeyRing) -> None:
    async def test(database: Database) -> None:
        run = runs.Run(ring.pseudonyms(np.array([33639980000], np.int64)), np.array([1_700_000_000], np.uint32))
        async with database.transaction() as session:
            connection = await connection_of(session)
            first = await new_dataset(connection)
            await store.stage(connection, ring, first, 1, 1, run)
            await load_staged(connection, ring, first)
            expected = {first, *await datasets_like(connection, ring, first, run, 1_499)}
        await compact(database, ring, no_pause)
        async with database.snapshot() as session:
            found = await store.lookup(await connection_of(session), ring, ring.pseudonym(33639980000))
        assert {membership.dataset_id for membership in found.memberships} == expected
        assert {membership.consented_at for membership in found.memberships} == {from_unix(1_700_000_000)}

    run_with_database(dsn, test)


def numbers_in(ring: KeyRing, at_most: int, ranges: int, *wanted: int) -> list[int]:
    """At most so many numbers whose keys are in each of the `wanted` ranges, of `ranges` equal ones."""
    numbers = np.arange(33_600_000_000, 33_600_100_000)
    range_of_number = blocks.leads_of(ring.pseudonyms(numbers)) // (blocks.LEADS // ranges)
    return [number for place in wanted for number in numbers[range_of_number == place][:at_most].tolist()]


async def add_in_blocks(
    database: Database, ring: KeyRing, model: Model, numbers: Sequence[int], level: int
) -> uuid.UUID:
    """A dataset in blocks of this level, even if the level does not fit."""
    run = run_of_lines(ring, lines_without_consent(numbers))
    async with database.transaction() as session:
        connection = await connection_of(session)
        dataset_id = await new_dataset(connection)
        segment = await store.begin_segment(connection, dataset_id)
        await connection.execute("UPDATE membership_segment SET level = %s WHERE id = %s", (level, segment.id))
        await store.write_blocks(connection, ring, segment._replace(level=level), run)
        await store.complete_segment(connection, ring, dataset_id, runs.digest(run))
    model[dataset_id] = lines_by_number(lines_without_consent(numbers))
    return dataset_id


def test_compact_few_keys_puts_no_block_in_two_steps(dsn: str, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The level is derived from the first step, which finds no keys here."""
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
        await assert_agreement(database, ring, model, numbers)

    run_with_database(dsn, test)


def test_compact_after_erasures_goes_on_in_steps_of_another_width(
    dsn: str, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step reads whole blocks of one coarse dataset. Once its numbers are erased, narrower steps suffice."""
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
            await erase_number(database, ring, model, number, [coarse])
        with pytest.raises(Interrupted):
            await compact(database, ring, after_step, thoroughly=True)
        await assert_agreement(database, ring, model, numbers)
        await compact(database, ring, after_step, thoroughly=True)
        assert min(widths) < max(widths) == widths[0]
        await assert_agreement(database, ring, model, numbers)

    run_with_database(dsn, test)


def test_compact_datasets_without_numbers_left_keeps_every_answer(dsn: str, ring: KeyRing) -> None:
    numbers = range(33639980000, 33639980000 + 20)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(5):
            await add_dataset(database, ring, model, lines_without_consent(numbers))
        await add_dataset(database, ring, model, [])
        for number in numbers:
            await erase_number(database, ring, model, number, list(model))
        await compact(database, ring, no_pause, thoroughly=True)
        await assert_agreement(database, ring, model, numbers)
        full = await add_dataset(database, ring, model, lines_without_consent(numbers))
        await compact(database, ring, no_pause, thoroughly=True)
        await assert_agreement(database, ring, model, numbers)
        await erase_number(database, ring, model, numbers[0], [full])
        await assert_agreement(database, ring, model, numbers)

    run_with_database(dsn, test)


def test_compact_during_an_uncommitted_load_does_not_wait(dsn: str, ring: KeyRing) -> None:
    numbers = range(33639980000, 33639980000 + 50)

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(5):
            await add_dataset(database, ring, model, lines_without_consent(numbers))
        async with database.transaction() as session:
            connection = await connection_of(session)
            await store.begin_segment(connection, await new_dataset(connection))
            merging = compact(database, ring, no_pause)
            await asyncio.wait_for(merging, 20)
        await assert_agreement(database, ring, model, numbers)

    run_with_database(dsn, test)


class Crash(Exception):
    """Stands for the end of the process before it drops merged segments."""


def test_erase_before_retired_segments_are_dropped_removes_the_number_from_them(
    dsn: str, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = range(33639980000, 33639980000 + 50)

    async def crash(*_arguments: object) -> None:
        raise Crash

    async def test(database: Database) -> None:
        model: Model = {}
        for _ in range(5):
            await add_dataset(database, ring, model, lines_without_consent(numbers))
        with monkeypatch.context() as patched:
            patched.setattr(store, "drop_blocks", crash)
            with pytest.raises(Crash):
                await compact(database, ring, no_pause)
        place = store.lookup_parameters(ring.pseudonym(numbers[0]))
        async with database.snapshot() as session:
            assert len([row async for row in store.rows_of(await connection_of(session), CANDIDATE_BLOCKS, place)]) == 6
        await erase_number(database, ring, model, numbers[0], list(model))
        async with database.snapshot() as session:
            assert [row async for row in store.rows_of(await connection_of(session), CANDIDATE_BLOCKS, place)] == []
        await compact(database, ring, no_pause)
        await assert_agreement(database, ring, model, numbers)

    run_with_database(dsn, test)


def test_erase_two_datasets_in_opposite_order_causes_no_deadlock(dsn: str, ring: KeyRing) -> None:
    """Each transaction lowers the counts of two datasets, in opposite order."""
    numbers = numbers_in(ring, 1, 4, 0, 1, 2, 3)

    async def test(database: Database) -> None:
        model: Model = {}
        first, second = [await add_dataset(database, ring, model, lines_without_consent(numbers)) for _ in range(2)]

        async def erase_each(*numbers_and_datasets: Any) -> None:
            async with database.transaction() as session:
                for number, dataset in numbers_and_datasets:
                    assert await erase(await connection_of(session), ring, ring.pseudonym(number), [dataset]) == {
                        dataset
                    }
                    del model[dataset][number]
                    # Time for the other transaction to take its first lock, if nothing made it wait.
                    await asyncio.sleep(0.1)

        await asyncio.gather(
            erase_each((numbers[0], first), (numbers[3], second)),
            erase_each((numbers[1], second), (numbers[2], first)),
        )
        await assert_agreement(database, ring, model, numbers)

    run_with_database(dsn, test)


def live_segment(datasets: int, memberships: int) -> LiveSegment:
    """A segment in blocks of some two hundred."""
    return LiveSegment(0, max(5, (memberships // 200).bit_length()), datasets, memberships)


live_segments = st.lists(st.builds(live_segment, st.integers(1, 900), st.integers(0, 2 * LARGEST_DATASET)), max_size=40)


@given(live_segments)
def test_choose_segments_at_least_doubles_each_chosen_segment(live: list[LiveSegment]) -> None:
    chosen = choose_segments(live)
    if chosen:
        total = sum(segment.memberships for segment in chosen)
        assert len(chosen) >= MERGE_AT_LEAST
        assert total <= LARGEST_SEGMENT
        assert all(2 * segment.memberships <= total for segment in chosen)
        assert all(segment.datasets > 1 or segment.memberships <= LARGEST_DATASET for segment in chosen)


def test_choose_segments_of_very_many_tiny_datasets_keeps_steps_small() -> None:
    live = [live_segment(1, 1_000) for _ in range(50_000)]
    while chosen := choose_segments(live):
        assert sum(segment.memberships / (1 << segment.level) for segment in chosen) <= LARGEST_STEP
        live = [*live[len(chosen) :], live_segment(len(chosen), sum(segment.memberships for segment in chosen))]
        live.sort(key=lambda segment: segment.memberships)
    assert len(live) < MERGE_AT_LEAST


@given(live_segments)
def test_choose_segments_until_none_is_worthwhile_leaves_few(live: list[LiveSegment]) -> None:
    for thoroughly in (False, True):
        left = list(live)
        while chosen := choose_segments(left, thoroughly=thoroughly):
            for segment in chosen:
                left.remove(segment)
            counts = (sum(segment.datasets for segment in chosen), sum(segment.memberships for segment in chosen))
            left.append(live_segment(*counts))
        total = sum(segment.memberships for segment in live)
        small = [segment for segment in left if segment.datasets > 1 or segment.memberships <= LARGEST_DATASET]
        # Each segment after the first three holds more than all before it, unless it is too large to merge.
        assert len(small) <= (1 if thoroughly else 29) + 2 * total // LARGEST_SEGMENT + 1
