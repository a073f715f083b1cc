"""Matching a list against a naive model, before and after compaction."""

import random
import uuid

import numpy as np
import pytest

from service.core.db import Database
from service.membership.compaction import compact
from service.membership.matching import match_keys
from service.membership.runs import sorted_run
from service.number.keyring import KeyRing
from tests.membership.builders import no_pause, on
from tests.membership.model import Model, add

Numbers = dict[uuid.UUID, set[int]]

NUMBERS = range(33639980000, 33639980000 + 900)


async def matched(database: Database, ring: KeyRing, numbers: list[int], datasets: list[uuid.UUID] | None) -> Numbers:
    keys = sorted_run(ring.pseudonyms(np.array(numbers, np.int64))).keys
    found = await match_keys(database, keys, datasets)
    return {dataset: set(ring.numbers(keys[places]).tolist()) for dataset, places in found.items()}


@pytest.mark.parametrize("length", [1, 40, 900])
def test_a_list_is_matched_with_every_holder_or_with_those_that_are_asked_for(
    length: int, dsn: str, ring: KeyRing
) -> None:
    draw = random.Random(length)

    async def test(database: Database) -> None:
        model: Model = {}
        for size in (1, 900, 300, 20, 0, 500):
            await add(database, ring, model, [(number, 0, None) for number in draw.sample(NUMBERS, size)])
        wanted = draw.sample(NUMBERS, length)
        for _ in range(2):
            for asked in (None, list(model)[:3], list(model)[1:2], []):
                expected = {
                    dataset: set(lines) & set(wanted)
                    for dataset, lines in model.items()
                    if (asked is None or dataset in asked) and set(lines) & set(wanted)
                }
                assert await matched(database, ring, wanted, asked) == expected
            await compact(database, ring, no_pause, thoroughly=True)

    on(dsn, test)


def test_an_empty_list_matches_nothing(dsn: str, ring: KeyRing) -> None:
    async def test(database: Database) -> None:
        model: Model = {}
        await add(database, ring, model, [(NUMBERS[0], 0, None)])
        assert await matched(database, ring, [], None) == {}

    on(dsn, test)
