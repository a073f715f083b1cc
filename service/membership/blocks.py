"""Sorted runs of pseudonyms, the blocks that they are cut into, and set arithmetic on sorted keys."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.membership.pseudonym import KEY_BYTES, Keys

SHARD_BITS: Final = 5
SHARDS: Final = 1 << SHARD_BITS
DEEPEST_LEVEL: Final = 30
RECORD_ID_CHARACTERS: Final = 200

# What a PostgreSQL page of 8 KB has for rows, and what a row takes of it beside its bytea columns: line pointer,
# tuple header, shard, level, bucket and dataset. Each column has a length word and its alignment; a sealed one
# also has a nonce and a tag.
_PAGE_BYTES: Final = 8168
_ROW_BYTES: Final = 56
_COLUMN_BYTES: Final = 8
_SEAL_BYTES: Final = 28
# Two rows of this mean size still fit a page when both are a little larger than the mean.
_MEAN_ROW_BYTES: Final = 3900
# Below this the rest of a page is left free: a row so small would cost more than it fills.
_SMALLEST_GAP_BYTES: Final = 640

_TIMES: Final = np.dtype(">u4")
_LENGTHS: Final = np.dtype(">u2")
_NO_RECORD_ID: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Run:
    """Memberships of one dataset: keys, and beside each what the dataset says of it, where it says anything.

    `consented_at` are Unix seconds, 0 where unknown; `record_ids` the collector's consent-record ids, None where unknown.
    """

    keys: Keys
    consented_at: NDArray[np.uint32] | None = None
    record_ids: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: slice | NDArray[np.intp]) -> "Run":
        times = None if self.consented_at is None else self.consented_at[index]
        return Run(self.keys[index], times, None if self.record_ids is None else self.record_ids[index])


class Block(NamedTuple):
    """A run whose keys all begin with the same `level` bits, which are the `bucket`."""

    level: int
    bucket: int
    run: Run


class Overlap(NamedTuple):
    """How many keys two sets have in common, and how many only one of them has."""

    common: int
    left_only: int
    right_only: int


def no_keys() -> Keys:
    """The empty set."""
    return Keys(np.empty(0, np.uint64), np.empty(0, np.uint64))


def sorted_run(
    keys: Keys, consented_at: NDArray[np.uint32] | None = None, record_ids: NDArray[np.object_] | None = None
) -> Run:
    """The memberships in key order; duplicates stay, in the order they came."""
    run = Run(keys, consented_at, record_ids)
    # A radix pass over the leading 16 bits leaves short unsorted stretches, which the second pass, made for almost
    # sorted input, ends quickly: together twice as fast as one sort of random keys.
    roughly = run[np.argsort((keys.hi >> np.uint64(48)).astype(np.uint16), kind="stable")]
    return roughly[_order(roughly.keys)]


def _order(keys: Keys) -> NDArray[np.intp]:
    """The stable order of `keys`, quick where they consist of sorted stretches."""
    order = np.argsort(keys.hi, kind="stable")
    hi, lo = keys.hi[order], keys.lo[order]
    # Distinct pseudonyms agree in 64 bits about once in 2^64 pairs; equal ones do so always and need no reordering.
    if np.any((hi[1:] == hi[:-1]) & (lo[1:] < lo[:-1])):
        return np.lexsort((keys.lo, keys.hi))
    return order


def _repeats(keys: Keys) -> NDArray[np.bool_]:
    """Which of the sorted `keys` equal the one before."""
    repeats = np.zeros(len(keys), np.bool_)
    repeats[1:] = (keys.hi[1:] == keys.hi[:-1]) & (keys.lo[1:] == keys.lo[:-1])
    return repeats


def merge(runs: Sequence[Run]) -> tuple[Run, int]:
    """One run with each key once, and how many duplicates that left out.

    Of duplicates the earliest known consent stays, with the record id that belongs to it. Among equals, one with a
    record id goes first, then the one that came first.
    """
    joined = _joined(runs)
    joined = joined[_order(joined.keys)]
    repeats = _repeats(joined.keys)
    duplicates = int(np.count_nonzero(repeats))
    if not duplicates:
        return joined, 0
    return joined[_earliest(joined, repeats)], duplicates


def _joined(runs: Sequence[Run]) -> Run:
    if not runs:
        return Run(no_keys())
    hi, lo = np.concatenate([run.keys.hi for run in runs]), np.concatenate([run.keys.lo for run in runs])
    times = ids = None
    if any(run.consented_at is not None for run in runs):
        times = np.concatenate([_times_of(run) for run in runs])
    if any(run.record_ids is not None for run in runs):
        ids = np.concatenate([_record_ids_of(run) for run in runs])
    return Run(Keys(hi, lo), times, ids)


def _times_of(run: Run) -> NDArray[np.uint32]:
    return np.zeros(len(run), np.uint32) if run.consented_at is None else run.consented_at


def _record_ids_of(run: Run) -> NDArray[np.object_]:
    return np.full(len(run), None, np.object_) if run.record_ids is None else run.record_ids


def _earliest(run: Run, repeats: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Of each stretch of equal keys in the sorted `run`, the place of the membership that stays."""
    chosen = np.flatnonzero(~repeats)
    stretch = np.cumsum(~repeats) - 1
    several = repeats.copy()
    several[:-1] |= repeats[1:]
    places = np.flatnonzero(several)
    # Counted down by one in 32 bits, the unknown 0 becomes the largest value of all.
    times = _times_of(run)[places] - np.uint32(1)
    unnamed = np.array([name is None for name in _record_ids_of(run)[places]], np.bool_)
    ranked = places[np.lexsort((unnamed, times, stretch[places]))]
    best = ranked[~_equals_previous(stretch[ranked])]
    chosen[stretch[best]] = best
    return chosen


def _equals_previous(values: NDArray[np.intp]) -> NDArray[np.bool_]:
    equal = np.zeros(len(values), np.bool_)
    equal[1:] = values[1:] == values[:-1]
    return equal


def fit_level(count: int, bytes_per_key: float) -> int:
    """The least level at which the mean row of a dataset of `count` numbers stays under half a page."""
    for level in range(SHARD_BITS, DEEPEST_LEVEL):
        if _ROW_BYTES + _COLUMN_BYTES + bytes_per_key * count / (1 << level) <= _MEAN_ROW_BYTES:
            return level
    return DEEPEST_LEVEL


def shard_ranges(keys: Keys) -> Iterator[tuple[int, slice]]:
    """Each shard that the sorted `keys` have any of, and where they are."""
    yield from ((shard, slice(start, end)) for shard, start, end in _buckets(keys.hi, SHARD_BITS))


def _buckets(hi: NDArray[np.uint64], level: int) -> Iterator[tuple[int, int, int]]:
    bucket = hi >> np.uint64(64 - level)
    edges = np.flatnonzero(bucket[1:] != bucket[:-1]) + 1
    starts = [0, *edges.tolist()] if len(hi) else []
    yield from zip(bucket[starts].tolist(), starts, [*starts[1:], len(hi)], strict=True)


def cut(run: Run, level: int) -> Iterator[Block]:
    """The blocks of a sorted run without duplicates, in key order, at `level` or, where that fills pages, deeper.

    A dataset whose rows are a little over a third of a page would leave a third of every page empty. So the writer
    keeps count of the page that PostgreSQL is filling, and halves a block that does not fit in what is left of it.
    """
    row_bytes = _row_bytes(run)
    room = _PAGE_BYTES
    waiting: list[tuple[int, int, int, int]] = []
    for base, first, last in _buckets(run.keys.hi, level):
        waiting.append((level, base, first, last))
        while waiting:
            depth, bucket, start, end = waiting.pop()
            size = row_bytes(start, end)
            if size > room and room < _SMALLEST_GAP_BYTES:
                room = _PAGE_BYTES
            if size > room and depth < DEEPEST_LEVEL:
                waiting += _halves(run.keys.hi, depth, bucket, start, end)
                continue
            room = (room if size <= room else _PAGE_BYTES) - size
            yield Block(depth, bucket, run[start:end])


def _halves(hi: NDArray[np.uint64], level: int, bucket: int, start: int, end: int) -> list[tuple[int, int, int, int]]:
    """The two buckets of the next level, without an empty one; the first comes last, to be taken from the end."""
    middle = start + int(np.searchsorted(hi[start:end], np.uint64((2 * bucket + 1) << (63 - level))))
    halves = [(level + 1, 2 * bucket + 1, middle, end), (level + 1, 2 * bucket, start, middle)]
    return [half for half in halves if half[2] < half[3]]


def _row_bytes(run: Run) -> Callable[[int, int], int]:
    """What a row of the memberships from `start` to `end` takes of a page."""
    overhead, each = _ROW_BYTES + _COLUMN_BYTES, KEY_BYTES
    if run.consented_at is not None:
        overhead, each = overhead + _COLUMN_BYTES, each + _TIMES.itemsize
    if run.record_ids is None:
        return lambda start, end: overhead + each * (end - start)
    overhead, each = overhead + _COLUMN_BYTES + _SEAL_BYTES, each + _LENGTHS.itemsize
    lengths = [0 if name is None else len(name.encode()) for name in run.record_ids]
    before = [0, *np.cumsum(lengths).tolist()]
    return lambda start, end: overhead + each * (end - start) + before[end] - before[start]


def pack_times(consented_at: NDArray[np.uint32]) -> bytes:
    """Unix seconds as 4 bytes each, big-endian."""
    return consented_at.astype(_TIMES).tobytes()


def unpack_times(data: bytes) -> NDArray[np.uint32]:
    """The inverse of `pack_times`."""
    return np.frombuffer(data, _TIMES).astype(np.uint32)


def pack_record_ids(record_ids: NDArray[np.object_]) -> bytes:
    """A length of 2 bytes for each id (all ones for none), then their UTF-8 text. Raises ValueError if one is too long."""
    texts = [None if name is None else name.encode() for name in record_ids]
    if any(name is not None and len(name) > RECORD_ID_CHARACTERS for name in record_ids):
        raise ValueError(f"a consent record id has at most {RECORD_ID_CHARACTERS} characters")
    lengths = np.array([_NO_RECORD_ID if text is None else len(text) for text in texts], _LENGTHS)
    return lengths.tobytes() + b"".join(text for text in texts if text is not None)


def unpack_record_ids(data: bytes, count: int) -> NDArray[np.object_]:
    """The inverse of `pack_record_ids` for `count` ids."""
    lengths = np.frombuffer(data, _LENGTHS, count).tolist()
    record_ids = np.full(count, None, np.object_)
    at = count * _LENGTHS.itemsize
    for place, length in enumerate(lengths):
        if length != _NO_RECORD_ID:
            record_ids[place] = data[at : at + length].decode()
            at += length
    return record_ids


def union(sets: Sequence[Keys]) -> Keys:
    """The sorted keys of all `sets`, each once."""
    run, _ = merge([Run(keys) for keys in sets])
    return run.keys


def isin_sorted(keys: Keys, others: Keys) -> NDArray[np.bool_]:
    """Which of `keys` are among `others`; both sorted and without duplicates."""
    if len(keys) <= len(others):
        return _places(keys, others) >= 0
    found = np.zeros(len(keys), np.bool_)
    places = _places(others, keys)
    found[places[places >= 0]] = True
    return found


def intersect(left: Keys, right: Keys) -> Overlap:
    """How two sorted sets overlap."""
    common = int(np.count_nonzero(isin_sorted(left, right)))
    return Overlap(common, len(left) - common, len(right) - common)


def _places(needles: Keys, haystack: Keys) -> NDArray[np.intp]:
    """Where each needle is in the sorted haystack, -1 where it is not."""
    found = np.full(len(needles), -1, np.intp)
    places = np.searchsorted(haystack.hi, needles.hi)
    # One round, unless distinct keys agree in their leading halves: then the search goes on one place further.
    pending = np.flatnonzero(places < len(haystack))
    while len(pending):
        pending = pending[haystack.hi[places[pending]] == needles.hi[pending]]
        equal = haystack.lo[places[pending]] == needles.lo[pending]
        found[pending[equal]] = places[pending[equal]]
        pending = pending[~equal]
        places[pending] += 1
        pending = pending[places[pending] < len(haystack)]
    return found
