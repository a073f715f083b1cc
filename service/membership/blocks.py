"""Blocks: what a row of memberships holds, how a sorted run is cut into rows that fill pages, and back. Pure.

A block holds the memberships whose keys begin with the same `level` bits. `lead` is the least that the leading 30
bits of such a key can be, so that blocks which follow each other in key order do so by `lead`. Whole bytes that all
keys of a block have in common are not stored. A key stands in a block once, whoever holds it.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.membership.runs import Run, no_keys, repeated
from service.number.keyring import KEY_BYTES, Keys, pack_keys

SHARD_BITS: Final = 5
SHARDS: Final = 1 << SHARD_BITS
DEEPEST_LEVEL: Final = 30
LEADS: Final = 1 << DEEPEST_LEVEL
RECORD_ID_CHARACTERS: Final = 200

# What a PostgreSQL page of 8 KB has for rows, and what a row takes of it beside its bytea columns: line
# pointer, tuple header, shard, level, lead and segment. Each column has a length word and its alignment; a
# sealed one also has a nonce and a tag.
_PAGE_BYTES: Final = 8168
_ROW_BYTES: Final = 44
_COLUMN_BYTES: Final = 8
_SEAL_BYTES: Final = 28
# Rows about as large as a page: those that do not fit one are halved. Few rows are quick to write and to find.
_MEAN_ROW_BYTES: Final = 7800
# What a staged row has of a page for its columns.
_PIECE_BYTES: Final = 7900
# Below this the rest of a page is left free: a row so small would cost more than it fills.
_SMALLEST_GAP_BYTES: Final = 1000

_TIMES: Final = np.dtype(">u4")
TIME_BYTES: Final = _TIMES.itemsize
_SHORT: Final = np.dtype(">u2")
_HALVES: Final = np.dtype(">u8")
_NO_RECORD_ID: Final = 0xFFFF


class Block(NamedTuple):
    """The places `start` to `end` of a sorted run: all whose keys begin with the `level` leading bits of `lead`."""

    level: int
    lead: int
    start: int
    end: int


class Columns(NamedTuple):
    """The stored bytes of a block; record ids as `pack_record_ids` makes them.

    `holders` is None in a segment of one dataset. Otherwise it is two bytes for each key, saying after how many
    memberships of the block those of the key begin, and then two bytes for each membership: its holder.
    """

    level: int
    lead: int
    keys: bytes | memoryview
    holders: bytes | memoryview | None
    consented_at: bytes | memoryview | None
    record_ids: bytes | None


def shard_of(lead: int) -> int:
    """The shard of a key that begins with `lead`."""
    return lead >> (DEEPEST_LEVEL - SHARD_BITS)


def lead_of(key: bytes) -> int:
    """The leading 30 bits of a key."""
    return int.from_bytes(key[:4]) >> (32 - DEEPEST_LEVEL)


def leads_of(keys: Keys) -> NDArray[np.int64]:
    """The leading 30 bits of each key."""
    return (keys.hi >> np.uint64(64 - DEEPEST_LEVEL)).astype(np.int64)


def floor_lead(lead: int, level: int) -> int:
    """The lead of the block of that level in which keys that begin with `lead` are."""
    return lead >> (DEEPEST_LEVEL - level) << (DEEPEST_LEVEL - level)


def key_bytes(level: int) -> int:
    """How many bytes of a key a block of this level stores."""
    return KEY_BYTES - level // 8


def fit_level(count: int, other_bytes: float) -> int:
    """The least level at which the mean row of `count` keys does not outgrow a page.

    `other_bytes` is what is stored beside each key.
    """
    for level in range(SHARD_BITS, DEEPEST_LEVEL):
        if _ROW_BYTES + _COLUMN_BYTES + (key_bytes(level) + other_bytes) * count / (1 << level) <= _MEAN_ROW_BYTES:
            return level
    return DEEPEST_LEVEL


def by_shard(run: Run) -> Run:
    """The memberships of a shard together, in the order they came: as `pieces` wants them."""
    leading = (run.keys.hi >> np.uint64(56)).astype(np.uint8)
    return run[np.argsort(leading, kind="stable")]


class Piece(NamedTuple):
    """The places `start` to `end` of a run: the `number`th page full of what it has in a shard."""

    shard: int
    number: int
    start: int
    end: int


def pieces(run: Run) -> Iterator[Piece]:
    """Where to take a run apart so that each piece is of one shard and fits a page."""
    each = KEY_BYTES
    if run.consented_at is not None:
        each += TIME_BYTES
    if run.record_ids is not None and len(run):
        each += len(pack_record_ids(run.record_ids)) // len(run) + 1
    size = max(_PIECE_BYTES // each, 1)
    for _, lead, start, end in _buckets(run.keys.hi, SHARD_BITS):
        for number, first in enumerate(range(start, end, size)):
            yield Piece(shard_of(lead), number, first, min(first + size, end))


def _buckets(hi: NDArray[np.uint64], level: int) -> Iterator[Block]:
    bucket = hi >> np.uint64(64 - level)
    starts = np.flatnonzero(np.concatenate(([True], bucket[1:] != bucket[:-1]))[: len(hi)])
    leads = bucket[starts] << np.uint64(DEEPEST_LEVEL - level)
    ends = np.append(starts[1:], len(hi))
    yield from map(Block, repeat(level), leads.tolist(), starts.tolist(), ends.tolist())


def cut(run: Run, level: int) -> Iterator[Block]:
    """The blocks of a sorted run in which no holder has a key twice, in key order: at `level`, or deeper to fill pages.

    Rows a little over half a page would leave almost half of every page empty. So this keeps count of the
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
    level, lead, start, end = block
    right = lead + (1 << (DEEPEST_LEVEL - level - 1))
    middle = start + int(np.searchsorted(hi[start:end], np.uint64(right << (64 - DEEPEST_LEVEL))))
    halves = Block(level + 1, lead, start, middle), Block(level + 1, right, middle, end)
    return [half for half in halves if half.start < half.end]


def _row_bytes(run: Run) -> Callable[[Block], int]:
    """What the row of a block takes of a page."""
    overhead, each, ids = _ROW_BYTES + _COLUMN_BYTES, 0, None
    if run.consented_at is not None:
        overhead, each = overhead + _COLUMN_BYTES, each + TIME_BYTES
    if run.record_ids is not None:
        overhead, each = overhead + _COLUMN_BYTES + _SEAL_BYTES, each + _SHORT.itemsize
        lengths = [0 if name is None else len(name.encode()) for name in run.record_ids]
        ids = [0, *np.cumsum(lengths).tolist()]
    ranks = None
    if run.holders is not None:
        overhead, each = overhead + _COLUMN_BYTES, each + _SHORT.itemsize
        ranks = [0, *np.cumsum(~repeated(run.keys)).tolist()]

    def size(block: Block) -> int:
        level, _, start, end = block
        found = overhead + each * (end - start)
        if ranks is None:
            found += (KEY_BYTES - level // 8) * (end - start)
        else:
            found += (KEY_BYTES - level // 8 + _SHORT.itemsize) * (ranks[end] - ranks[start])
        return found if ids is None else found + ids[end] - ids[start]

    return size


def packed(run: Run, blocks: Iterator[Block] | Sequence[Block]) -> Iterator[Columns]:
    """The columns of each block of a sorted run."""
    # Packed once for the run and cut as bytes: there are tens of thousands of blocks.
    keys, ranks, places = run.keys, None, None
    if run.holders is not None:
        once = ~repeated(run.keys)
        ranks, places = [0, *np.cumsum(once).tolist()], np.flatnonzero(once)
        keys = run.keys[once]
    whole = pack_keys(keys)
    short: dict[int, memoryview] = {}
    times = None if run.consented_at is None else memoryview(pack_times(run.consented_at))
    holders = None if run.holders is None else memoryview(run.holders.astype(_SHORT).tobytes())
    for level, lead, start, end in blocks:
        width = key_bytes(level)
        if width not in short:
            trailing = np.ndarray((len(keys),), f"V{width}", whole, KEY_BYTES - width, (KEY_BYTES,))
            short[width] = memoryview(trailing.tobytes())
        first, last = (start, end) if ranks is None else (ranks[start], ranks[end])
        listed = None
        if holders is not None and places is not None:
            listed = (places[first:last] - start).astype(_SHORT).tobytes() + holders[2 * start : 2 * end]
        yield Columns(
            level,
            lead,
            short[width][first * width : last * width],
            listed,
            None if times is None else times[start * TIME_BYTES : end * TIME_BYTES],
            None if run.record_ids is None else pack_record_ids(run.record_ids[start:end]),
        )


class Joined(NamedTuple):
    """Blocks of one segment, end to end: the level, lead and length in bytes of each, and all their keys.

    `holders` and the lengths of the blocks' parts of it are None in a segment of one dataset.
    """

    levels: Sequence[int]
    leads: Sequence[int]
    lengths: Sequence[int]
    keys: bytes
    holder_lengths: Sequence[int] | None = None
    holders: bytes | None = None


def unjoined(joined: Joined) -> tuple[Keys, NDArray[np.int64], NDArray[np.uint16] | None]:
    """The keys of blocks, each once for each of its holders; how many memberships each block has; the holders."""
    keys, counts = _unpack_keys(joined)
    if joined.holders is None or joined.holder_lengths is None:
        return keys, counts, None
    shorts = np.frombuffer(joined.holders, _SHORT)
    totals = np.array(joined.holder_lengths, np.int64) // _SHORT.itemsize - counts
    # Each block has first where the memberships of its keys begin, and then their holders.
    is_start = np.repeat(np.tile([True, False], len(counts)), np.stack([counts, totals], axis=1).ravel())
    before = np.concatenate(([0], np.cumsum(totals)[:-1]))
    edges = shorts[is_start].astype(np.int64) + np.repeat(before, counts)
    each = np.repeat(np.arange(len(keys)), np.diff(np.append(edges, totals.sum())))
    return keys[each], totals, shorts[~is_start].astype(np.uint16)


def _unpack_keys(joined: Joined) -> tuple[Keys, NDArray[np.int64]]:
    widths = KEY_BYTES - np.array(joined.levels, np.int64) // 8
    lengths = np.array(joined.lengths, np.int64)
    counts = lengths // widths
    left_out = (8 * (KEY_BYTES - widths)).astype(np.uint64)
    leads = np.array(joined.leads, np.uint64) << np.uint64(64 - DEEPEST_LEVEL)
    # What a block leaves out is what its lead begins with.
    known = leads & ~(np.uint64(0xFFFF_FFFF_FFFF_FFFF) >> left_out)
    first, last = _halves_of(joined.keys, widths, lengths, counts)
    hi = first >> np.repeat(left_out, counts) | np.repeat(known, counts)
    return Keys(hi, last), counts


def _halves_of(
    data: bytes, widths: NDArray[np.int64], lengths: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first and the last 8 bytes of each stored key, read where they lie, across the bounds of machine words."""
    total = int(counts.sum())
    if not total:
        return no_keys().hi, no_keys().lo
    if (widths == widths[0]).all():
        width = int(widths[0])
        first, last = (np.ndarray((total,), _HALVES, data, at, (width,)) for at in (0, width - 8))
        return first.astype(np.uint64), last.astype(np.uint64)
    # Blocks of several widths: each key at a place of its own.
    before = np.cumsum(counts) - counts
    each = np.repeat(widths, counts)
    at = np.repeat(np.cumsum(lengths) - lengths - before * widths, counts) + np.arange(total) * each
    anywhere = np.ndarray((len(data) - 7,), _HALVES, data, 0, (1,))
    return anywhere[at].astype(np.uint64), anywhere[at + each - 8].astype(np.uint64)


def unpacked(rows: Sequence[Columns]) -> tuple[Run, NDArray[np.int64]]:
    """The run that blocks hold, in key order if they come by `lead`, and how many memberships each has."""
    joined = Joined(
        [row.level for row in rows],
        [row.lead for row in rows],
        [len(row.keys) for row in rows],
        b"".join(row.keys for row in rows),
    )
    if any(row.holders is not None for row in rows):
        holders = [row.holders or b"" for row in rows]
        joined = joined._replace(holder_lengths=[len(each) for each in holders], holders=b"".join(holders))
    keys, counts, placed = unjoined(joined)
    times = record_ids = None
    if any(row.consented_at is not None for row in rows):
        parts = zip(rows, counts.tolist(), strict=True)
        times = unpack_times(b"".join(row.consented_at or bytes(TIME_BYTES * count) for row, count in parts))
    if any(row.record_ids is not None for row in rows):
        parts = zip(rows, counts.tolist(), strict=True)
        record_ids = np.concatenate(
            [
                np.full(count, None, np.object_) if row.record_ids is None else unpack_record_ids(row.record_ids, count)
                for row, count in parts
            ]
        )
    return Run(keys, times, record_ids, placed), counts


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
    lengths = np.array([_NO_RECORD_ID if text is None else len(text) for text in texts], _SHORT)
    return lengths.tobytes() + b"".join(text for text in texts if text is not None)


def unpack_record_ids(data: bytes, count: int) -> NDArray[np.object_]:
    """The inverse of `pack_record_ids` for `count` ids."""
    lengths = np.frombuffer(data, _SHORT, count).tolist()
    record_ids = np.full(count, None, np.object_)
    at = count * _SHORT.itemsize
    for place, length in enumerate(lengths):
        if length != _NO_RECORD_ID:
            record_ids[place] = data[at : at + length].decode()
            at += length
    return record_ids


def record_id_at(data: bytes, count: int, place: int) -> str | None:
    """The one id at `place` among the `count` that `pack_record_ids` packed."""
    lengths = np.frombuffer(data, _SHORT, count)
    if lengths[place] == _NO_RECORD_ID:
        return None
    before = lengths[:place]
    start = count * _SHORT.itemsize + int(before[before != _NO_RECORD_ID].sum(dtype=np.int64))
    return data[start : start + int(lengths[place])].decode()
