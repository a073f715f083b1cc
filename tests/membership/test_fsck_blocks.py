"""The violations found in a block, compared with the rules in plain Python."""

import uuid
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.membership import blocks, runs
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
from service.number.keyring import Keys

SHARD, LEVEL, LEAD = 3, 8, 3 << 25


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
    for row in packed:
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
    assert are_record_ids(shorts([2]) + "é".encode(), 1)
    assert not are_record_ids(shorts([1, 1]) + "é".encode(), 2)
    assert not are_record_ids(shorts([201]) + b"a" * 201, 1)


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


def test_staged_run_violations_of_incomplete_or_misplaced_keys_are_found() -> None:
    low, high = bytes([SHARD << 3]) + bytes(15), bytes([SHARD << 3]) + bytes(14) + b"\1"
    assert staged_run_violations(SHARD, high + low + low, None, None) == []
    assert staged_run_violations(SHARD + 1, low + high, None, None) == [Violation.STAGED_KEYS]
    assert staged_run_violations(SHARD, low[:-1], None, None) == [Violation.STAGED_KEYS]
    assert staged_run_violations(SHARD, b"", None, None) == [Violation.STAGED_KEYS]
    assert staged_run_violations(SHARD, low, bytes(4), bytes(30)) == []
    assert staged_run_violations(SHARD, low, bytes(5), None) == [Violation.STAGED_COLUMNS]
    assert staged_run_violations(SHARD, low + high, bytes(8), bytes(3)) == [Violation.STAGED_COLUMNS]
