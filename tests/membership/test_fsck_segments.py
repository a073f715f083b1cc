"""Segments, datasets and merges that do not match are found as that violation; ongoing work is not a violation."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import LiteralString

import pytest

from service.core.db import Database, connection_of
from service.core.errors import ConfigurationError
from service.membership.compaction import Merge, compact
from service.membership.erasure import erase
from service.membership.fsck.report import Finding, Leftover, Violation
from service.number.keyring import KeyRing
from tests.membership.builders import FIRST, consecutive_run, no_pause, run_with_database, seal_run
from tests.membership.sample_database import (
    Sample,
    case_name,
    check_sample,
    execute,
    restored_afterwards,
    sample_database,
)

# The kind of each finding, and its segment and dataset by name.
Expected = set[tuple[Violation | Leftover, str | None, str | None]]


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


AT_SEGMENTS: list[tuple[LiteralString, Expected]] = [
    (
        "UPDATE segment_member SET place = 7 WHERE dataset_id = %(small 2)s",
        {(Violation.PLACES, "small 2", None), (Violation.COUNT, "small 2", "small 2")},
    ),
    (
        "INSERT INTO membership_segment (id, state, created_at) VALUES (77, 'live', now())",
        {(Violation.PLACES, "77", None)},
    ),
    ("DELETE FROM dataset WHERE id = %(large)s", {(Violation.DATASET_MISSING, "large", "large")}),
    (
        "UPDATE segment_member SET number_count = number_count + 1 WHERE dataset_id = %(large)s",
        {(Violation.COUNT, "large", "large"), (Violation.GREW, "large", "large")},
    ),
    (
        "UPDATE segment_member SET number_count = number_count - 1 WHERE dataset_id = %(small 1)s",
        {(Violation.COUNT, "small 1", "small 1")},
    ),
    (
        "UPDATE segment_member SET digest = set_byte(digest, 9, get_byte(digest, 9) # 1) WHERE place = 1",
        {(Violation.DIGEST, "small 1", "small 1")},
    ),
    ("UPDATE segment_member SET digest = '' WHERE dataset_id = %(large)s", {(Violation.DIGEST, "large", "large")}),
    (
        "UPDATE dataset SET state = 'sealed', number_count = 0 WHERE id = %(empty)s",
        {(Violation.NOT_STORED, None, "empty")},
    ),
    (
        "INSERT INTO segment_member SELECT segment_id, 3, %(large)s, 0, ''"
        " FROM segment_member WHERE dataset_id = %(small 0)s",
        {(Violation.STORED_TWICE, "large", "large"), (Violation.DIGEST, "small 0", "large")},
    ),
    ("UPDATE dataset SET state = 'open' WHERE id = %(large)s", {(Violation.NOT_SEALED, "large", "large")}),
    ("UPDATE dataset SET content = 'union' WHERE id = %(small 1)s", {(Violation.NOT_SEALED, "small 1", "small 1")}),
    (
        "UPDATE dataset SET number_count = number_count - 1 WHERE id = %(large)s",
        {(Violation.GREW, "large", "large")},
    ),
    (
        "UPDATE membership_segment SET merged_into = (SELECT max(id) FROM membership_segment)"
        " WHERE id = (SELECT segment_id FROM segment_member WHERE dataset_id = %(large)s)",
        {(Violation.MERGE, "large", None)},
    ),
    (
        "UPDATE dataset SET reconciling = false WHERE id = %(received)s",
        {(Violation.STAGED_AFTER_SEALING, None, "received")},
    ),
    ("DELETE FROM pseudonym_key", {(Violation.NO_KEY_ID, None, None)}),
    ("UPDATE dataset SET state = 'open' WHERE id = %(sealing)s", {(Leftover.LOADING, "sealing", "sealing")}),
    (
        "INSERT INTO membership_segment (id, state, created_at) VALUES (77, 'retired', now());"
        "INSERT INTO segment_member SELECT 77, place, dataset_id, number_count, digest FROM segment_member"
        " WHERE dataset_id = %(small 0)s;"
        "INSERT INTO membership_block SELECT shard, level, lead, 77, merged, '' FROM membership_block WHERE merged",
        {(Leftover.RETIRED, "77", None)},
    ),
]


@pytest.mark.parametrize(("damage", "expected"), AT_SEGMENTS, ids=case_name)
def test_check_mismatched_segments_and_datasets_finds_that_violation(
    damage: LiteralString, expected: Expected, sample: Sample, ring: KeyRing
) -> None:
    execute(sample, damage, sample.datasets)
    report = check_sample(sample, ring)
    assert set(report.findings) == named(sample, expected, {"77": 77})
    assert bool(report.violations) == any(isinstance(kind, Violation) for kind, *_ in expected)


def named(sample: Sample, expected: Expected, segments: dict[str, int]) -> set[Finding]:
    """The expected findings, with ids instead of names. `segments` are in addition to those of the sample."""
    ids = sample.segments | segments
    return {
        Finding(kind, ids[segment] if segment else None, sample.datasets[dataset] if dataset else None)
        for kind, segment, dataset in expected
    }


def test_check_with_another_secret_is_refused(sample: Sample) -> None:
    with pytest.raises(ConfigurationError, match="nothing can be checked"):
        check_sample(sample, KeyRing(bytes(32)))


class Interrupted(Exception):
    """Stands for the end of the process that compacts."""


async def merge_half(database: Database, ring: KeyRing) -> None:
    """Merge half of the key space, and stop."""

    async def stop(_merge: Merge, _seconds: float, done: float) -> None:
        if done >= 0.5:
            raise Interrupted

    with pytest.raises(Interrupted):
        await compact(database, ring, stop, thoroughly=True)


STORED = ("small 0", "small 1", "small 2", "large", "consented")
OF_ALL: Expected = {(Violation.MERGED, "merge", dataset) for dataset in STORED}
AT_MERGES: list[tuple[LiteralString, Expected]] = [
    ("SELECT", set()),
    ("DELETE FROM membership_block WHERE segment_id = %(merge)s AND shard = 2", OF_ALL),
    ("UPDATE membership_segment SET next_lead = next_lead + (1 << 25) WHERE id = %(merge)s", OF_ALL),
    (
        "UPDATE segment_member SET dataset_id = %(empty)s WHERE segment_id = %(merge)s AND dataset_id = %(large)s",
        {(Violation.MERGE, "merge", None), (Violation.MERGED, "merge", "empty")},
    ),
    (
        "UPDATE membership_segment SET state = 'retired' WHERE id = %(merge)s",
        {(Violation.MERGE, segment, None) for segment in STORED} | {(Leftover.RETIRED, "merge", None)},
    ),
    (
        "UPDATE membership_segment SET merged_into = NULL WHERE merged_into = %(merge)s",
        {(Violation.MERGE, "merge", None)} | OF_ALL,
    ),
]


@pytest.mark.parametrize(("damage", "expected"), AT_MERGES, ids=case_name)
def test_check_unfinished_merge_finds_nothing_unless_it_is_damaged(
    damage: LiteralString, expected: Expected, sample: Sample, ring: KeyRing
) -> None:
    run_with_database(sample.dsn, lambda database: merge_half(database, ring))
    ((merge,),) = execute(sample, "SELECT id FROM membership_segment WHERE state = 'merging'")
    execute(sample, damage, sample.datasets | {"merge": merge})
    assert set(check_sample(sample, ring).findings) == named(sample, expected, {"merge": merge})


def test_check_blocks_beyond_the_progress_of_their_merge_finds_each(sample: Sample, ring: KeyRing) -> None:
    run_with_database(sample.dsn, lambda database: merge_half(database, ring))
    query: LiteralString = """
        UPDATE membership_segment SET next_lead = next_lead - (1 << 25) WHERE state = 'merging' RETURNING id, next_lead
    """
    ((merge, next_lead),) = execute(sample, query)
    query = "SELECT shard, level, lead FROM membership_block WHERE segment_id = %s AND lead >= %s"
    beyond = {
        Finding(Violation.BEYOND_MERGE, merge, None, *place) for place in execute(sample, query, [merge, next_lead])
    }
    assert beyond
    assert set(check_sample(sample, ring).findings) == beyond | named(sample, OF_ALL, {"merge": merge})


def test_check_during_loads_erasures_and_merges_finds_nothing(sample: Sample, ring: KeyRing) -> None:
    checks = 0

    async def work(database: Database) -> None:
        added: list[uuid.UUID] = []
        turn = 0
        while turn < 6 or checks < 3:
            run = consecutive_run(ring, 300, 100 * turn, consents=turn % 2 > 0)
            added.append(await seal_run(database, ring, run))
            async with database.transaction() as session:
                await erase(await connection_of(session), ring, ring.pseudonym(FIRST + 100 * turn + 7), added)
            await compact(database, ring, no_pause, thoroughly=turn % 2 > 0)
            turn += 1

    async def test(database: Database) -> None:
        nonlocal checks
        working = asyncio.create_task(work(database))
        while not working.done():
            report = await asyncio.to_thread(check_sample, sample, ring)
            # Here no job seals datasets.
            assert {finding.kind for finding in report.violations} <= {Violation.SEALING_LOST}
            checks += 1
        await working

    run_with_database(sample.dsn, test)
    assert check_sample(sample, ring).findings == []
