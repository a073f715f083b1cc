"""Matching a list of numbers, compared with a simple model, before and after compaction."""

import random
import uuid

import numpy as np
import pytest

from service.core.db import Database
from service.membership.compaction import compact
from service.membership.matching import match_keys
from service.membership.runs import sorted_run
from service.number.keyring import KeyRing
from tests.membership.builders import no_pause, run_with_database
from tests.membership.model import Model, add_dataset, lines_without_consent

Numbers = dict[uuid.UUID, set[int]]

NUMBERS = range(33639980000, 33639980000 + 900)


async def match_numbers(
    database: Database, ring: KeyRing, numbers: list[int], datasets: list[uuid.UUID] | None
) -> Numbers:
    keys = sorted_run(ring.pseudonyms(np.array(numbers, np.int64))).keys
    found = await match_keys(database, keys, datasets)
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
                assert await match_numbers(database, ring, wanted, requested) == expected
            await compact(database, ring, no_pause, thoroughly=True)

    run_with_database(dsn, test)


def test_match_keys_empty_list_matches_nothing(dsn: str, ring: KeyRing) -> None:
    async def test(database: Database) -> None:
        model: Model = {}
        await add_dataset(database, ring, model, lines_without_consent(NUMBERS[:1]))
        assert await match_numbers(database, ring, [], None) == {}

    run_with_database(dsn, test)
