"""Sorted runs of pseudonyms, the blocks that they are cut into, and set arithmetic on sorted keys."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.membership.pseudonym import KEY_BYTES, Keys

SHARD_BITS: Final = 5
SHARDS: Final = 1 << SHARD_BITS
DEEPEST_LEVEL: Final = 30
RECORD_ID_CHARACTERS: Final = 200

# What a PostgreSQL page of 8 KB has for rows, and what a row takes of it beside its bytea columns: line
# pointer, tuple header, shard, level, bucket and dataset. Each column has a length word and its alignment; a
# sealed one also has a nonce and a tag.
_PAGE_BYTES: Final = 8168
_ROW_BYTES: Final = 56
_COLUMN_BYTES: Final = 8
_SEAL_BYTES: Final = 28
# Two rows of this mean size still fit a page when both are a little larger than the mean.
_MEAN_ROW_BYTES: Final = 3900
# Below this the rest of a page is left free: a row so small would cost more than it fills.
_SMALLEST_GAP_BYTES: Final = 640

_TIMES: Final = np.dtype(">u4")
TIME_BYTES: Final = _TIMES.itemsize
_LENGTHS: Final = np.dtype(">u2")
_NO_RECORD_ID: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Run:
    """Memberships of one dataset: keys, and beside each what the dataset says of it, where it says anything.

    `consented_at` are Unix seconds, 0 where unknown; `record_ids` the collector's consent-record ids, None
    where unknown.
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
    """The places `start` to `end` of a sorted run: its keys that begin with the `level` bits of `bucket`."""

    level: int
    bucket: int
    start: int
    end: int


def no_keys() -> Keys:
    """The empty set."""
    return Keys(np.empty(0, np.uint64), np.empty(0, np.uint64))


def sorted_run(
    keys: Keys, consented_at: NDArray[np.uint32] | None = None, record_ids: NDArray[np.object_] | None = None
) -> Run:
    """The memberships in key order; duplicates stay, in the order they came."""
    run = Run(keys, consented_at, record_ids)
    # A radix pass over the leading 16 bits leaves short unsorted stretches, which the second pass, made for
    # almost sorted input, ends quickly: together twice as fast as one sort of random keys.
    roughly = run[np.argsort((keys.hi >> np.uint64(48)).astype(np.uint16), kind="stable")]
    return roughly[_order(roughly.keys)]


def _order(keys: Keys) -> NDArray[np.intp]:
    """The stable order of `keys`, quick where they consist of sorted stretches."""
    order = np.argsort(keys.hi, kind="stable")
    hi, lo = keys.hi[order], keys.lo[order]
    # Equal keys are in order already. Distinct ones agree in their leading half once in 2^64 pairs.
    if np.any((hi[1:] == hi[:-1]) & (lo[1:] < lo[:-1])):
        return np.lexsort((keys.lo, keys.hi))
    return order


def _equals_previous(values: NDArray[Any]) -> NDArray[np.bool_]:
    equal = np.zeros(len(values), np.bool_)
    equal[1:] = values[1:] == values[:-1]
    return equal


def merge(runs: Sequence[Run]) -> tuple[Run, int]:
    """One run with each key once, and how many duplicates that left out.

    Of duplicates the earliest known consent stays, with the record id that belongs to it. Among equals, one
    with a record id goes first, then the one that came first.
    """
    joined = _joined(runs)
    joined = joined[_order(joined.keys)]
    repeats = _equals_previous(joined.keys.hi) & _equals_previous(joined.keys.lo)
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


def fit_level(count: int, bytes_per_key: float) -> int:
    """The least level at which the mean row of a dataset of `count` numbers stays under half a page."""
    for level in range(SHARD_BITS, DEEPEST_LEVEL):
        if _ROW_BYTES + _COLUMN_BYTES + bytes_per_key * count / (1 << level) <= _MEAN_ROW_BYTES:
            return level
    return DEEPEST_LEVEL


def shards(run: Run) -> Iterator[tuple[int, Run]]:
    """The part of a sorted run in each shard that it has any of."""
    yield from ((shard, run[start:end]) for _, shard, start, end in _buckets(run.keys.hi, SHARD_BITS))


def _buckets(hi: NDArray[np.uint64], level: int) -> Iterator[Block]:
    bucket = hi >> np.uint64(64 - level)
    starts = np.flatnonzero(~_equals_previous(bucket))
    ends = np.append(starts[1:], len(hi))
    yield from map(Block, repeat(level), bucket[starts].tolist(), starts.tolist(), ends.tolist())


def cut(run: Run, level: int) -> Iterator[Block]:
    """The blocks of a sorted run without duplicates, in key order: at `level`, or deeper to fill pages.

    Rows a little over a third of a page would leave a third of every page empty. So this keeps count of the
    page that PostgreSQL is filling, and halves a block that does not fit in what is left of it.
    """
    row_bytes = _row_bytes(run)
    room = _PAGE_BYTES
    for whole in _buckets(run.keys.hi, level):
        waiting = [whole]
        while waiting:
            block = waiting.pop()
            size = row_bytes(block)
            if size > room and room < _SMALLEST_GAP_BYTES:
                room = _PAGE_BYTES
            if size > room and block.level < DEEPEST_LEVEL:
                waiting += reversed(_halves(run.keys.hi, block))
                continue
            room = (room if size <= room else _PAGE_BYTES) - size
            yield block


def _halves(hi: NDArray[np.uint64], block: Block) -> list[Block]:
    """The one or two blocks of the next level that `block` consists of."""
    level, bucket, start, end = block
    middle = start + int(np.searchsorted(hi[start:end], np.uint64((2 * bucket + 1) << (63 - level))))
    halves = Block(level + 1, 2 * bucket, start, middle), Block(level + 1, 2 * bucket + 1, middle, end)
    return [half for half in halves if half.start < half.end]


def _row_bytes(run: Run) -> Callable[[Block], int]:
    """What the row of a block takes of a page."""
    overhead, each = _ROW_BYTES + _COLUMN_BYTES, KEY_BYTES
    if run.consented_at is not None:
        overhead, each = overhead + _COLUMN_BYTES, each + TIME_BYTES
    if run.record_ids is None:
        return lambda block: overhead + each * (block.end - block.start)
    overhead, each = overhead + _COLUMN_BYTES + _SEAL_BYTES, each + _LENGTHS.itemsize
    lengths = [0 if name is None else len(name.encode()) for name in run.record_ids]
    before = [0, *np.cumsum(lengths).tolist()]
    return lambda block: overhead + each * (block.end - block.start) + before[block.end] - before[block.start]


def pack_times(consented_at: NDArray[np.uint32]) -> bytes:
    """Unix seconds as 4 bytes each, big-endian."""
    return consented_at.astype(_TIMES).tobytes()


def unpack_times(data: bytes) -> NDArray[np.uint32]:
    """The inverse of `pack_times`."""
    return np.frombuffer(data, _TIMES).astype(np.uint32)


def pack_record_ids(record_ids: NDArray[np.object_]) -> bytes:
    """A length of 2 bytes for each id, all ones for none, and then their texts in UTF-8.

    Raises ValueError if one is too long.
    """
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


def record_id_at(data: bytes, count: int, place: int) -> str | None:
    """The one id at `place` among the `count` that `pack_record_ids` packed."""
    lengths = np.frombuffer(data, _LENGTHS, count)
    if lengths[place] == _NO_RECORD_ID:
        return None
    before = lengths[:place]
    start = count * _LENGTHS.itemsize + int(before[before != _NO_RECORD_ID].sum(dtype=np.int64))
    return data[start : start + int(lengths[place])].decode()


def union(sets: Sequence[Keys]) -> Keys:
    """The sorted keys of all `sets`, each once. They are quicker merged if they are sorted."""
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


def _places(needles: Keys, haystack: Keys) -> NDArray[np.intp]:
    """Where each needle is in the sorted haystack, -1 where it is not."""
    found = np.full(len(needles), -1, np.intp)
    places = np.searchsorted(haystack.hi, needles.hi)
    # One round, unless distinct keys agree in their leading half: then the search goes on one place further.
    pending = np.flatnonzero(places < len(haystack))
    while len(pending):
        pending = pending[haystack.hi[places[pending]] == needles.hi[pending]]
        equal = haystack.lo[places[pending]] == needles.lo[pending]
        found[pending[equal]] = places[pending[equal]]
        pending = pending[~equal]
        places[pending] += 1
        pending = pending[places[pending] < len(haystack)]
    return found
