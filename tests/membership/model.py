"""Datasets in the database and in a naive model beside it, and whether both give the same answers."""

import random
import uuid
from collections.abc import Sequence

import numpy as np

from service.core.db import Database, driver
from service.membership import blocks, bulk_read, runs, store
from service.membership.erasure import erase
from service.membership.runs import Run
from service.membership.store import Membership
from service.number.keyring import KeyRing
from tests.membership.builders import sealed
from tests.membership.test_store import Line, instant, kept

# What each dataset says of each of its numbers.
Model = dict[uuid.UUID, dict[int, Line]]


def run_of(ring: KeyRing, lines: Sequence[Line]) -> Run:
    """Lines as a run; without a column of which no line says anything."""
    names = np.full(len(lines), None, np.object_)
    names[:] = [line[2] for line in lines]
    return runs.sorted_run(
        ring.pseudonyms(np.array([line[0] for line in lines], np.int64)),
        np.array([line[1] for line in lines], np.uint32) if any(line[1] for line in lines) else None,
        names if any(line[2] for line in lines) else None,
    )


async def add(database: Database, ring: KeyRing, model: Model, lines: Sequence[Line]) -> uuid.UUID:
    """A sealed dataset of these lines, in the database and in the model."""
    dataset_id = await sealed(database, ring, run_of(ring, lines))
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
            _, held, _ = await store.lookup(connection, ring, ring.pseudonym(number))
            assert sorted(held) == sorted(
                Membership(dataset, instant(lines[number][1]), lines[number][2])
                for dataset, lines in model.items()
                if number in lines
            )
        found: dict[uuid.UUID, list[int]] = {dataset: [] for dataset in model}
        for shard in range(blocks.SHARDS):
            for dataset, keys in (await bulk_read.keys_in_shard(connection, list(model), shard)).items():
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


def some_lines(draw: random.Random, numbers: Sequence[int], *, dated: bool, named: bool) -> list[Line]:
    return [
        (
            number,
            draw.randrange(1, 2**32) if dated and draw.random() < 0.8 else 0,
            f"opt-in-{draw.randrange(99)}" if named and draw.random() < 0.5 else None,
        )
        for number in draw.sample(numbers, draw.randrange(len(numbers)))
    ]
