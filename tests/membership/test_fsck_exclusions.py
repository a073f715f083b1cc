"""Exclusions that end no holding, or outlive the copies of their number, are found; valid ones are not."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.core.db import Database, connection_of
from service.membership import store
from service.membership.erasure import erase
from service.membership.fsck.report import Finding, Violation
from service.number.keyring import KeyRing
from tests.membership.builders import FIRST, run_with_database
from tests.membership.sample_database import Sample, check_sample, execute, restored_afterwards, sample_database

# Stored in "small 0" and in "large"; stored in "large" alone.
SHARED, ALONE = FIRST + 7, FIRST + 8000
MISSING = uuid.UUID(int=7)


@pytest.fixture(scope="module")
def whole(cluster: str, ring: KeyRing) -> Iterator[Sample]:
    """A sample that is made once for all tests here."""
    with sample_database(cluster, ring) as sample:
        yield sample


@pytest.fixture
def sample(whole: Sample) -> Iterator[Sample]:
    """A sample for one test to damage."""
    with restored_afterwards(whole) as sample:
        yield sample


def exclude(sample: Sample, key: bytes, dataset_id: uuid.UUID, erased_at: datetime | None = None) -> None:
    """Write an exclusion without regard to any invariant."""
    moment = erased_at or datetime.now(UTC)
    execute(sample, "INSERT INTO exclusion (key, dataset_id, erased_at) VALUES (%s, %s, %s)", [key, dataset_id, moment])


def remove_copies(sample: Sample, ring: KeyRing, number: int, *datasets: str) -> None:
    """Remove the stored copies of a number."""

    async def work(database: Database) -> None:
        async with database.transaction() as session:
            ids = [sample.datasets[name] for name in datasets]
            await erase(await connection_of(session), ring, ring.pseudonym(number), ids)

    run_with_database(sample.dsn, work)


def finding(kind: Violation, ring: KeyRing, number: int, dataset_id: uuid.UUID) -> Finding:
    return Finding(kind, dataset_id=dataset_id, shard=store.lookup_parameters(ring.pseudonym(number))["shard"])


def test_check_exclusion_while_another_dataset_stores_the_number_finds_nothing(sample: Sample, ring: KeyRing) -> None:
    exclude(sample, ring.pseudonym(SHARED), sample.datasets["small 0"])
    remove_copies(sample, ring, SHARED, "small 0")
    assert check_sample(sample, ring).findings == []


def test_check_copy_without_dependents_finds_it(sample: Sample, ring: KeyRing) -> None:
    exclude(sample, ring.pseudonym(SHARED), sample.datasets["large"])
    assert check_sample(sample, ring).findings == [finding(Violation.COPY_LEFT, ring, SHARED, sample.datasets["large"])]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_check_dataset_that_shares_a_copy_which_is_gone_finds_it(
    elsewhere: bool, sample: Sample, ring: KeyRing
) -> None:
    """A recipient has the number from a sender that erased it later. The number may have other copies or none."""
    number, (sender, recipient) = SHARED if elsewhere else ALONE, ("large", "received")
    execute(
        sample,
        "INSERT INTO dataset_parent (dataset_id, parent_id) VALUES (%s, %s)",
        [sample.datasets[recipient], sample.datasets[sender]],
    )
    execute(sample, "UPDATE dataset SET sealed_at = '2023-01-01' WHERE id = %s", [sample.datasets[recipient]])
    execute(sample, "UPDATE dataset SET sealed_at = '2022-01-01' WHERE id = %s", [sample.datasets[sender]])
    try:
        exclude(sample, ring.pseudonym(number), sample.datasets[sender])
        assert check_sample(sample, ring).findings == []
        remove_copies(sample, ring, number, sender)
        left = [] if elsewhere else [finding(Violation.EXCLUSION_LEFT, ring, number, sample.datasets[sender])]
        gone = finding(Violation.COPY_GONE, ring, number, sample.datasets[recipient])
        assert set(check_sample(sample, ring).findings) == {gone, *left}
    finally:
        execute(sample, "DELETE FROM dataset_parent")


def test_check_copy_that_a_holder_without_account_lost_finds_it(sample: Sample, ring: KeyRing) -> None:
    """Nobody erases in the place of a holder without account, so that its copies are all there."""
    large = sample.datasets["large"]
    without = "UPDATE organisation SET admitted_at = %s WHERE id = (SELECT holder_id FROM dataset WHERE id = %s)"
    execute(sample, without, [None, large])
    try:
        assert check_sample(sample, ring).findings == []
        remove_copies(sample, ring, ALONE, "large")
        shrank = Finding(Violation.SHRANK, sample.segments["large"], large)
        assert check_sample(sample, ring).findings == [shrank]
    finally:
        execute(sample, without, [datetime.now(UTC), large])


def test_check_exclusion_of_a_number_without_copies_finds_it(sample: Sample, ring: KeyRing) -> None:
    exclude(sample, ring.pseudonym(ALONE), sample.datasets["large"])
    remove_copies(sample, ring, ALONE, "large")
    assert check_sample(sample, ring).findings == [
        finding(Violation.EXCLUSION_LEFT, ring, ALONE, sample.datasets["large"])
    ]


def test_check_exclusion_of_a_missing_dataset_finds_it(sample: Sample, ring: KeyRing) -> None:
    exclude(sample, ring.pseudonym(SHARED), MISSING)
    assert check_sample(sample, ring).findings == [finding(Violation.EXCLUSION_DATASET, ring, SHARED, MISSING)]


@pytest.mark.parametrize("key", [b"", b"short", bytes(16)])
def test_check_exclusion_of_an_invalid_key_finds_it(key: bytes, sample: Sample, ring: KeyRing) -> None:
    exclude(sample, key, sample.datasets["large"])
    assert check_sample(sample, ring).findings == [
        Finding(Violation.EXCLUSION_KEY, dataset_id=sample.datasets["large"])
    ]


@pytest.mark.parametrize("dataset", ["received", "open"])
def test_check_exclusion_of_a_dataset_that_never_held_the_number_finds_it(
    dataset: str, sample: Sample, ring: KeyRing
) -> None:
    """A received dataset shares nothing with those that store it; an open one holds nothing yet."""
    exclude(sample, ring.pseudonym(ALONE), sample.datasets[dataset])
    assert check_sample(sample, ring).findings == [
        finding(Violation.EXCLUSION_UNFOUNDED, ring, ALONE, sample.datasets[dataset])
    ]


def test_check_exclusion_before_the_dataset_was_made_finds_it(sample: Sample, ring: KeyRing) -> None:
    exclude(sample, ring.pseudonym(SHARED), sample.datasets["small 0"], datetime(2020, 1, 1, tzinfo=UTC))
    remove_copies(sample, ring, SHARED, "small 0")
    unfounded = finding(Violation.EXCLUSION_UNFOUNDED, ring, SHARED, sample.datasets["small 0"])
    assert check_sample(sample, ring).findings == [unfounded]


def test_check_exclusion_of_a_dataset_made_after_the_erasure_finds_it(sample: Sample, ring: KeyRing) -> None:
    """A dataset that shares another has the number only if it was made before the erasure from that one."""
    first, second = sample.datasets["small 0"], sample.datasets["received"]
    execute(sample, "INSERT INTO dataset_parent (dataset_id, parent_id) VALUES (%s, %s)", [second, first])
    try:
        for made_in, erased_in, expected in (
            (2021, 2022, {Violation.COPY_LEFT}),
            (2023, 2024, {Violation.COPY_LEFT, Violation.EXCLUSION_UNFOUNDED}),
        ):
            execute(sample, "DELETE FROM exclusion")
            execute(sample, "UPDATE dataset SET sealed_at = '2020-01-01' WHERE id = %s", [first])
            execute(
                sample, "UPDATE dataset SET sealed_at = %s WHERE id = %s", [datetime(made_in, 1, 1, tzinfo=UTC), second]
            )
            exclude(sample, ring.pseudonym(SHARED), first, datetime(2022, 1, 1, tzinfo=UTC))
            exclude(sample, ring.pseudonym(SHARED), second, datetime(erased_in, 1, 1, tzinfo=UTC))
            assert {found.kind for found in check_sample(sample, ring).findings} == expected
    finally:
        execute(sample, "DELETE FROM dataset_parent")
