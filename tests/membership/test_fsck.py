"""Each kind of damage to a block is done to a real database, and found as that kind, there, and as nothing else."""

from collections.abc import Iterator
from typing import LiteralString

import numpy as np
import pytest

from service.membership import blocks, store
from service.membership.blocks import BlockColumns
from service.membership.fsck.check import Report, check
from service.membership.fsck.report import Finding, Violation
from service.number.keyring import KeyRing
from tests.membership.builders import World, case_name, change, checked, made, made_good, run_of


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


def test_a_sound_database_is_clean_and_counted(world: World, ring: KeyRing) -> None:
    sizes: LiteralString = """
        SELECT count(*), sum(octet_length(keys) + coalesce(octet_length(holders), 0)
                           + coalesce(octet_length(consented_at), 0) + coalesce(octet_length(record_ids), 0)),
               sum(octet_length(keys)) FILTER (WHERE segment_id = %s) / 16, (SELECT count(*) FROM staged_run)
        FROM membership_block
    """
    ((rows, size, loading, staged_runs),) = change(world, sizes, [world.segments["sealing"]])
    seen: list[tuple[int, int]] = []
    report = check(world.dsn, ring, lambda rows, total: seen.append((rows, total)))
    assert report == Report([], rows, 3 * 400 + 9000 + 2000 + loading, size)
    assert sum(step for step, _ in seen) == rows + staged_runs
    assert {total for _, total in seen} == {rows + staged_runs}


# A dataset; what is done to a block in the middle of its segment; what is found in that block, and of its segment.
AT_BLOCKS: list[tuple[str, LiteralString, set[Violation], set[Violation]]] = [
    ("large", "shard = (shard + 1) %% 32", {Violation.SHARD}, set()),
    ("large", "shard = 40", {Violation.SHARD}, set()),
    ("large", "shard = -1", {Violation.SHARD}, set()),
    ("large", "merged = true", {Violation.MERGED_FLAG}, set()),
    ("large", "level = 31", {Violation.LEVEL}, set()),
    ("large", "level = 4", {Violation.LEVEL}, set()),
    ("large", "lead = lead + 1", {Violation.LEAD}, set()),
    ("large", "lead = -1", {Violation.LEAD}, set()),
    ("large", "keys = ''", {Violation.KEYS_LENGTH}, set()),
    ("large", "keys = substr(keys, 2)", {Violation.KEYS_LENGTH}, set()),
    ("large", "holders = '\\x0000'", {Violation.HOLDERS, Violation.MERGED_FLAG}, set()),
    ("small 0", "holders = NULL", {Violation.HOLDERS, Violation.MERGED_FLAG}, set()),
    ("small 0", "holders = set_byte(holders, 1, 1)", {Violation.HOLDERS}, set()),
    ("small 0", "holders = set_byte(holders, octet_length(holders) - 1, 3)", {Violation.HOLDERS}, set()),
    ("small 0", "holders = substr(holders, 1, octet_length(holders) - 1)", {Violation.HOLDERS}, set()),
    ("consented", "consented_at = substr(consented_at, 5)", {Violation.CONSENTS_LENGTH}, set()),
    ("consented", "consented_at = set_byte(consented_at, 3, 255)", set(), {Violation.DIGEST}),
    ("consented", "consented_at = NULL", set(), {Violation.DIGEST}),
    ("consented", "record_ids = set_byte(record_ids, 40, 255)", {Violation.RECORD_IDS_ENCRYPTION}, set()),
    ("consented", "record_ids = (SELECT max(record_ids) FROM membership_block AS other"
     " WHERE other.segment_id = block.segment_id AND other.lead < block.lead)",
     {Violation.RECORD_IDS_ENCRYPTION}, set()),
    ("large", "keys = substr(keys, 17, 16) || substr(keys, 1, 16) || substr(keys, 33)", {Violation.ORDER}, set()),
    ("large", "keys = substr(keys, 17, 16) || substr(keys, 17)", {Violation.ORDER}, {Violation.DIGEST}),
    ("large", "keys = overlay(keys PLACING (SELECT substr(min(keys), 1, 16) FROM membership_block AS other"
     " WHERE other.segment_id = block.segment_id AND other.lead > block.lead) FROM octet_length(keys) - 15)",
     {Violation.RANGE}, {Violation.DIGEST}),
    ("large", "keys = set_byte(keys, 15, get_byte(keys, 15) # 1)", {Violation.PSEUDONYMS}, {Violation.DIGEST}),
    ("large", "keys = substr(keys, 17)", set(), {Violation.COUNT}),
]  # fmt: skip


@pytest.mark.parametrize(("dataset", "damage", "in_block", "in_segment"), AT_BLOCKS, ids=case_name)
def test_a_damaged_block_is_named(
    dataset: str,
    damage: LiteralString,
    in_block: set[Violation],
    in_segment: set[Violation],
    world: World,
    ring: KeyRing,
) -> None:
    segment_id, dataset_id = world.segments[dataset], world.datasets[dataset]
    statement: LiteralString = f"""
        UPDATE membership_block AS block SET {damage} WHERE (shard, level, lead, segment_id) = (
            SELECT shard, level, lead, segment_id FROM membership_block WHERE segment_id = %s
            ORDER BY lead OFFSET 7 LIMIT 1)
        RETURNING shard, level, lead
    """
    (place,) = change(world, statement, [segment_id])
    alone = None if dataset.startswith("small") else dataset_id
    expected = {Finding(what, segment_id, alone, *place) for what in in_block}
    expected |= {Finding(what, segment_id, dataset_id) for what in in_segment}
    assert set(checked(world, ring).findings) == expected


def test_a_block_of_no_segment_is_named_and_missed_where_it_was(world: World, ring: KeyRing) -> None:
    query: LiteralString = """
        UPDATE membership_block SET segment_id = 99 WHERE segment_id = %s AND shard = 3 RETURNING shard, level, lead
    """
    moved = change(world, query, [world.segments["large"]])
    assert set(checked(world, ring).findings) == {
        Finding(Violation.COUNT, world.segments["large"], world.datasets["large"]),
        *(Finding(Violation.SEGMENT_MISSING, 99, None, *place) for place in moved),
    }


def test_a_block_within_another_is_named(world: World, ring: KeyRing) -> None:
    query: LiteralString = """
        INSERT INTO membership_block
        SELECT shard, level + 1, lead, segment_id, merged, substr(keys, 1, 16) FROM membership_block
        WHERE segment_id = %s AND shard = 3 LIMIT 1 RETURNING shard, level, lead
    """
    (place,) = change(world, query, [world.segments["large"]])
    segment_id = world.segments["large"]
    assert set(checked(world, ring).findings) == {
        Finding(Violation.OVERLAP, segment_id, None, *place),
        Finding(Violation.COUNT, segment_id, world.datasets["large"]),
    }


def test_blocks_coarser_than_their_segment_says_are_named(world: World, ring: KeyRing) -> None:
    change(world, "UPDATE membership_segment SET level = level + 1 WHERE id = %s", [world.segments["large"]])
    query: LiteralString = "SELECT shard, level, lead FROM membership_block WHERE segment_id = %s"
    at = (world.segments["large"], world.datasets["large"])
    places = change(world, query, [world.segments["large"]])
    level = min(place[1] for place in places)
    coarse = {Finding(Violation.COARSE, *at, *place) for place in places if place[1] == level}
    assert set(checked(world, ring).findings) == coarse


def test_a_row_that_should_have_been_cut_is_named(world: World, ring: KeyRing) -> None:
    level, lead, segment_id = blocks.SHARD_BITS, 4 << 25, world.segments["large"]
    run = run_of(ring, 20_000)
    run = run[blocks.leads_of(run.keys) >> 25 == 4]
    (row,) = blocks.pack_blocks(run, [blocks.Block(level, lead, 0, len(run))])
    statement: LiteralString = """
        UPDATE membership_segment SET level = %(level)s WHERE id = %(segment)s;
        DELETE FROM membership_block WHERE segment_id = %(segment)s AND shard = 4;
        INSERT INTO membership_block (shard, level, lead, segment_id, merged, keys)
        VALUES (4, %(level)s, %(lead)s, %(segment)s, false, %(keys)s) RETURNING segment_id
    """
    change(world, statement, {"level": level, "lead": lead, "segment": segment_id, "keys": bytes(row.keys)})
    at = (segment_id, world.datasets["large"])
    assert set(checked(world, ring).findings) == {
        Finding(Violation.UNFITTED, *at, 4, level, lead),
        Finding(Violation.COUNT, *at),
    }


def test_record_ids_of_another_number_of_memberships_are_named(world: World, ring: KeyRing) -> None:
    segment_id, dataset_id = world.segments["consented"], world.datasets["consented"]
    ((shard, level, lead),) = change(
        world, "SELECT shard, level, lead FROM membership_block WHERE segment_id = %s LIMIT 1", [segment_id]
    )
    few = blocks.pack_record_ids(np.array(["ref-1"], np.object_))
    resealed = store.encrypt_record_ids(ring, segment_id, BlockColumns(level, lead, b"", None, None, few))
    query: LiteralString = "UPDATE membership_block SET record_ids = %s WHERE segment_id = %s AND lead = %s"
    change(world, query, [resealed, segment_id, lead])
    expected = [Finding(Violation.RECORD_IDS, segment_id, dataset_id, shard, level, lead)]
    assert checked(world, ring).findings == expected


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("keys = substr(keys, 2)", Violation.STAGED_KEYS),
        ("shard = 50", Violation.STAGED_KEYS),
        ("consented_at = substr(consented_at, 2)", Violation.STAGED_COLUMNS),
        ("record_ids = substr(record_ids, 1, 5)", Violation.STAGED_COLUMNS),
    ],
)
def test_a_damaged_staged_run_is_named(damage: LiteralString, what: Violation, world: World, ring: KeyRing) -> None:
    query: LiteralString = f"UPDATE staged_run SET {damage} WHERE dataset_id = %s AND shard = 9 RETURNING shard"
    ((shard,),) = change(world, query, [world.datasets["open"]])
    assert checked(world, ring).findings == [Finding(what, dataset_id=world.datasets["open"], shard=shard)]
