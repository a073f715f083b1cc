"""Segments, datasets and merges that do not fit together are found as that; whatever the service is doing is not."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import LiteralString

import pytest

from service.core.db import Database, driver
from service.core.errors import ConfigurationError
from service.membership.compaction import Merge, compact
from service.membership.erasure import erase
from service.membership.fsck.report import Finding, Leftover, Violation
from service.number.keyring import KeyRing
from tests.membership.builders import (
    FIRST,
    World,
    case_name,
    change,
    checked,
    made,
    made_good,
    no_pause,
    on,
    run_of,
    sealed,
)

# What is found, of which segment and which dataset, each by its name.
Expected = set[tuple[Violation | Leftover, str | None, str | None]]


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
        "INSERT INTO segment_member SELECT segment_id, 3, %(large)s, 0, decode(repeat('00', 16), 'hex')"
        " FROM segment_member WHERE dataset_id = %(small 0)s",
        {(Violation.STORED_TWICE, "large", "large")},
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
def test_what_does_not_fit_together_is_named(
    damage: LiteralString, expected: Expected, world: World, ring: KeyRing
) -> None:
    change(world, damage, world.datasets)
    report = checked(world, ring)
    assert set(report.findings) == named(world, expected, {"77": 77})
    assert bool(report.violations) == any(isinstance(what, Violation) for what, *_ in expected)


def named(world: World, expected: Expected, segments: dict[str, int]) -> set[Finding]:
    """The findings that are meant, where `segments` are further ones."""
    segments = world.segments | segments
    return {
        Finding(what, segments[segment] if segment else None, world.datasets[dataset] if dataset else None)
        for what, segment, dataset in expected
    }


def test_another_secret_than_the_databases_checks_nothing(world: World) -> None:
    with pytest.raises(ConfigurationError, match="nothing can be checked"):
        checked(world, KeyRing(bytes(32)))


class Interrupted(Exception):
    """The process that compacted is gone."""


async def merge_half(database: Database, ring: KeyRing) -> None:
    """Merge half of the key space, and stop."""

    async def stop(_merge: Merge, _seconds: float, done: float) -> None:
        if done >= 0.5:
            raise Interrupted

    with pytest.raises(Interrupted):
        await compact(database, ring, stop, thoroughly=True)


STORED = ("small 0", "small 1", "small 2", "large", "consented")
OF_ALL: Expected = {(Violation.MERGED, "merge", each) for each in STORED}
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
        {(Violation.MERGE, each, None) for each in STORED} | {(Leftover.RETIRED, "merge", None)},
    ),
    (
        "UPDATE membership_segment SET merged_into = NULL WHERE merged_into = %(merge)s",
        {(Violation.MERGE, "merge", None)} | OF_ALL,
    ),
]


@pytest.mark.parametrize(("damage", "expected"), AT_MERGES, ids=case_name)
def test_a_merge_under_way_is_sound_unless_damaged(
    damage: LiteralString, expected: Expected, world: World, ring: KeyRing
) -> None:
    on(world.dsn, lambda database: merge_half(database, ring))
    ((merge,),) = change(world, "SELECT id FROM membership_segment WHERE state = 'merging'")
    change(world, damage, world.datasets | {"merge": merge})
    assert set(checked(world, ring).findings) == named(world, expected, {"merge": merge})


def test_blocks_beyond_the_progress_of_their_merge_are_named(world: World, ring: KeyRing) -> None:
    on(world.dsn, lambda database: merge_half(database, ring))
    query: LiteralString = """
        UPDATE membership_segment SET next_lead = next_lead - (1 << 25) WHERE state = 'merging' RETURNING id, next_lead
    """
    ((merge, next_lead),) = change(world, query)
    query = "SELECT shard, level, lead FROM membership_block WHERE segment_id = %s AND lead >= %s"
    beyond = {
        Finding(Violation.BEYOND_MERGE, merge, None, *place) for place in change(world, query, [merge, next_lead])
    }
    assert beyond
    assert set(checked(world, ring).findings) == beyond | named(world, OF_ALL, {"merge": merge})


def test_whatever_goes_on_meanwhile_is_no_damage(world: World, ring: KeyRing) -> None:
    async def work(database: Database) -> None:
        added: list[uuid.UUID] = []
        for turn in range(6):
            added.append(await sealed(database, ring, run_of(ring, 300, 100 * turn, consents=turn % 2 > 0)))
            async with database.transaction() as session:
                await erase(await driver(session), ring, ring.pseudonym(FIRST + 100 * turn + 7), added)
            await compact(database, ring, no_pause, thoroughly=turn % 2 > 0)

    async def test(database: Database) -> int:
        working, checks = asyncio.create_task(work(database)), 0
        while not working.done():
            report = await asyncio.to_thread(checked, world, ring)
            assert report.violations == []
            checks += 1
        await working
        return checks

    assert on(world.dsn, test) > 1
    assert checked(world, ring).findings == []
