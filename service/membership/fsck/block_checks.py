"""Invariants of a stored block and its keys. Pure."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.membership import blocks, encryption
from service.membership.blocks import DEEPEST_LEVEL, LEADS, SHARD_BITS, TIME_BYTES, TIMES_HEAD_BYTES, BlockColumns
from service.membership.fsck.report import Violation
from service.number.keyring import KeyMismatchError, KeyRing, Keys

# `toast_tuple_target` of the table: beyond it a column leaves the row. The overhead of a row is not counted, so that no
# row is wrongly reported as too large.
_LARGEST_ROW_BYTES: Final = 8160
_SHORT: Final = np.dtype(">u2")
# With any of these violations the keys of a block cannot be read.
UNREADABLE: Final = frozenset(
    {
        Violation.LEVEL,
        Violation.LEAD,
        Violation.KEYS_LENGTH,
        Violation.HOLDERS,
        Violation.CONSENTS_LENGTH,
        Violation.SEGMENT_MISSING,
    }
)


class CatalogueMember(NamedTuple):
    """A dataset of a segment, and the count and encrypted digest of what it holds according to the segment."""

    dataset_id: uuid.UUID
    number_count: int
    digest: bytes


@dataclass(frozen=True)
class CatalogueSegment:
    """A segment as recorded in the catalogue, with its members by their places."""

    id: int
    state: str
    level: int | None
    merged_into: int | None
    next_lead: int | None
    members: dict[int, CatalogueMember]

    @cached_property
    def places(self) -> int:
        """The number of places for datasets."""
        return max(self.members, default=-1) + 1


def block_violations(shard: int, merged: bool, row: BlockColumns, segment: CatalogueSegment | None) -> list[Violation]:
    """The violations in the range, holders and lengths of a block as it is stored.

    `shard` and `merged` are the other columns of its row.
    """
    if segment is None:
        return [Violation.SEGMENT_MISSING]
    level, lead = row.level, row.lead
    if not SHARD_BITS <= level <= DEEPEST_LEVEL:
        return [Violation.LEVEL]
    if not 0 <= lead < LEADS or blocks.floor_lead(lead, level) != lead:
        return [Violation.LEAD]
    found = []
    if blocks.shard_of(lead) != shard:
        found.append(Violation.SHARD)
    if merged != (row.holders is not None):
        found.append(Violation.MERGED_FLAG)
    if segment.level is not None and level < segment.level:
        found.append(Violation.COARSE)
    if segment.next_lead is not None and lead >= segment.next_lead:
        found.append(Violation.BEYOND_MERGE)
    return found + _column_violations(row, segment)


def _column_violations(row: BlockColumns, segment: CatalogueSegment) -> list[Violation]:
    if not row.keys or len(row.keys) % blocks.key_bytes(row.level):
        return [Violation.KEYS_LENGTH]
    if (row.holders is None) != (segment.places == 1):
        return [Violation.HOLDERS]
    if row.holders is not None and not _are_holders(row.holders, _key_count(row), segment.places):
        return [Violation.HOLDERS]
    found = []
    times = 0 if row.consented_at is None else len(row.consented_at) - TIMES_HEAD_BYTES
    if row.consented_at is not None and times != TIME_BYTES * membership_count(row):
        found.append(Violation.CONSENTS_LENGTH)
    if row.level < DEEPEST_LEVEL and sum(map(len, filter(None, row[2:]))) > _LARGEST_ROW_BYTES:
        found.append(Violation.UNFITTED)
    return found


def _key_count(row: BlockColumns) -> int:
    return len(row.keys) // blocks.key_bytes(row.level)


def membership_count(row: BlockColumns) -> int:
    """The number of memberships in a block."""
    keys = _key_count(row)
    return keys if row.holders is None else len(row.holders) // _SHORT.itemsize - keys


def _are_holders(holder_list: bytes | memoryview, keys: int, places: int) -> bool:
    """Whether each of `keys` keys has holders, in ascending order and all below `places`."""
    if len(holder_list) % _SHORT.itemsize or len(holder_list) < 2 * keys * _SHORT.itemsize:
        return False
    shorts = np.frombuffer(holder_list, _SHORT).astype(np.int64)
    starts, holders = shorts[:keys], shorts[keys:]
    if starts[0] or starts[-1] >= len(holders) or np.any(starts[1:] <= starts[:-1]):
        return False
    ascends = holders[1:] > holders[:-1]
    ascends[starts[1:] - 1] = True
    return bool(ascends.all() and holders.max() < places)


def are_record_ids(data: bytes, count: int) -> bool:
    """Whether `data` is exactly `count` packed record ids."""
    try:
        return blocks.pack_record_ids(blocks.unpack_record_ids(data, count)) == data
    except ValueError:
        return False


def are_pseudonyms(ring: KeyRing, keys: Keys) -> bool:
    """Whether each key is the pseudonym of a number under this secret."""
    try:
        return bool((ring.numbers(keys) > 0).all())
    except KeyMismatchError:
        return False


def key_violations(rows: Sequence[BlockColumns], keys: Keys) -> Iterator[tuple[int, Violation]]:
    """The violations in the `keys` of readable blocks, each with the index of its row."""
    key_counts = [_key_count(row) for row in rows]
    row_of_key = np.repeat(np.arange(len(rows)), key_counts)
    below = np.array([DEEPEST_LEVEL - row.level for row in rows])
    ranges = np.array([row.lead for row in rows]) >> below
    ascends = (keys.hi[1:] > keys.hi[:-1]) | (keys.hi[1:] == keys.hi[:-1]) & (keys.lo[1:] > keys.lo[:-1])
    unordered = ~ascends & (row_of_key[1:] == row_of_key[:-1])
    out_of_range = blocks.leads_of(keys) >> below[row_of_key] != ranges[row_of_key]
    yield from ((index, Violation.ORDER) for index in _distinct_rows(row_of_key[1:], unordered))
    yield from ((index, Violation.RANGE) for index in _distinct_rows(row_of_key, out_of_range))


def _distinct_rows(row_of_key: NDArray[np.int64], selected: NDArray[np.bool_]) -> list[int]:
    found: list[int] = np.unique(row_of_key[selected]).tolist()
    return found


def staged_run_violations(
    ring: KeyRing, dataset_id: uuid.UUID, place: tuple[int, int, int], count: int, content: bytes
) -> list[Violation]:
    """The violations in a staged run of `count` numbers. `place` is its shard, upload and number."""
    try:
        keys = encryption.decrypt_staged(ring, dataset_id, place, count, content).keys
    except ValueError:
        return [Violation.STAGED_RUN]
    misplaced = not len(keys) or np.any(keys.hi >> np.uint64(64 - SHARD_BITS) != place[0])
    return [Violation.STAGED_RUN] if misplaced else []
