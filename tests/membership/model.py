"""Datasets in the database and in a simple model, and whether both give the same answers."""

import random
import uuid
from collections.abc import Sequence

import numpy as np

from service.core.db import Database, connection_of
from service.membership import blocks, bulk_read, encryption, runs, store
from service.membership.erasure import erase
from service.membership.store import Membership
from service.number.keyring import KeyRing
from tests.membership.builders import Line, from_unix, run_of_lines, seal_run

Model = dict[uuid.UUID, dict[int, Line]]
"""For each dataset the line that it keeps of each of its numbers."""


def lines_by_number(lines: Sequence[Line]) -> dict[int, Line]:
    """The line that stays of each number: known consent before unknown, early before late, with a record id, first."""
    best: dict[int, Line] = {}
    for line in lines:
        number, time, record_id = line
        _, best_time, best_record_id = best.setdefault(number, line)
        if (time == 0, time, record_id is None) < (best_time == 0, best_time, best_record_id is None):
            best[number] = line
    return best


def lines_without_consent(numbers: Sequence[int]) -> list[Line]:
    return [(number, 0, None) for number in numbers]


def random_lines(draw: random.Random, numbers: Sequence[int], *, dated: bool, with_record_ids: bool) -> list[Line]:
    return [
        (
            number,
            draw.randrange(1, 2**32) if dated and draw.random() < 0.8 else 0,
            f"opt-in-{draw.randrange(99)}" if with_record_ids and draw.random() < 0.5 else None,
        )
        for number in draw.sample(numbers, draw.randrange(len(numbers)))
    ]


async def add_dataset(database: Database, ring: KeyRing, model: Model, lines: Sequence[Line]) -> uuid.UUID:
    """A sealed dataset of these lines, in the database and in the model."""
    dataset_id = await seal_run(database, ring, run_of_lines(ring, lines))
    model[dataset_id] = lines_by_number(lines)
    return dataset_id


async def erase_number(
    database: Database, ring: KeyRing, model: Model, number: int, datasets: Sequence[uuid.UUID]
) -> None:
    """Erase a number from some datasets, in the database and in the model."""
    async with database.transaction() as session:
        stored_in = await erase(await connection_of(session), ring, ring.pseudonym(number), datasets)
    assert stored_in == {dataset for dataset in datasets if model[dataset].pop(number, None)}


async def assert_agreement(database: Database, ring: KeyRing, model: Model, numbers: Sequence[int]) -> None:
    """Lookups of `numbers`, the keys of each dataset and their digests are as in the model."""
    async with database.snapshot() as session:
        connection = await connection_of(session)
        together = (await store.lookup_many(connection, [ring.pseudonym(number) for number in numbers])).numbers
        for number, stored_together in zip(numbers, together, strict=True):
            _, found, erasures, _ = await store.lookup(connection, ring, ring.pseudonym(number))
            assert sorted(stored_together.dataset_ids) == sorted(membership.dataset_id for membership in found)
            assert stored_together.erasures == erasures
            assert sorted(found) == sorted(
                Membership(dataset, from_unix(lines[number][1]), lines[number][2])
                for dataset, lines in model.items()
                if number in lines
            )
        stored: dict[uuid.UUID, list[int]] = {dataset: [] for dataset in model}
        for shards in (range(3), range(3, blocks.SHARDS)):
            for dataset, keys in (await bulk_read.keys_in_shards(connection, list(model), shards)).items():
                stored[dataset] += ring.numbers(keys).tolist()
        assert {dataset: sorted(numbers_of_dataset) for dataset, numbers_of_dataset in stored.items()} == {
            dataset: sorted(lines) for dataset, lines in model.items()
        }
        query = """SELECT dataset_id, number_count, digest FROM segment_member
                   JOIN membership_segment AS segment ON segment.id = segment_id WHERE state = 'live'"""
        digests = {row[0]: row[1:] async for row in store.rows_of(connection, query, None)}
        assert digests.keys() == model.keys()
        for dataset, lines in model.items():
            keys = ring.pseudonyms(np.array(list(lines), np.int64))
            times = np.array([time for _, time, _ in lines.values()], np.uint32)
            digest = runs.digest(runs.sorted_run(keys, times))
            assert encryption.decrypt_digest(ring, dataset, *digests[dataset]) == digest
