"""Every kind of damage to a block of a real database is found as that violation, in that place, and as nothing else."""

from collections.abc import Iterator
from typing import LiteralString

import numpy as np
import pytest

from service.membership import blocks, encryption
from service.membership.blocks import BlockColumns
from service.membership.fsck.check import Report, check
from service.membership.fsck.report import Finding, Violation
from service.number.keyring import KeyRing
from tests.membership.builders import consecutive_run
from tests.membership.sample_database import (
    Sample,
    case_name,
    check_sample,
    execute,
    restored_afterwards,
    sample_database,
)


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


def test_check_undamaged_database_finds_nothing_and_counts_everything(sample: Sample, ring: KeyRing) -> None:
    sizes: LiteralString = """
        SELECT count(*), sum(octet_length(keys) + coalesce(octet_length(holders), 0)
                           + coalesce(octet_length(consented_at), 0) + coalesce(octet_length(record_ids), 0)),
               sum(octet_length(keys)) FILTER (WHERE segment_id = %s) / 16, (SELECT count(*) FROM staged_run)
        FROM membership_block
    """
    ((rows, size, loading, staged_runs),) = execute(sample, sizes, [sample.segments["sealing"]])
    seen: list[tuple[int, int]] = []
    report = check(sample.dsn, ring, lambda rows, total: seen.append((rows, total)))
    assert report == Report([], rows, 3 * 400 + 9000 + 2000 + loading, size)
    assert sum(step for step, _ in seen) == rows + staged_runs
    assert {total for _, total in seen} == {rows + staged_runs}


# A dataset, the damage done to a block in the middle of its segment, and the violations in that block and segment.
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
    ("consented", "record_ids = (SELECT record_ids FROM membership_block AS other"
     " WHERE other.segment_id = block.segment_id AND other.lead < block.lead"
     " ORDER BY record_ids DESC NULLS LAST LIMIT 1)",
     {Violation.RECORD_IDS_ENCRYPTION}, set()),
    ("large", "keys = substr(keys, 17, 16) || substr(keys, 1, 16) || substr(keys, 33)", {Violation.ORDER}, set()),
    ("large", "keys = substr(keys, 17, 16) || substr(keys, 17)", {Violation.ORDER}, {Violation.DIGEST}),
    ("large", "keys = overlay(keys PLACING (SELECT substr(keys, 1, 16) FROM membership_block AS other"
     " WHERE other.segment_id = block.segment_id AND other.lead > block.lead ORDER BY keys LIMIT 1)"
     " FROM octet_length(keys) - 15)",
     {Violation.RANGE}, {Violation.DIGEST}),
    ("large", "keys = set_byte(keys, 15, get_byte(keys, 15) # 1)", {Violation.PSEUDONYMS}, {Violation.DIGEST}),
    ("large", "keys = substr(keys, 17)", set(), {Violation.COUNT}),
]  # fmt: skip


@pytest.mark.parametrize(("dataset", "damage", "in_block", "in_segment"), AT_BLOCKS, ids=case_name)
def test_check_damaged_block_finds_that_violation_there(
    dataset: str,
    damage: LiteralString,
    in_block: set[Violation],
    in_segment: set[Violation],
    sample: Sample,
    ring: KeyRing,
) -> None:
    segment_id, dataset_id = sample.segments[dataset], sample.datasets[dataset]
    statement: LiteralString = f"""
        UPDATE membership_block AS block SET {damage} WHERE (shard, level, lead, segment_id) = (
            SELECT shard, level, lead, segment_id FROM membership_block WHERE segment_id = %s
            ORDER BY lead OFFSET 7 LIMIT 1)
        RETURNING shard, level, lead
    """
    (place,) = execute(sample, statement, [segment_id])
    only_dataset = None if dataset.startswith("small") else dataset_id
    expected = {Finding(kind, segment_id, only_dataset, *place) for kind in in_block}
    expected |= {Finding(kind, segment_id, dataset_id) for kind in in_segment}
    assert set(check_sample(sample, ring).findings) == expected


def test_check_block_of_a_missing_segment_finds_it_and_the_missing_memberships(sample: Sample, ring: KeyRing) -> None:
    query: LiteralString = """
        UPDATE membership_block SET segment_id = 99 WHERE segment_id = %s AND shard = 3 RETURNING shard, level, lead
    """
    moved = execute(sample, query, [sample.segments["large"]])
    assert set(check_sample(sample, ring).findings) == {
        Finding(Violation.COUNT, sample.segments["large"], sample.datasets["large"]),
        *(Finding(Violation.SEGMENT_MISSING, 99, None, *place) for place in moved),
    }


def test_check_block_within_another_finds_the_overlap(sample: Sample, ring: KeyRing) -> None:
    query: LiteralString = """
        INSERT INTO membership_block
        SELECT shard, level + 1, lead, segment_id, merged, substr(keys, 1, 16) FROM membership_block
        WHERE segment_id = %s AND shard = 3 LIMIT 1 RETURNING shard, level, lead
    """
    (place,) = execute(sample, query, [sample.segments["large"]])
    segment_id = sample.segments["large"]
    assert set(check_sample(sample, ring).findings) == {
        Finding(Violation.OVERLAP, segment_id, None, *place),
        Finding(Violation.COUNT, segment_id, sample.datasets["large"]),
    }


def test_check_blocks_coarser_than_their_segment_finds_each(sample: Sample, ring: KeyRing) -> None:
    execute(sample, "UPDATE membership_segment SET level = level + 1 WHERE id = %s", [sample.segments["large"]])
    query: LiteralString = "SELECT shard, level, lead FROM membership_block WHERE segment_id = %s"
    at = (sample.segments["large"], sample.datasets["large"])
    places = execute(sample, query, [sample.segments["large"]])
    level = min(place[1] for place in places)
    coarse = {Finding(Violation.COARSE, *at, *place) for place in places if place[1] == level}
    assert set(check_sample(sample, ring).findings) == coarse


def test_check_row_that_should_have_been_divided_finds_it(sample: Sample, ring: KeyRing) -> None:
    level, lead, segment_id = blocks.SHARD_BITS, 4 << 25, sample.segments["large"]
    run = consecutive_run(ring, 20_000)
    run = run[blocks.leads_of(run.keys) >> 25 == 4]
    (row,) = blocks.pack_blocks(run, [blocks.Block(level, lead, 0, len(run))])
    statement: LiteralString = """
        UPDATE membership_segment SET level = %(level)s WHERE id = %(segment)s;
        DELETE FROM membership_block WHERE segment_id = %(segment)s AND shard = 4;
        INSERT INTO membership_block (shard, level, lead, segment_id, merged, keys)
        VALUES (4, %(level)s, %(lead)s, %(segment)s, false, %(keys)s) RETURNING segment_id
    """
    execute(sample, statement, {"level": level, "lead": lead, "segment": segment_id, "keys": bytes(row.keys)})
    at = (segment_id, sample.datasets["large"])
    assert set(check_sample(sample, ring).findings) == {
        Finding(Violation.UNFITTED, *at, 4, level, lead),
        Finding(Violation.COUNT, *at),
    }


def test_check_wrong_number_of_record_ids_finds_them_malformed(sample: Sample, ring: KeyRing) -> None:
    segment_id, dataset_id = sample.segments["consented"], sample.datasets["consented"]
    ((shard, level, lead),) = execute(
        sample, "SELECT shard, level, lead FROM membership_block WHERE segment_id = %s LIMIT 1", [segment_id]
    )
    few = blocks.pack_record_ids(np.array(["ref-1"], np.object_))
    encrypted = encryption.encrypt_record_ids(ring, segment_id, BlockColumns(level, lead, b"", None, None, few))
    query: LiteralString = "UPDATE membership_block SET record_ids = %s WHERE segment_id = %s AND lead = %s"
    execute(sample, query, [encrypted, segment_id, lead])
    expected = [Finding(Violation.RECORD_IDS, segment_id, dataset_id, shard, level, lead)]
    assert check_sample(sample, ring).findings == expected


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("content = substr(content, 2)", Violation.STAGED_RUN),
        ("shard = 50", Violation.STAGED_RUN),
        ("upload = upload + 1", Violation.STAGED_RUN),
        ("number_count = number_count + 1", Violation.STAGED_RUN),
    ],
    ids=case_name,
)
def test_check_damaged_staged_run_finds_that_violation(
    damage: LiteralString, kind: Violation, sample: Sample, ring: KeyRing
) -> None:
    query: LiteralString = f"UPDATE staged_run SET {damage} WHERE dataset_id = %s AND shard = 9 RETURNING shard"
    ((shard,),) = execute(sample, query, [sample.datasets["open"]])
    assert check_sample(sample, ring).findings == [Finding(kind, dataset_id=sample.datasets["open"], shard=shard)]
