"""Runs and blocks: sorting, cutting, packing and set operations, compared with plain Python."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.membership import blocks, runs
from service.membership.runs import Run
from service.number.keyring import Keys, pack_keys

# (hi, lo, consented_at, record id). Few halves, so that keys repeat and distinct ones agree in a half.
Membership = tuple[int, int, int, str | None]
PAGE = 8192

halves = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**59, 2**63, 2**64 - 1])
times = st.sampled_from([0, 0, 1, 1_700_000_000, 2**32 - 1])
record_ids = st.none() | st.text(st.characters(codec="utf-8"), max_size=200)
memberships = st.lists(st.tuples(halves, halves, times, record_ids), max_size=40)
key_sets = st.sets(st.tuples(halves, halves), max_size=40)


def keys_of(pairs: Sequence[tuple[int, int]]) -> Keys:
    return Keys(np.array([hi for hi, _ in pairs], np.uint64), np.array([lo for _, lo in pairs], np.uint64))


def set_of(pairs: set[tuple[int, int]]) -> Keys:
    return keys_of(sorted(pairs))


def pairs_of(keys: Keys) -> list[tuple[int, int]]:
    return list(zip(keys.hi.tolist(), keys.lo.tolist(), strict=True))


def run_of(rows: Sequence[Membership]) -> Run:
    names = np.full(len(rows), None, np.object_)
    names[:] = [row[3] for row in rows]
    return runs.sorted_run(keys_of([row[:2] for row in rows]), np.array([row[2] for row in rows], np.uint32), names)


def rows_of(run: Run) -> list[Membership]:
    assert run.consented_at is not None
    assert run.record_ids is not None
    return [
        (hi, lo, time, name)
        for (hi, lo), time, name in zip(pairs_of(run.keys), run.consented_at.tolist(), run.record_ids, strict=True)
    ]


def earliest(rows: Sequence[Membership]) -> list[Membership]:
    """The rule in plain Python: known before unknown, early before late, with a record id before without, first."""
    best: dict[tuple[int, int], Membership] = {}
    for row in rows:
        kept = best.setdefault(row[:2], row)
        if (row[2] == 0, row[2], row[3] is None) < (kept[2] == 0, kept[2], kept[3] is None):
            best[row[:2]] = row
    return sorted(best.values(), key=lambda row: row[:2])


def random_run(count: int, seed: int = 1) -> Run:
    random = np.random.default_rng(seed)
    keys = random.integers(0, 2**64, (2, count), np.uint64)
    return runs.sorted_run(Keys(keys[0], keys[1]))


@given(memberships)
def test_sorted_run_orders_rows_by_key_and_keeps_the_order_of_equal_keys(rows: list[Membership]) -> None:
    assert rows_of(run_of(rows)) == sorted(rows, key=lambda row: row[:2])


@given(st.lists(memberships, max_size=4))
def test_merge_keeps_each_key_once_with_its_earliest_known_consent(parts: list[list[Membership]]) -> None:
    everything = [row for rows in parts for row in rows]
    run, duplicates = runs.merge([run_of(rows) for rows in parts])
    expected = earliest(everything)
    assert pairs_of(run.keys) == [row[:2] for row in expected]
    assert duplicates == len(everything) - len(expected)
    if parts:
        assert rows_of(run) == expected


def test_merge_runs_with_and_without_consents_keeps_the_known_consent() -> None:
    key = keys_of([(5, 5)])
    dated = runs.sorted_run(key, np.array([9], np.uint32))
    named = runs.sorted_run(key, None, np.array(["A-1"], np.object_))
    run, duplicates = runs.merge([named, dated, runs.sorted_run(key)])
    assert rows_of(run) == [(5, 5, 9, None)]
    assert duplicates == 2


def test_merge_runs_without_columns_adds_none() -> None:
    run, duplicates = runs.merge([runs.sorted_run(keys_of([(1, 1), (1, 1), (0, 3)]))])
    assert pairs_of(run.keys) == [(0, 3), (1, 1)]
    assert (duplicates, run.consented_at, run.record_ids) == (1, None, None)


@given(memberships, st.integers(blocks.SHARD_BITS, 12))
def test_cut_blocks_leaves_no_gap_and_puts_each_key_in_its_range(rows: list[Membership], level: int) -> None:
    run, _ = runs.merge([run_of(rows)])
    cut = list(blocks.cut_blocks(run, level))
    edges = [0, *(block.end for block in cut)]
    assert edges == [block.start for block in cut] + [len(run)]
    for block in cut:
        assert level <= block.level <= blocks.DEEPEST_LEVEL
        leading = {hi >> (64 - block.level) for hi in run.keys.hi[block.start : block.end].tolist()}
        assert leading == {block.lead >> (30 - block.level)}


@given(memberships)
def test_page_pieces_divide_a_run_completely_by_shard(rows: list[Membership]) -> None:
    names = np.full(len(rows), None, np.object_)
    names[:] = [row[3] for row in rows]
    came = Run(keys_of([row[:2] for row in rows]), np.array([row[2] for row in rows], np.uint32), names)
    together = blocks.group_by_shard(came)
    apart = [(shard, number, together[start:end]) for shard, number, start, end in blocks.page_pieces(together)]
    assert [row for _, _, piece in apart for row in rows_of(piece)] == sorted(rows, key=lambda row: row[0] >> 56)
    assert all({hi >> 59 for hi in piece.keys.hi.tolist()} == {shard} for shard, _, piece in apart)
    assert len({(shard, number) for shard, number, _ in apart}) == len(apart)
    assert {shard for shard, _, _ in apart} == {row[0] >> 59 for row in rows}


def test_page_pieces_fit_in_a_page() -> None:
    for run in (random_run(9_000), Run(random_run(9_000).keys, np.ones(9_000, np.uint32))):
        key_bytes = 16 if run.consented_at is None else 20
        sizes = [(piece.end - piece.start) * key_bytes for piece in blocks.page_pieces(run)]
        assert sum(sizes) == len(run) * key_bytes
        assert max(sizes) <= 7900


@given(st.integers(1, 60_000), st.integers(0, 200))
def test_cut_blocks_with_long_record_ids_makes_no_row_larger_than_a_page(count: int, characters: int) -> None:
    run = random_run(min(count, 3_000))
    names = np.full(len(run), "é" * characters, np.object_)
    run = Run(run.keys, np.ones(len(run), np.uint32), names)
    for block in blocks.cut_blocks(run, blocks.SHARD_BITS):
        size = block.end - block.start
        assert size * (blocks.key_bytes(block.level) + 4 + 2 + 2 * characters) + 100 <= PAGE


@given(st.integers(0, 10**9), st.floats(0, 830))
def test_fit_level_is_the_smallest_whose_mean_row_fits_in_a_page(count: int, other_bytes: float) -> None:
    level = blocks.fit_level(count, other_bytes)

    def mean_row(at: int) -> float:
        return count * (blocks.key_bytes(at) + other_bytes) / (1 << at)

    assert blocks.SHARD_BITS <= level <= blocks.DEEPEST_LEVEL
    assert level == blocks.DEEPEST_LEVEL or mean_row(level) <= 7800
    assert level == blocks.SHARD_BITS or mean_row(level - 1) > 7800 - 100


@given(memberships)
def test_unpack_packed_columns_returns_them_unchanged(rows: list[Membership]) -> None:
    run = run_of(rows)
    assert run.consented_at is not None
    assert run.record_ids is not None
    assert blocks.unpack_times(blocks.pack_times(run.consented_at)).tolist() == run.consented_at.tolist()
    packed = blocks.pack_record_ids(run.record_ids)
    assert blocks.unpack_record_ids(packed, len(run)).tolist() == run.record_ids.tolist()
    one_by_one = [blocks.record_id_at(packed, len(run), place) for place in range(len(run))]
    assert one_by_one == run.record_ids.tolist()
    assert len(pack_keys(run.keys)) == 16 * len(run)


def test_pack_record_ids_too_long_is_refused_without_repeating_it() -> None:
    blocks.pack_record_ids(np.array(["é" * 200], np.object_))
    with pytest.raises(ValueError, match="at most 200 characters") as caught:
        blocks.pack_record_ids(np.array(["short", "x" * 201], np.object_))
    assert "xx" not in str(caught.value)


@given(key_sets, key_sets)
def test_set_operations_agree_with_python_sets(left: set[tuple[int, int]], right: set[tuple[int, int]]) -> None:
    mask = runs.isin_sorted(set_of(left), set_of(right))
    assert mask.tolist() == [pair in right for pair in sorted(left)]
    assert pairs_of(runs.union([set_of(left), set_of(right)])) == sorted(left | right)


@given(key_sets, memberships)
def test_matching_places_are_all_equal_keys(wanted: set[tuple[int, int]], rows: list[Membership]) -> None:
    keys, stored = set_of(wanted), run_of(rows).keys
    places, entries = runs.matching_places(keys, stored)
    expected = [
        (place, entry)
        for place, key in enumerate(pairs_of(keys))
        for entry, found in enumerate(pairs_of(stored))
        if key == found
    ]
    assert sorted(zip(places.tolist(), entries.tolist(), strict=True)) == expected


def test_no_blocks_unpack_to_an_empty_run() -> None:
    """Whatever a shard, a part or a segment lacks: no key, no holder, no column."""
    nothing = blocks.JoinedBlocks([], [], [], b"")
    for joined in (nothing, nothing._replace(holder_lengths=[], holders=b"")):
        keys, counts, holders = blocks.unpack_joined(joined)
        assert (len(keys), len(counts), 0 if holders is None else len(holders)) == (0, 0, 0)
    assert [len(part) for part in blocks.unpack_blocks([])] == [0, 0]
    for run in (Run(runs.no_keys()), run_of([]), Run(runs.no_keys(), holders=np.empty(0, np.uint16))):
        cut = list(blocks.cut_blocks(run, blocks.SHARD_BITS))
        assert (cut, list(blocks.pack_blocks(run, cut)), list(blocks.page_pieces(run))) == ([], [], [])
        assert [len(made) for made in (runs.interleave([run, run]), runs.merge([run])[0])] == [0, 0]
        assert runs.digests(run, 3) == [runs.Digest()] * 3
        assert [len(runs.isin_sorted(run.keys, others)) for others in (run.keys, keys_of([(1, 1)]))] == [0, 0]
        assert [len(part) for part in runs.matching_places(run.keys, keys_of([(1, 1)]))] == [0, 0]
        assert [len(part) for part in runs.matching_places(keys_of([(1, 1)]), run.keys)] == [0, 0]


def test_union_of_nothing_is_empty() -> None:
    assert len(runs.union([])) == 0


several = st.lists(st.tuples(halves, halves, times, record_ids, st.integers(0, 3)), max_size=40)


def interleaved(rows: Sequence[tuple[int, int, int, str | None, int]]) -> Run:
    """A run of four datasets, in which each has a key at most once."""
    parts = []
    for holder in range(4):
        run, _ = runs.merge([run_of([row[:4] for row in rows if row[4] == holder])])
        parts.append(Run(run.keys, run.consented_at, run.record_ids, np.full(len(run), holder, np.uint16)))
    return runs.interleave(parts)


def listed(run: Run) -> list[tuple[Any, ...]]:
    columns = (run.consented_at, run.record_ids, run.holders)
    return [
        (*pair, *(None if column is None else column[place] for column in columns))
        for place, pair in enumerate(pairs_of(run.keys))
    ]


@given(several, st.integers(blocks.SHARD_BITS, 26), st.booleans(), st.booleans(), st.booleans())
def test_unpack_packed_blocks_returns_the_run(
    rows: list[tuple[int, int, int, str | None, int]], level: int, dated: bool, named: bool, shared: bool
) -> None:
    run = interleaved(rows)
    times, names = run.consented_at if dated else None, run.record_ids if named else None
    run = Run(run.keys, times, names, run.holders if shared else None)
    if not shared:
        run, _ = runs.merge([run])
    cut = list(blocks.cut_blocks(run, level))
    columns = list(blocks.pack_blocks(run, cut))
    assert all(len(row.keys) % blocks.key_bytes(row.level) == 0 for row in columns)
    if columns:
        found, counts = blocks.unpack_blocks(columns)
        assert listed(found) == listed(run)
        assert counts.tolist() == [block.end - block.start for block in cut]


@given(several)
def test_digest_ignores_order_and_changes_with_any_key_or_time(
    rows: list[tuple[int, int, int, str | None, int]],
) -> None:
    run = interleaved(rows)
    digests = runs.digests(run, 4)
    assert run.holders is not None
    for holder in range(4):
        alone = run[run.holders == holder]
        assert digests[holder] == runs.digest(alone)
        assert runs.digest(alone) - runs.digest(alone[:1]) == runs.digest(alone[1:])
        assert runs.digest(alone[:1]) + runs.digest(alone[1:]) == runs.digest(alone)
        assert alone.consented_at is not None
        for place in range(min(len(alone), 3)):
            other = alone.consented_at.copy()
            other[place] ^= 1
            assert runs.digest(Run(alone.keys, other)) != digests[holder]
