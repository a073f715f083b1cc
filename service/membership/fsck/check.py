"""Checks every invariant of stored memberships in one snapshot, even while the service writes.

One connection shares its snapshot with others, which read the blocks, a range of shards at a time. At the end, what was
counted for a segment in all shards is compared with the segment's own figures.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from queue import SimpleQueue
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from psycopg import IsolationLevel, sql

from service.core.db import libpq_parameters
from service.core.errors import ConfigurationError
from service.core.time_limits import TimeLimits
from service.membership import blocks, encryption, runs
from service.membership.blocks import SHARDS, BlockColumns
from service.membership.fsck.block_checks import (
    UNREADABLE,
    CatalogueMember,
    CatalogueSegment,
    are_pseudonyms,
    are_record_ids,
    block_violations,
    key_violations,
    membership_count,
    staged_run_violations,
)
from service.membership.fsck.catalogue_checks import INVARIANTS, read_segments
from service.membership.fsck.count_checks import count_findings
from service.membership.fsck.exclusion_checks import exclusion_findings
from service.membership.fsck.report import Finding, Leftover, Violation
from service.membership.models import SegmentState
from service.membership.runs import Digest, Run
from service.number.keyring import KeyMismatchError, KeyRing, Keys

# While one reader computes, the other reader's rows arrive. A third would wait for the interpreter.
_READERS: Final = 2
# Rows read at a time, a page or half a page each.
_BATCH: Final = 2048

OnProgress = Callable[[int, int], None]
"""Called by any thread with the number of rows just checked and the number of all rows."""


@dataclass
class Report:
    """The findings of a check, in key order of each segment, and how much it read."""

    findings: list[Finding] = field(default_factory=list)
    blocks: int = 0
    memberships: int = 0
    bytes: int = 0

    @property
    def violations(self) -> list[Finding]:
        """The invariants that do not hold."""
        return [finding for finding in self.findings if isinstance(finding.kind, Violation)]

    @property
    def leftovers(self) -> list[Finding]:
        """What interruptions left behind, which the next run removes."""
        return [finding for finding in self.findings if isinstance(finding.kind, Leftover)]


class StoredBlock(NamedTuple):
    """A row of the block table."""

    shard: int
    segment_id: int
    merged: bool
    columns: BlockColumns


@dataclass
class SegmentSums:
    """Digests of what was read: `stored` by segment and place, `to_merge` by merging segment and dataset.

    `to_merge` sums what the sources of a merge hold in the range merged so far. `unreadable` are segments with an
    unreadable block of their own or of a source, whose sums mean nothing.
    """

    stored: defaultdict[tuple[int, int], Digest] = field(default_factory=lambda: defaultdict(Digest))
    to_merge: defaultdict[tuple[int, uuid.UUID], Digest] = field(default_factory=lambda: defaultdict(Digest))
    unreadable: set[int | None] = field(default_factory=set)

    def add(self, other: "SegmentSums") -> None:
        """Add the sums of other blocks."""
        for segment_and_place, digest in other.stored.items():
            self.stored[segment_and_place] += digest
        for segment_and_dataset, digest in other.to_merge.items():
            self.to_merge[segment_and_dataset] += digest
        self.unreadable |= other.unreadable


@dataclass
class CheckState:
    """What a check needs in addition to the blocks, and its results so far."""

    ring: KeyRing
    segments: dict[int, CatalogueSegment]
    report: Report = field(default_factory=Report)
    sums: SegmentSums = field(default_factory=SegmentSums)


def check(dsn: str, ring: KeyRing, on_progress: OnProgress) -> Report:
    """Check all memberships of a database.

    Raises:
        ConfigurationError: the memberships were made with another secret than that of `ring`.
        psycopg.Error: the database cannot be read.
    """
    with _reading(dsn) as connection:
        ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()").fetchall()
        segments = read_segments(connection)
        whole = CheckState(ring, segments)
        whole.report.findings += _key_findings(connection, ring)
        for kind, query in INVARIANTS.items():
            whole.report.findings += [Finding(kind, *row) for row in connection.execute(query)]
        whole.report.findings += exclusion_findings(connection, ring)
        ((total,),) = connection.execute(_TOTAL).fetchall()

        with ExitStack() as stack, ThreadPoolExecutor(_READERS) as pool:
            readers: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
            for _ in range(_READERS):
                readers.put(stack.enter_context(_reading(dsn, snapshot)))

            def check_range(shards: range) -> CheckState:
                reader = readers.get()
                try:
                    return _check_range(
                        reader, CheckState(ring, segments), shards, lambda rows: on_progress(rows, total)
                    )
                finally:
                    readers.put(reader)

            for part in pool.map(check_range, blocks.equal_ranges(total, _BATCH)):
                _add(whole, part)
        whole.report.findings += _sum_findings(whole)
        if not whole.report.violations:
            # Counts are made from what is stored, so they say nothing if that is damaged.
            whole.report.findings += count_findings(connection)
    whole.report.findings.sort(key=lambda finding: finding.order)
    return whole.report


_TOTAL: Final[LiteralString] = "SELECT (SELECT count(*) FROM membership_block) + (SELECT count(*) FROM staged_run)"


# A look at a large registry takes hours, whatever the role allows by itself.
_LIMITS: Final = TimeLimits(statement=0, lock=0)


@contextmanager
def _reading(dsn: str, snapshot: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection that sees one state: the exported `snapshot` if given, else that of its first statement."""
    with psycopg.connect(**libpq_parameters(dsn, _LIMITS)) as connection:
        connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
        if snapshot is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        yield connection


def _key_findings(connection: psycopg.Connection[Any], ring: KeyRing) -> list[Finding]:
    known = [key_id for (key_id,) in connection.execute("SELECT id FROM pseudonym_key")]
    if known and ring.key_id not in known:
        raise ConfigurationError(
            f"The numbers in this database were encrypted with the master secret {known[0]}, but the given secret is "
            f"{ring.key_id}. Provide the master secret {known[0]}: nothing can be checked without it."
        )
    query = "SELECT EXISTS (SELECT FROM membership_segment) OR EXISTS (SELECT FROM staged_run)"
    ((filled,),) = connection.execute(query).fetchall()
    return [Finding(Violation.NO_KEY_ID)] if filled and not known else []


def _add(whole: CheckState, part: CheckState) -> None:
    whole.sums.add(part.sums)
    whole.report.findings += part.report.findings
    whole.report.blocks += part.report.blocks
    whole.report.memberships += part.report.memberships
    whole.report.bytes += part.report.bytes


_BLOCKS: Final[LiteralString] = """
    SELECT shard, segment_id, merged, level, lead, keys, holders, consented_at, record_ids FROM membership_block
    WHERE shard >= %s AND shard <= %s
"""
_STAGED: Final[LiteralString] = """
    SELECT dataset_id, shard, upload, run, number_count, content FROM staged_run WHERE shard >= %s AND shard <= %s
"""


def _check_range(
    reader: psycopg.Connection[Any], state: CheckState, shards: range, on_rows: Callable[[int], None]
) -> CheckState:
    # Rows with a shard that does not exist are checked with the nearest shard.
    bounds = (-(1 << 15) if shards[0] == 0 else shards[0], (1 << 15) - 1 if shards[-1] == SHARDS - 1 else shards[-1])
    for rows in _batches(reader, _BLOCKS, bounds):
        stored_blocks = [
            StoredBlock(block_shard, segment_id, merged, BlockColumns(*columns))
            for block_shard, segment_id, merged, *columns in rows
        ]
        _check_blocks(state, stored_blocks)
        on_rows(len(rows))
    for rows in _batches(reader, _STAGED, bounds):
        for dataset_id, run_shard, upload, number, *columns in rows:
            found = staged_run_violations(state.ring, dataset_id, (run_shard, upload, number), *columns)
            state.report.findings += [Finding(kind, dataset_id=dataset_id, shard=run_shard) for kind in found]
        on_rows(len(rows))
    return state


def _batches(
    reader: psycopg.Connection[Any], query: LiteralString, parameters: Sequence[int]
) -> Iterator[list[tuple[Any, ...]]]:
    with reader.cursor("rows") as cursor:
        cursor.execute(query, parameters, binary=True)
        while rows := cursor.fetchmany(_BATCH):
            yield rows


def _check_blocks(state: CheckState, rows: Sequence[StoredBlock]) -> None:
    """Check each block by itself, and add up what the blocks hold."""
    readable: list[StoredBlock] = []
    for block in rows:
        segment = state.segments.get(block.segment_id)
        state.report.blocks += 1
        state.report.bytes += sum(map(len, filter(None, block.columns[2:])))
        # A retired segment may already be dropped in part.
        if segment is not None and segment.state == SegmentState.RETIRED:
            continue
        violations = block_violations(block.shard, block.merged, block.columns, segment)
        if UNREADABLE.isdisjoint(violations):
            state.report.memberships += membership_count(block.columns)
            violations += _record_id_violations(state.ring, block)
            readable.append(block)
        else:
            state.sums.unreadable |= {block.segment_id, segment.merged_into if segment is not None else None}
        state.report.findings += [_finding(state, block, kind) for kind in violations]
    readable.sort(key=lambda block: block.segment_id)
    for has_holders in (False, True):
        alike = [block for block in readable if (block.columns.holders is not None) == has_holders]
        if alike:
            _check_contents(state, alike)


def _finding(state: CheckState, block: StoredBlock, kind: Violation) -> Finding:
    segment = state.segments.get(block.segment_id)
    only_dataset = segment.members[0].dataset_id if segment is not None and list(segment.members) == [0] else None
    return Finding(kind, block.segment_id, only_dataset, block.shard, block.columns.level, block.columns.lead)


def _record_id_violations(ring: KeyRing, block: StoredBlock) -> list[Violation]:
    try:
        record_ids = encryption.decrypt_record_ids(ring, block.segment_id, block.columns)
    except KeyMismatchError:
        return [Violation.RECORD_IDS_ENCRYPTION]
    if record_ids is None or are_record_ids(record_ids, membership_count(block.columns)):
        return []
    return [Violation.RECORD_IDS]


def _check_contents(state: CheckState, rows: Sequence[StoredBlock]) -> None:
    """Check the keys of readable blocks. All or none have lists of holders, and they are ordered by segment."""
    keys_only = [block.columns._replace(holders=None, consented_at=None, record_ids=None) for block in rows]
    keys = blocks.unpack_blocks(keys_only)[0].keys
    violations = [*key_violations(keys_only, keys), *_pseudonym_violations(state.ring, keys_only, keys)]
    state.report.findings += [_finding(state, rows[index], kind) for index, kind in violations]
    with_times = [block.columns._replace(record_ids=None) for block in rows]
    decrypted = encryption.decrypt_blocks(state.ring, [block.segment_id for block in rows], with_times)
    run, counts = blocks.unpack_blocks(decrypted)
    start = 0
    with_counts = zip(rows, counts.tolist(), strict=True)
    for segment_id, group in groupby(with_counts, lambda block_and_count: block_and_count[0].segment_id):
        end = start + sum(count for _, count in group)
        _add_to_sums(state, state.segments[segment_id], run[start:end])
        start = end


def _pseudonym_violations(ring: KeyRing, rows: Sequence[BlockColumns], keys: Keys) -> Iterator[tuple[int, Violation]]:
    if are_pseudonyms(ring, keys):
        return
    start = 0
    for index, row in enumerate(rows):
        end = start + membership_count(row)
        if not are_pseudonyms(ring, keys[start:end]):
            yield index, Violation.PSEUDONYMS
        start = end


def _add_to_sums(state: CheckState, segment: CatalogueSegment, run: Run) -> None:
    digests = runs.digests(run, segment.places)
    for place in segment.members:
        state.sums.stored[segment.id, place] += digests[place]
    target = state.segments.get(segment.merged_into or 0)
    if target is not None:
        merged = run[blocks.leads_of(run.keys) < (target.next_lead or 0)]
        digests = runs.digests(merged, segment.places)
        for place, member in segment.members.items():
            state.sums.to_merge[target.id, member.dataset_id] += digests[place]


def _sum_findings(state: CheckState) -> Iterator[Finding]:
    """Where readable segments do not hold what they should."""
    sums = state.sums
    for segment in state.segments.values():
        if segment.id in sums.unreadable:
            continue
        for place, member in segment.members.items():
            stored = sums.stored[segment.id, place]
            at = (segment.id, member.dataset_id)
            if segment.state == SegmentState.LIVE and stored.count != member.number_count:
                yield Finding(Violation.COUNT, *at)
            elif segment.state == SegmentState.LIVE and stored != _recorded_digest(state.ring, member):
                yield Finding(Violation.DIGEST, *at)
            elif segment.state == SegmentState.MERGING and stored != sums.to_merge[at]:
                yield Finding(Violation.MERGED, *at)


def _recorded_digest(ring: KeyRing, member: CatalogueMember) -> Digest | None:
    """The digest that a segment's catalogue records for a dataset; None if it cannot be decrypted."""
    try:
        return encryption.decrypt_digest(ring, member.dataset_id, member.number_count, member.digest)
    except KeyMismatchError:
        return None
