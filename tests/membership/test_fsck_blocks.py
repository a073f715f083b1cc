"""The violations found in a block, compared with the rules in plain Python."""

import uuid
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.membership import blocks, encryption, runs
from service.membership.blocks import BlockColumns
from service.membership.fsck.block_checks import (
    CatalogueMember,
    CatalogueSegment,
    are_record_ids,
    block_violations,
    key_violations,
    staged_run_violations,
)
from service.membership.fsck.report import Violation
from service.membership.runs import Run
from service.number.keyring import KeyRing, Keys, unpack_keys

SHARD, LEVEL, LEAD = 3, 8, 3 << 25
RING = KeyRing(bytes(32))


def segment(places: int) -> CatalogueSegment:
    members = {place: CatalogueMember(uuid.UUID(int=place), 0, bytes(16)) for place in range(places)}
    return CatalogueSegment(1, "live", 5, None, None, members)


def shorts(values: list[int]) -> bytes:
    return np.array(values, ">u2").tobytes()


halves = st.integers(0, 2**64 - 1)
memberships = st.sets(st.tuples(halves, halves, st.integers(0, 2)), min_size=1, max_size=60)


@given(memberships, st.booleans(), st.booleans(), st.integers(5, 30))
def test_block_violations_of_packed_blocks_are_none(
    rows: set[tuple[int, int, int]], several: bool, dated: bool, level: int
) -> None:
    chosen = sorted(rows if several else {row[:2]: row for row in rows}.values())
    run = Run(
        Keys(np.array([row[0] for row in chosen], np.uint64), np.array([row[1] for row in chosen], np.uint64)),
        np.arange(len(chosen), dtype=np.uint32) if dated else None,
        None,
        np.array([row[2] for row in chosen], np.uint16) if several else None,
    )
    packed = list(blocks.pack_blocks(run, blocks.cut_blocks(run, level)))
    for row in encryption.encrypt_blocks(RING, [1] * len(packed), packed):
        assert block_violations(blocks.shard_of(row.lead), several, row, segment(3 if several else 1)) == []
    keys = runs.union([run.keys])
    assert list(key_violations([row._replace(holders=None, consented_at=None) for row in packed], keys)) == []


@given(st.lists(st.integers(0, 5), max_size=4), st.lists(st.integers(0, 4), max_size=6))
def test_block_violations_of_holders_are_none_if_each_key_has_ascending_ones(
    starts: list[int], holders: list[int]
) -> None:
    keys = max(len(starts), 1)
    row = BlockColumns(LEVEL, LEAD, bytes(blocks.key_bytes(LEVEL) * keys), shorts(starts + holders), None, None)
    everything = starts + holders
    starts, holders = everything[:keys], everything[keys:]
    of_keys = [holders[begin:end] for begin, end in pairwise([*starts, len(holders)])]
    sound = (
        starts[:1] == [0]
        and sorted(starts) == starts
        and all(of_keys)
        and all(left < right for of_key in of_keys for left, right in pairwise(of_key))
        and max(holders, default=9) < 3
    )
    assert (block_violations(SHARD, True, row, segment(3)) == []) == sound


@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=4), st.binary(min_size=1, max_size=2))
def test_are_record_ids_accepts_exactly_as_many_as_there_are_memberships(names: list[str | None], tail: bytes) -> None:
    array = np.full(len(names), None, np.object_)
    array[:] = names
    packed = blocks.pack_record_ids(array)
    assert are_record_ids(packed, len(names))
    assert not are_record_ids(packed + tail, len(names))
    assert not are_record_ids(packed[:-1], len(names))


def test_are_record_ids_refuses_text_cut_within_a_character() -> None:
    assert are_record_ids((shorts([2]) + "é".encode()).ljust(128, b"\0"), 1)
    assert not are_record_ids((shorts([1, 1]) + "é".encode()).ljust(128, b"\0"), 2)
    assert not are_record_ids((shorts([201]) + b"a" * 201).ljust(256, b"\0"), 1)


def test_block_violations_of_a_row_larger_than_a_page_are_none_if_it_cannot_be_divided() -> None:
    deepest = LEAD | 1
    for level, lead, flaws in ((LEVEL, LEAD, [Violation.UNFITTED]), (30, deepest, [])):
        keys = bytes(blocks.key_bytes(level))
        listed = shorts([0, *range(4200)])
        assert (
            block_violations(SHARD, True, BlockColumns(level, lead, keys, listed, None, None), segment(4200)) == flaws
        )
        assert (
            block_violations(SHARD, True, BlockColumns(level, lead, keys, listed[:-600], None, None), segment(4200))
            == []
        )


def test_staged_run_violations_of_incomplete_or_misplaced_runs_are_found() -> None:
    low, high = bytes([SHARD << 3]) + bytes(15), bytes([SHARD << 3]) + bytes(14) + b"\1"
    dataset_id, place = uuid.UUID(int=7), (SHARD, 4, 0)
    times = np.array([1, 2, 3], np.uint32)
    for keys, count, column, found in (
        (high + low + low, 3, None, []),
        (high + low + low, 3, times, []),
        (low + high, 3, None, [Violation.STAGED_RUN]),
        (low + high, 2, times, [Violation.STAGED_RUN]),
        (low + bytes(16), 2, None, [Violation.STAGED_RUN]),
        (b"", 0, None, [Violation.STAGED_RUN]),
    ):
        content = encryption.encrypt_staged(RING, dataset_id, place, Run(unpack_keys(keys), column))
        assert staged_run_violations(RING, dataset_id, place, count, content) == found, (keys, count)
        assert staged_run_violations(RING, dataset_id, (SHARD, 4, 1), count, content) == [Violation.STAGED_RUN]
