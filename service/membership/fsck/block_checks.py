"""What must hold of a block and of its keys, as they are stored. Pure."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.membership import blocks
from service.membership.blocks import DEEPEST_LEVEL, LEADS, SHARD_BITS, TIME_BYTES, Columns
from service.membership.fsck.report import Violation
from service.number.keyring import KEY_BYTES, KeyMismatchError, KeyRing, Keys, unpack_keys

# `toast_tuple_target` of the table: beyond it a column leaves the row. What a row has besides its columns is left out
# of account, so that none is called too large that is not.
_LARGEST_ROW_BYTES: Final = 8160
_SHORT: Final = np.dtype(">u2")
# Without knowing these no key of a block can be told.
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


class Member(NamedTuple):
    """A dataset of a segment, and what the segment says that it holds: how many numbers, with which packed digest."""

    dataset_id: uuid.UUID
    number_count: int
    digest: bytes


@dataclass(frozen=True)
class Entry:
    """A segment as the catalogue has it; its members by their places."""

    id: int
    state: str
    level: int | None
    merged_into: int | None
    next_lead: int | None
    members: dict[int, Member]

    @cached_property
    def places(self) -> int:
        """How many places there are for datasets."""
        return max(self.members, default=-1) + 1


def block_violations(shard: int, merged: bool, row: Columns, segment: Entry | None) -> list[Violation]:
    """What is wrong with a block as far as its range, its holders and its lengths tell.

    `shard` and `merged` are what its row says of it besides.
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
    return found + _column_flaws(row, segment)


def _column_flaws(row: Columns, segment: Entry) -> list[Violation]:
    if not row.keys or len(row.keys) % blocks.key_bytes(row.level):
        return [Violation.KEYS_LENGTH]
    if (row.holders is None) != (segment.places == 1):
        return [Violation.HOLDERS]
    if row.holders is not None and not _are_holders(row.holders, _key_count(row), segment.places):
        return [Violation.HOLDERS]
    found = []
    if row.consented_at is not None and len(row.consented_at) != TIME_BYTES * size_of(row):
        found.append(Violation.CONSENTS_LENGTH)
    if row.level < DEEPEST_LEVEL and sum(map(len, filter(None, row[2:]))) > _LARGEST_ROW_BYTES:
        found.append(Violation.UNFITTED)
    return found


def _key_count(row: Columns) -> int:
    return len(row.keys) // blocks.key_bytes(row.level)


def size_of(row: Columns) -> int:
    """How many memberships a block has."""
    keys = _key_count(row)
    return keys if row.holders is None else len(row.holders) // _SHORT.itemsize - keys


def _are_holders(listed: bytes | memoryview, keys: int, places: int) -> bool:
    """Whether each of `keys` keys has holders, in ascending order and all below `places`."""
    if len(listed) % _SHORT.itemsize or len(listed) < 2 * keys * _SHORT.itemsize:
        return False
    shorts = np.frombuffer(listed, _SHORT).astype(np.int64)
    starts, holders = shorts[:keys], shorts[keys:]
    if starts[0] or starts[-1] >= len(holders) or np.any(starts[1:] <= starts[:-1]):
        return False
    ascends = holders[1:] > holders[:-1]
    ascends[starts[1:] - 1] = True
    return bool(ascends.all() and holders.max() < places)


def are_record_ids(data: bytes, count: int) -> bool:
    """Whether these are `count` record ids, and nothing else."""
    try:
        return blocks.pack_record_ids(blocks.unpack_record_ids(data, count)) == data
    except ValueError:
        return False


def are_pseudonyms(ring: KeyRing, keys: Keys) -> bool:
    """Whether each key is that of a number."""
    try:
        return bool((ring.numbers(keys) > 0).all())
    except KeyMismatchError:
        return False


def key_violations(rows: Sequence[Columns], keys: Keys) -> Iterator[tuple[int, Violation]]:
    """What is wrong with the `keys` that blocks without flaws hold, and in which of the `rows`."""
    sizes = [_key_count(row) for row in rows]
    of = np.repeat(np.arange(len(rows)), sizes)
    below = np.array([DEEPEST_LEVEL - row.level for row in rows])
    ranges = np.array([row.lead for row in rows]) >> below
    ascends = (keys.hi[1:] > keys.hi[:-1]) | (keys.hi[1:] == keys.hi[:-1]) & (keys.lo[1:] > keys.lo[:-1])
    yield from ((at, Violation.ORDER) for at in _rows_with(of[1:], ~ascends & (of[1:] == of[:-1])))
    yield from ((at, Violation.RANGE) for at in _rows_with(of, blocks.leads_of(keys) >> below[of] != ranges[of]))


def _rows_with(of: NDArray[np.int64], flawed: NDArray[np.bool_]) -> list[int]:
    found: list[int] = np.unique(of[flawed]).tolist()
    return found


def staged_run_violations(
    shard: int, keys: bytes, consented_at: bytes | None, sealed_record_ids: bytes | None
) -> list[Violation]:
    """What is wrong with the columns of a staged run, in which keys stand as they came."""
    if not keys or len(keys) % KEY_BYTES:
        return [Violation.STAGED_KEYS]
    run = unpack_keys(keys)
    found = [Violation.STAGED_KEYS] if np.any(run.hi >> np.uint64(64 - SHARD_BITS) != shard) else []
    short_of_times = consented_at is not None and len(consented_at) != TIME_BYTES * len(run)
    if short_of_times or (sealed_record_ids is not None and len(sealed_record_ids) < _SHORT.itemsize * len(run)):
        found.append(Violation.STAGED_COLUMNS)
    return found
