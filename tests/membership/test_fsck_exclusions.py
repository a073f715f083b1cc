"""Exclusions that end nothing, or outlive what they ended, are found as that; those that hold are no damage."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.core.db import Database, driver
from service.membership import store
from service.membership.erasure import erase
from service.membership.fsck.report import Finding, Violation
from service.number.keyring import KeyRing
from tests.membership.builders import FIRST, World, change, checked, made, made_good, on

# In "small 0" and "large", in "large" alone, and in no dataset.
SHARED, ALONE, NOBODYS = FIRST + 7, FIRST + 8000, FIRST + 9500
GONE = uuid.UUID(int=7)


@pytest.fixture(scope="module")
def whole(cluster: str, ring: KeyRing) -> Iterator[World]:
    """A world that is made once for all tests here."""
    with made(cluster, ring) as world:
        yield world


@pytest.fixture
def world(whole: World) -> Iterator[World]:
    """A world for one test to damage."""
    with made_good(whole) as world:
        yield world


def exclude(world: World, key: bytes, dataset_id: uuid.UUID, erased_at: datetime | None = None) -> None:
    """An exclusion that nobody wrote who had to think of what comes of it."""
    moment = erased_at or datetime.now(UTC)
    change(world, "INSERT INTO exclusion (key, dataset_id, erased_at) VALUES (%s, %s, %s)", [key, dataset_id, moment])


def take_out(world: World, ring: KeyRing, number: int, *datasets: str) -> None:
    """Remove the stored copies of a number."""

    async def work(database: Database) -> None:
        async with database.transaction() as session:
            ids = [world.datasets[name] for name in datasets]
            await erase(await driver(session), ring, ring.pseudonym(number), ids)

    on(world.dsn, work)


def at(what: Violation, ring: KeyRing, number: int, dataset_id: uuid.UUID) -> Finding:
    return Finding(what, dataset_id=dataset_id, shard=store.lookup_parameters(ring.pseudonym(number))["shard"])


def test_what_ended_while_others_store_the_number_is_sound(world: World, ring: KeyRing) -> None:
    exclude(world, ring.pseudonym(SHARED), world.datasets["small 0"])
    take_out(world, ring, SHARED, "small 0")
    assert checked(world, ring).findings == []


def test_a_copy_on_which_nobody_draws_is_named(world: World, ring: KeyRing) -> None:
    exclude(world, ring.pseudonym(SHARED), world.datasets["large"])
    assert checked(world, ring).findings == [at(Violation.COPY_LEFT, ring, SHARED, world.datasets["large"])]


def test_what_is_known_of_a_number_that_nobody_stores_is_named(world: World, ring: KeyRing) -> None:
    exclude(world, ring.pseudonym(ALONE), world.datasets["large"])
    take_out(world, ring, ALONE, "large")
    assert checked(world, ring).findings == [at(Violation.EXCLUSION_LEFT, ring, ALONE, world.datasets["large"])]


def test_an_exclusion_of_no_dataset_is_named(world: World, ring: KeyRing) -> None:
    exclude(world, ring.pseudonym(SHARED), GONE)
    assert checked(world, ring).findings == [at(Violation.EXCLUSION_DATASET, ring, SHARED, GONE)]


@pytest.mark.parametrize("key", [b"", b"short", bytes(16)])
def test_an_exclusion_of_nobodys_number_is_named(key: bytes, world: World, ring: KeyRing) -> None:
    exclude(world, key, world.datasets["large"])
    assert checked(world, ring).findings == [Finding(Violation.EXCLUSION_KEY, dataset_id=world.datasets["large"])]


@pytest.mark.parametrize("dataset", ["received", "open"])
def test_an_exclusion_of_what_never_held_the_number_is_named(dataset: str, world: World, ring: KeyRing) -> None:
    """A received dataset shares nothing with those that store it; an open one holds nothing yet."""
    exclude(world, ring.pseudonym(ALONE), world.datasets[dataset])
    assert checked(world, ring).findings == [at(Violation.EXCLUSION_UNFOUNDED, ring, ALONE, world.datasets[dataset])]


def test_an_exclusion_from_before_the_dataset_is_named(world: World, ring: KeyRing) -> None:
    exclude(world, ring.pseudonym(SHARED), world.datasets["small 0"], datetime(2020, 1, 1, tzinfo=UTC))
    take_out(world, ring, SHARED, "small 0")
    unfounded = at(Violation.EXCLUSION_UNFOUNDED, ring, SHARED, world.datasets["small 0"])
    assert checked(world, ring).findings == [unfounded]


def test_an_exclusion_of_what_was_made_of_a_dataset_after_it_ended_is_named(world: World, ring: KeyRing) -> None:
    """What shares a dataset has the number if that was so in time, and not otherwise."""
    first, second = world.datasets["small 0"], world.datasets["received"]
    change(world, "INSERT INTO dataset_parent (dataset_id, parent_id) VALUES (%s, %s)", [second, first])
    try:
        for made, ended, expected in (
            (2021, 2022, {Violation.COPY_LEFT}),
            (2023, 2024, {Violation.COPY_LEFT, Violation.EXCLUSION_UNFOUNDED}),
        ):
            change(world, "DELETE FROM exclusion")
            change(world, "UPDATE dataset SET sealed_at = '2020-01-01' WHERE id = %s", [first])
            change(world, "UPDATE dataset SET sealed_at = %s WHERE id = %s", [datetime(made, 1, 1, tzinfo=UTC), second])
            exclude(world, ring.pseudonym(SHARED), first, datetime(2022, 1, 1, tzinfo=UTC))
            exclude(world, ring.pseudonym(SHARED), second, datetime(ended, 1, 1, tzinfo=UTC))
            assert {finding.kind for finding in checked(world, ring).findings} == expected
    finally:
        change(world, "DELETE FROM dataset_parent")
