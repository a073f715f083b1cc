"""Blocks: cuts a sorted run of memberships into rows that fill database pages, packs them as bytes, and back. Pure.

A block holds the memberships whose keys begin with the same `level` bits. `lead` is the smallest value of the leading
30 bits of such a key, so blocks are in key order if they are ordered by `lead`. Whole bytes that all keys of a block
have in common are not stored. A key is stored in a block once, however many datasets hold it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.membership.runs import Run, equals_previous, no_keys, repeats_previous
from service.number.keyring import KEY_BYTES, Keys, pack_keys

SHARD_BITS: Final = 5
SHARDS: Final = 1 << SHARD_BITS
DEEPEST_LEVEL: Final = 30
LEADS: Final = 1 << DEEPEST_LEVEL
RECORD_ID_CHARACTERS: Final = 200

# The room for rows in a PostgreSQL page of 8 KB, and the part of it that a row takes in addition to its bytea columns:
# line pointer, tuple header, shard, level, lead and segment. Each column has a length word and its alignment. Encrypted
# record ids also have a nonce and a tag, and encrypted times a head.
_PAGE_BYTES: Final = 8168
_ROW_BYTES: Final = 44
_COLUMN_BYTES: Final = 8
_ENCRYPTION_BYTES: Final = 28
# Rows are about as large as a page, because few rows are quick to write and to find. A row that does not fit is halved.
_MEAN_ROW_BYTES: Final = 7800
# The room for the columns of a staged row in a page.
_PIECE_BYTES: Final = 7900
# A smaller rest of a page is left free: a row so small would cost more than it fills.
_SMALLEST_GAP_BYTES: Final = 1000

_TIMES: Final = np.dtype(">u4")
TIME_BYTES: Final = _TIMES.itemsize
TIMES_HEAD_BYTES: Final = 16
_SHORT: Final = np.dtype(">u2")
_HALVES: Final = np.dtype(">u8")
_NO_RECORD_ID: Final = 0xFFFF
# Packed record ids are padded to a multiple of this, because the length of a single id may tell whose it is.
_RECORD_IDS_PADDING: Final = 128


class Block(NamedTuple):
    """The places `start` to `end` of a sorted run: all keys that begin with the `level` leading bits of `lead`."""

    level: int
    lead: int
    start: int
    end: int


class BlockColumns(NamedTuple):
    """The bytes of a block, with times and record ids as `pack_times` and `pack_record_ids` pack them, or encrypted.

    `holders` is None in a segment of a single dataset. Otherwise it has two bytes for each key: the place in the block
    of the key's first membership. Then it has two bytes for each membership: its holder.
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


def shard_ranges(sizes: Mapping[int, int], most: int) -> Iterator[range]:
    """All shards, in ranges of at most `most` bytes or a single shard, given the size of each that is not empty."""
    begin = total = 0
    for shard in range(SHARDS):
        size = sizes.get(shard, 0)
        if shard > begin and total + size > most:
            yield range(begin, shard)
            begin, total = shard, 0
        total += size
    yield range(begin, SHARDS)


def equal_ranges(stored: int, at_once: int) -> list[range]:
    """All shards, in ranges that have about `at_once` of the `stored` keys each, or are one shard."""
    # Keys are random, so that shards are about equal.
    width = min(max(at_once * SHARDS // max(stored, 1), 1), SHARDS)
    return [range(begin, min(begin + width, SHARDS)) for begin in range(0, SHARDS, width)]


def lead_of(key: bytes) -> int:
    """The leading 30 bits of a key."""
    return int.from_bytes(key[:4]) >> (32 - DEEPEST_LEVEL)


def leads_of(keys: Keys) -> NDArray[np.int64]:
    """The leading 30 bits of each key."""
    return (keys.hi >> np.uint64(64 - DEEPEST_LEVEL)).astype(np.int64)


def floor_lead(lead: int, level: int) -> int:
    """The lead of the block of this level that contains the keys which begin with `lead`."""
    return lead >> (DEEPEST_LEVEL - level) << (DEEPEST_LEVEL - level)


def key_bytes(level: int) -> int:
    """How many bytes of a key a block of this level stores."""
    return KEY_BYTES - level // 8


def fit_level(count: int, other_bytes: float) -> int:
    """The smallest level at which the mean row of `count` keys fits in a page.

    `other_bytes` is the mean size of what is stored with each key.
    """
    for level in range(SHARD_BITS, DEEPEST_LEVEL):
        if _ROW_BYTES + _COLUMN_BYTES + (key_bytes(level) + other_bytes) * count / (1 << level) <= _MEAN_ROW_BYTES:
            return level
    return DEEPEST_LEVEL


def group_by_shard(run: Run) -> Run:
    """The memberships sorted by shard, and within a shard in their given order: as `page_pieces` needs them."""
    leading = (run.keys.hi >> np.uint64(56)).astype(np.uint8)
    return run[np.argsort(leading, kind="stable")]


class PagePiece(NamedTuple):
    """The places `start` to `end` of a run: the page numbered `number` of what it has in a shard."""

    shard: int
    number: int
    start: int
    end: int


def page_pieces(run: Run) -> Iterator[PagePiece]:
    """Where to divide a run, so that each piece is in one shard and fits in a page."""
    membership_bytes = KEY_BYTES
    if run.consented_at is not None:
        membership_bytes += TIME_BYTES
    if run.record_ids is not None and len(run):
        membership_bytes += len(pack_record_ids(run.record_ids)) // len(run) + 1
    size = max(_PIECE_BYTES // membership_bytes, 1)
    for _, lead, start, end in _buckets(run.keys.hi, SHARD_BITS):
        for number, first in enumerate(range(start, end, size)):
            yield PagePiece(shard_of(lead), number, first, min(first + size, end))


def _buckets(hi: NDArray[np.uint64], level: int) -> Iterator[Block]:
    bucket = hi >> np.uint64(64 - level)
    starts = np.flatnonzero(~equals_previous(bucket))
    leads = bucket[starts] << np.uint64(DEEPEST_LEVEL - level)
    ends = np.append(starts[1:], len(hi))
    yield from map(Block, repeat(level), leads.tolist(), starts.tolist(), ends.tolist())


def cut_blocks(run: Run, level: int) -> Iterator[Block]:
    """The blocks of a sorted run, in key order: at `level`, or deeper to fill pages. No holder may have a key twice.

    Rows a little over half a page would leave almost half of every page empty. So this keeps track of the page that
    PostgreSQL is filling, and halves a block that does not fit in its rest. A shard begins on a new page, so that its
    blocks do not depend on the others that are cut with it.
    """
    row_bytes = _row_bytes(run)
    room, shard = _PAGE_BYTES, -1
    for whole in _buckets(run.keys.hi, level):
        if shard_of(whole.lead) != shard:
            room, shard = _PAGE_BYTES, shard_of(whole.lead)
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
    """The blocks of the next level that `block` consists of: one or two."""
    level, lead, start, end = block
    right = lead + (1 << (DEEPEST_LEVEL - level - 1))
    middle = start + int(np.searchsorted(hi[start:end], np.uint64(right << (64 - DEEPEST_LEVEL))))
    halves = Block(level + 1, lead, start, middle), Block(level + 1, right, middle, end)
    return [half for half in halves if half.start < half.end]


def _row_bytes(run: Run) -> Callable[[Block], int]:
    """A function that gives the size of a block's row in a page."""
    overhead, membership_bytes, text_ends = _ROW_BYTES + _COLUMN_BYTES, 0, None
    if run.consented_at is not None:
        overhead, membership_bytes = overhead + _COLUMN_BYTES + TIMES_HEAD_BYTES, membership_bytes + TIME_BYTES
    if run.record_ids is not None:
        overhead += _COLUMN_BYTES + _ENCRYPTION_BYTES
        lengths = [0 if record_id is None else len(record_id.encode()) for record_id in run.record_ids]
        text_ends = [0, *np.cumsum(lengths).tolist()]
    key_counts = None
    if run.holders is not None:
        overhead, membership_bytes = overhead + _COLUMN_BYTES, membership_bytes + _SHORT.itemsize
        key_counts = [0, *np.cumsum(~repeats_previous(run.keys)).tolist()]

    def size(block: Block) -> int:
        level, _, start, end = block
        total = overhead + membership_bytes * (end - start)
        if key_counts is None:
            total += (KEY_BYTES - level // 8) * (end - start)
        else:
            total += (KEY_BYTES - level // 8 + _SHORT.itemsize) * (key_counts[end] - key_counts[start])
        if text_ends is None:
            return total
        return total + _padded(_SHORT.itemsize * (end - start) + text_ends[end] - text_ends[start])

    return size


def pack_blocks(run: Run, blocks: Iterator[Block] | Sequence[Block]) -> Iterator[BlockColumns]:
    """The columns of each block of a sorted run."""
    # Everything is packed once for the run and then cut as bytes, because there are tens of thousands of blocks.
    keys, key_counts, first_places = run.keys, None, None
    if run.holders is not None:
        is_first = ~repeats_previous(run.keys)
        key_counts, first_places = [0, *np.cumsum(is_first).tolist()], np.flatnonzero(is_first)
        keys = run.keys[is_first]
    whole = pack_keys(keys)
    trailing_bytes: dict[int, memoryview] = {}
    times = None if run.consented_at is None else memoryview(pack_times(run.consented_at))
    holders = None if run.holders is None else memoryview(run.holders.astype(_SHORT).tobytes())
    for level, lead, start, end in blocks:
        width = key_bytes(level)
        if width not in trailing_bytes:
            trailing = np.ndarray((len(keys),), f"V{width}", whole, KEY_BYTES - width, (KEY_BYTES,))
            trailing_bytes[width] = memoryview(trailing.tobytes())
        first, last = (start, end) if key_counts is None else (key_counts[start], key_counts[end])
        holder_list = None
        if holders is not None and first_places is not None:
            places_in_block = (first_places[first:last] - start).astype(_SHORT)
            holder_list = places_in_block.tobytes() + holders[2 * start : 2 * end]
        yield BlockColumns(
            level,
            lead,
            trailing_bytes[width][first * width : last * width],
            holder_list,
            None if times is None else times[start * TIME_BYTES : end * TIME_BYTES],
            None if run.record_ids is None else pack_record_ids(run.record_ids[start:end]),
        )


class JoinedBlocks(NamedTuple):
    """Blocks of one segment, end to end: the level, lead and length in bytes of each, and all their keys.

    `holders` joins the blocks' lists of holders, and `holder_lengths` are their lengths in bytes. Both are None in a
    segment of a single dataset.
    """

    levels: Sequence[int]
    leads: Sequence[int]
    lengths: Sequence[int]
    keys: bytes
    holder_lengths: Sequence[int] | None = None
    holders: bytes | None = None


def unpack_joined(joined: JoinedBlocks) -> tuple[Keys, NDArray[np.int64], NDArray[np.uint16] | None]:
    """The keys of blocks, repeated for each holder, the number of memberships of each block, and the holders."""
    keys, counts = _unpack_keys(joined)
    if joined.holders is None or joined.holder_lengths is None:
        return keys, counts, None
    shorts = np.frombuffer(joined.holders, _SHORT)
    totals = np.array(joined.holder_lengths, np.int64) // _SHORT.itemsize - counts
    # The list of each block begins with the place of each key's first membership; the holders follow.
    is_start = np.repeat(np.tile([True, False], len(counts)), np.stack([counts, totals], axis=1).ravel())
    before = np.cumsum(totals) - totals
    edges = shorts[is_start].astype(np.int64) + np.repeat(before, counts)
    key_of_membership = np.repeat(np.arange(len(keys)), np.diff(np.append(edges, totals.sum())))
    return keys[key_of_membership], totals, shorts[~is_start].astype(np.uint16)


def _unpack_keys(joined: JoinedBlocks) -> tuple[Keys, NDArray[np.int64]]:
    widths = KEY_BYTES - np.array(joined.levels, np.int64) // 8
    lengths = np.array(joined.lengths, np.int64)
    counts = lengths // widths
    omitted_bits = (8 * (KEY_BYTES - widths)).astype(np.uint64)
    leads = np.array(joined.leads, np.uint64) << np.uint64(64 - DEEPEST_LEVEL)
    # The bits that a block omits are the first ones of its lead.
    omitted = leads & ~(np.uint64(0xFFFF_FFFF_FFFF_FFFF) >> omitted_bits)
    first, last = _key_halves(joined.keys, widths, lengths, counts)
    hi = first >> np.repeat(omitted_bits, counts) | np.repeat(omitted, counts)
    return Keys(hi, last), counts


def _key_halves(
    data: bytes, widths: NDArray[np.int64], lengths: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first and the last 8 bytes of each stored key, read in place, across the bounds of machine words."""
    total = int(counts.sum())
    if not total:
        return no_keys().hi, no_keys().lo
    if (widths == widths[0]).all():
        width = int(widths[0])
        first, last = (np.ndarray((total,), _HALVES, data, at, (width,)) for at in (0, width - 8))
        return first.astype(np.uint64), last.astype(np.uint64)
    # The blocks differ in width, so the place of each key is computed.
    before = np.cumsum(counts) - counts
    key_widths = np.repeat(widths, counts)
    at = np.repeat(np.cumsum(lengths) - lengths - before * widths, counts) + np.arange(total) * key_widths
    words_at_every_byte = np.ndarray((len(data) - 7,), _HALVES, data, 0, (1,))
    return words_at_every_byte[at].astype(np.uint64), words_at_every_byte[at + key_widths - 8].astype(np.uint64)


def unpack_blocks(rows: Sequence[BlockColumns]) -> tuple[Run, NDArray[np.int64]]:
    """The run that blocks hold, in key order if `rows` are ordered by `lead`, and the number of memberships of each."""
    joined = JoinedBlocks(
        [row.level for row in rows],
        [row.lead for row in rows],
        [len(row.keys) for row in rows],
        b"".join(row.keys for row in rows),
    )
    if any(row.holders is not None for row in rows):
        holders = [row.holders or b"" for row in rows]
        joined = joined._replace(holder_lengths=list(map(len, holders)), holders=b"".join(holders))
    keys, counts, unpacked_holders = unpack_joined(joined)
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
    return Run(keys, times, record_ids, unpacked_holders), counts


def pack_times(consented_at: NDArray[np.uint32]) -> bytes:
    """Unix seconds as 4 bytes each, big-endian."""
    return consented_at.astype(_TIMES).tobytes()


def unpack_times(data: bytes) -> NDArray[np.uint32]:
    """The inverse of `pack_times`."""
    return np.frombuffer(data, _TIMES).astype(np.uint32)


def pack_record_ids(record_ids: NDArray[np.object_]) -> bytes:
    """A length of 2 bytes for each id (0xFFFF for an unknown id), followed by their texts in UTF-8, padded with zeros.

    Raises ValueError if an id is too long.
    """
    texts = [None if record_id is None else record_id.encode() for record_id in record_ids]
    if any(record_id is not None and len(record_id) > RECORD_ID_CHARACTERS for record_id in record_ids):
        raise ValueError(f"A consent record id has at most {RECORD_ID_CHARACTERS} characters.")
    lengths = np.array([_NO_RECORD_ID if text is None else len(text) for text in texts], _SHORT)
    packed = lengths.tobytes() + b"".join(text for text in texts if text is not None)
    return packed.ljust(_padded(len(packed)), b"\x00")


def _padded(size: int) -> int:
    return -(-size // _RECORD_IDS_PADDING) * _RECORD_IDS_PADDING


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
    """The id at `place` among the `count` ids that `pack_record_ids` packed."""
    lengths = np.frombuffer(data, _SHORT, count)
    if lengths[place] == _NO_RECORD_ID:
        return None
    before = lengths[:place]
    start = count * _SHORT.itemsize + int(before[before != _NO_RECORD_ID].sum(dtype=np.int64))
    return data[start : start + int(lengths[place])].decode()
