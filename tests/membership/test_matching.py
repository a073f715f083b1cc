"""Matching a list of numbers, compared with a simple model, before and after compaction."""

import random
import uuid
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.db import Database
from service.membership import blocks
from service.membership.compaction import compact
from service.membership.matching import READ_AT_ONCE, match_keys, match_rows
from service.membership.runs import Run, sorted_run
from service.number.keyring import KeyRing, Keys
from tests.membership.builders import no_pause, run_with_database
from tests.membership.model import Model, add_dataset, lines_without_consent

Numbers = dict[uuid.UUID, set[int]]

NUMBERS = range(33639980000, 33639980000 + 900)


async def match_numbers(
    database: Database, ring: KeyRing, numbers: list[int], datasets: list[uuid.UUID] | None, at_once: int = READ_AT_ONCE
) -> Numbers:
    keys = sorted_run(ring.pseudonyms(np.array(numbers, np.int64))).keys
    found = await match_keys(database, keys, datasets, at_once)
    return {dataset: set(ring.numbers(keys[places]).tolist()) for dataset, places in found.items()}


@pytest.mark.parametrize("length", [1, 40, 900])
def test_match_keys_in_all_or_some_datasets_finds_what_each_stores(length: int, dsn: str, ring: KeyRing) -> None:
    draw = random.Random(length)

    async def test(database: Database) -> None:
        model: Model = {}
        for size in (1, 900, 300, 20, 0, 500):
            await add_dataset(database, ring, model, lines_without_consent(draw.sample(NUMBERS, size)))
        wanted = draw.sample(NUMBERS, length)
        for _ in range(2):
            for requested in (None, list(model)[:3], list(model)[1:2], []):
                expected = {
                    dataset: set(lines) & set(wanted)
                    for dataset, lines in model.items()
                    if (requested is None or dataset in requested) and set(lines) & set(wanted)
                }
                at_once = draw.choice([0, 200, READ_AT_ONCE])
                assert await match_numbers(database, ring, wanted, requested, at_once) == expected
            await compact(database, ring, no_pause, thoroughly=True)

    run_with_database(dsn, test)


def keys_of(small: list[int]) -> Keys:
    """Keys of one shard that sort as these numbers do. Some agree in their leading half."""
    return Keys(np.array(small, np.uint64) // np.uint64(2) << np.uint64(40), np.array(small, np.uint64))


def rows_of_segment(segment_id: int, datasets: dict[uuid.UUID, set[int]], requested: set[uuid.UUID]) -> list[Any]:
    """The rows of `STORED_KEYS` for a segment. One of several datasets has lists of holders."""
    stored = sorted((value, place) for place, values in enumerate(datasets.values()) for value in values)
    holders = np.array([place for _, place in stored], np.uint16)
    run = Run(keys_of([value for value, _ in stored]), holders=holders if len(datasets) > 1 else None)
    members = [(place, dataset) for place, dataset in enumerate(datasets) if dataset in requested]
    packed = blocks.pack_blocks(run, blocks.cut_blocks(run, blocks.SHARD_BITS))
    rows: list[Any] = [(segment_id, None, None, row.level, row.lead, row.keys, row.holders) for row in packed]
    return [(segment_id, *map(list, zip(*members, strict=True)), None, None, None, None), *rows] if members else []


small_numbers = st.sets(st.integers(0, 30), max_size=12)


@given(st.lists(st.lists(small_numbers, min_size=1, max_size=4), max_size=4), small_numbers, st.data())
def test_match_rows_of_single_merged_and_empty_segments_finds_what_each_requested_dataset_stores(
    segments: list[list[set[int]]], wanted: set[int], data: st.DataObject
) -> None:
    named = [{uuid.uuid4(): values for values in segment} for segment in segments]
    stored = {dataset: values for segment in named for dataset, values in segment.items()}
    requested = {dataset for dataset in stored if data.draw(st.booleans())}
    rows = [row for place, segment in enumerate(named) for row in rows_of_segment(place, segment, requested)]
    found = match_rows(keys_of(sorted(wanted)), rows)
    expected = {dataset: sorted(stored[dataset] & wanted) for dataset in requested if stored[dataset] & wanted}
    assert {dataset: [sorted(wanted)[place] for place in places] for dataset, places in found.items()} == expected


def test_match_keys_of_few_numbers_in_merged_segments_finds_what_each_stores(dsn: str, ring: KeyRing) -> None:
    """With so few numbers, most shards of a merged segment store none of them."""
    draw = random.Random(1)

    async def test(database: Database) -> None:
        model: Model = {}
        for size in (10, 10, 1, 0, 10, 10):
            await add_dataset(database, ring, model, lines_without_consent(draw.sample(NUMBERS[:60], size)))
        for _ in range(2):
            for _ in range(20):
                wanted = draw.sample(NUMBERS[:90], draw.randrange(14))
                requested = draw.choice([None, draw.sample(list(model), draw.randrange(4))])
                expected = {
                    dataset: set(lines) & set(wanted)
                    for dataset, lines in model.items()
                    if (requested is None or dataset in requested) and set(lines) & set(wanted)
                }
                at_once = draw.choice([0, 20, READ_AT_ONCE])
                assert await match_numbers(database, ring, wanted, requested, at_once) == expected
            await compact(database, ring, no_pause, thoroughly=True)

    run_with_database(dsn, test)


def test_match_keys_empty_list_matches_nothing(dsn: str, ring: KeyRing) -> None:
    async def test(database: Database) -> None:
        model: Model = {}
        await add_dataset(database, ring, model, lines_without_consent(NUMBERS[:1]))
        assert await match_numbers(database, ring, [], None) == {}

    run_with_database(dsn, test)
