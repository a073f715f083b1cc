"""Checks every stored invariant of memberships, in one snapshot: also while the service writes.

The snapshot of one connection is shared by others that read the blocks, shard by shard. What is counted for a segment
in all shards is compared with what the segment says of itself at the end.
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

from service.core.errors import ConfigurationError
from service.membership import blocks, runs, store
from service.membership.blocks import SHARDS, Columns
from service.membership.fsck.block_checks import (
    UNREADABLE,
    Entry,
    are_pseudonyms,
    are_record_ids,
    block_violations,
    key_violations,
    size_of,
    staged_run_violations,
)
from service.membership.fsck.catalogue_checks import INVARIANTS, read_segments
from service.membership.fsck.exclusion_checks import exclusion_findings
from service.membership.fsck.report import Finding, Leftover, Violation
from service.membership.models import SegmentState
from service.membership.runs import Digest, Run
from service.number.keyring import KeyMismatchError, KeyRing, Keys

# While one computes, the other one's rows arrive. A third would wait for the interpreter.
_READERS: Final = 2
# Rows read at a time, a page or half a page each.
_BATCH: Final = 2048

Watch = Callable[[int, int], None]
"""Called, by any thread, with how many rows have just been checked, and how many there are in all."""


@dataclass
class Report:
    """What a check found, in key order of each segment, and how much it read."""

    findings: list[Finding] = field(default_factory=list)
    blocks: int = 0
    memberships: int = 0
    bytes: int = 0

    @property
    def damage(self) -> list[Finding]:
        """What must not be."""
        return [each for each in self.findings if isinstance(each.what, Violation)]

    @property
    def leftovers(self) -> list[Finding]:
        """What may be, and will be done away with."""
        return [each for each in self.findings if isinstance(each.what, Leftover)]


class Stored(NamedTuple):
    """A row of the table of blocks."""

    shard: int
    segment_id: int
    merged: bool
    columns: Columns


@dataclass
class Sums:
    """What blocks hold of each place of each segment, and what they should hold where a merge says so.

    `unread` are segments of which, or of whose sources, a block cannot be read, so that their sums mean nothing.
    """

    held: defaultdict[tuple[int, int], Digest] = field(default_factory=lambda: defaultdict(Digest))
    merged: defaultdict[tuple[int, uuid.UUID], Digest] = field(default_factory=lambda: defaultdict(Digest))
    unread: set[int | None] = field(default_factory=set)

    def add(self, other: "Sums") -> None:
        """Count in the sums of other blocks."""
        for place, digest in other.held.items():
            self.held[place] += digest
        for dataset, digest in other.merged.items():
            self.merged[dataset] += digest
        self.unread |= other.unread


@dataclass
class Examination:
    """What a check of blocks needs besides them, and what it has come to so far."""

    ring: KeyRing
    segments: dict[int, Entry]
    report: Report = field(default_factory=Report)
    sums: Sums = field(default_factory=Sums)


def check(dsn: str, ring: KeyRing, watch: Watch) -> Report:
    """Check all memberships of a database.

    Raises:
        ConfigurationError: the memberships were made under another secret than `ring`.
        psycopg.Error: the database does not answer as it should.
    """
    with _reading(dsn) as connection:
        ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()").fetchall()
        segments = read_segments(connection)
        whole = Examination(ring, segments)
        whole.report.findings += _key_findings(connection, ring)
        for what, query in INVARIANTS.items():
            whole.report.findings += [Finding(what, *row) for row in connection.execute(query)]
        whole.report.findings += exclusion_findings(connection, ring)
        ((total,),) = connection.execute(_TOTAL).fetchall()

        with ExitStack() as stack, ThreadPoolExecutor(_READERS) as pool:
            readers: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
            for _ in range(_READERS):
                readers.put(stack.enter_context(_reading(dsn, snapshot)))

            def check_shard(shard: int) -> Examination:
                reader = readers.get()
                try:
                    exam = Examination(ring, segments)
                    return _check_shard(reader, exam, shard, lambda rows: watch(rows, total))
                finally:
                    readers.put(reader)

            for part in pool.map(check_shard, range(SHARDS)):
                _add(whole, part)
    whole.report.findings += _sum_findings(whole)
    whole.report.findings.sort(key=lambda each: each.order)
    return whole.report


_TOTAL: Final[LiteralString] = "SELECT (SELECT count(*) FROM membership_block) + (SELECT count(*) FROM staged_run)"


@contextmanager
def _reading(dsn: str, snapshot: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection that sees one state: that of the exported `snapshot`, or else of its own first statement."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
        if snapshot is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        yield connection


def _key_findings(connection: psycopg.Connection[Any], ring: KeyRing) -> list[Finding]:
    known = [key_id for (key_id,) in connection.execute("SELECT id FROM pseudonym_key")]
    if known and ring.key_id not in known:
        raise ConfigurationError(
            f"The numbers in this database were enciphered under the master secret {known[0]}, and the one given is "
            f"{ring.key_id}: nothing can be checked without the first."
        )
    query = "SELECT EXISTS (SELECT FROM membership_segment) OR EXISTS (SELECT FROM staged_run)"
    ((filled,),) = connection.execute(query).fetchall()
    return [Finding(Violation.NO_KEY_ID)] if filled and not known else []


def _add(whole: Examination, part: Examination) -> None:
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
    SELECT dataset_id, shard, keys, consented_at, record_ids FROM staged_run WHERE shard >= %s AND shard <= %s
"""


def _check_shard(
    reader: psycopg.Connection[Any], exam: Examination, shard: int, watch: Callable[[int], None]
) -> Examination:
    # A shard that there is none of is looked at with the nearest.
    bounds = (-(1 << 15) if shard == 0 else shard, (1 << 15) - 1 if shard == SHARDS - 1 else shard)
    for rows in _batches(reader, _BLOCKS, bounds):
        _check_blocks(exam, [Stored(at, segment, merged, Columns(*columns)) for at, segment, merged, *columns in rows])
        watch(len(rows))
    for rows in _batches(reader, _STAGED, bounds):
        for dataset_id, at, *columns in rows:
            found = staged_run_violations(at, *columns)
            exam.report.findings += [Finding(what, dataset_id=dataset_id, shard=at) for what in found]
        watch(len(rows))
    return exam


def _batches(
    reader: psycopg.Connection[Any], query: LiteralString, parameters: Sequence[int]
) -> Iterator[list[tuple[Any, ...]]]:
    with reader.cursor("rows") as cursor:
        cursor.execute(query, parameters, binary=True)
        while rows := cursor.fetchmany(_BATCH):
            yield rows


def _check_blocks(exam: Examination, rows: Sequence[Stored]) -> None:
    """Check blocks each for itself, and sum up what they hold."""
    sound: list[Stored] = []
    for stored in rows:
        segment = exam.segments.get(stored.segment_id)
        exam.report.blocks += 1
        exam.report.bytes += sum(map(len, filter(None, stored.columns[2:])))
        # What is done with may be there in part.
        if segment is not None and segment.state == SegmentState.RETIRED:
            continue
        flaws = block_violations(stored.shard, stored.merged, stored.columns, segment)
        exam.report.findings += [_finding(exam, stored, what) for what in flaws]
        if UNREADABLE.isdisjoint(flaws):
            exam.report.memberships += size_of(stored.columns)
            exam.report.findings += [_finding(exam, stored, what) for what in _record_id_flaws(exam.ring, stored)]
            sound.append(stored)
        else:
            exam.sums.unread |= {stored.segment_id, segment.merged_into if segment is not None else None}
    sound.sort(key=lambda stored: stored.segment_id)
    for several in (False, True):
        some = [stored for stored in sound if (stored.columns.holders is not None) == several]
        if some:
            _check_contents(exam, some)


def _finding(exam: Examination, stored: Stored, what: Violation) -> Finding:
    segment = exam.segments.get(stored.segment_id)
    alone = segment.members[0].dataset_id if segment is not None and list(segment.members) == [0] else None
    return Finding(what, stored.segment_id, alone, stored.shard, stored.columns.level, stored.columns.lead)


def _record_id_flaws(ring: KeyRing, stored: Stored) -> list[Violation]:
    try:
        opened = store.decrypt_record_ids(ring, stored.segment_id, stored.columns).record_ids
    except KeyMismatchError:
        return [Violation.RECORD_IDS_SEAL]
    if opened is None or are_record_ids(opened, size_of(stored.columns)):
        return []
    return [Violation.RECORD_IDS]


def _check_contents(exam: Examination, rows: Sequence[Stored]) -> None:
    """Check the keys of readable blocks, all with lists of holders or all without, which come segment by segment."""
    keys_only = [stored.columns._replace(holders=None, consented_at=None, record_ids=None) for stored in rows]
    keys = blocks.unpacked(keys_only)[0].keys
    flaws = [*key_violations(keys_only, keys), *_pseudonym_flaws(exam.ring, keys_only, keys)]
    exam.report.findings += [_finding(exam, rows[at], what) for at, what in flaws]
    run, counts = blocks.unpacked([stored.columns._replace(record_ids=None) for stored in rows])
    start = 0
    for segment_id, group in groupby(zip(rows, counts.tolist(), strict=True), lambda each: each[0].segment_id):
        end = start + sum(count for _, count in group)
        _sum_up(exam, exam.segments[segment_id], run[start:end])
        start = end


def _pseudonym_flaws(ring: KeyRing, rows: Sequence[Columns], keys: Keys) -> Iterator[tuple[int, Violation]]:
    if are_pseudonyms(ring, keys):
        return
    start = 0
    for at, row in enumerate(rows):
        end = start + size_of(row)
        if not are_pseudonyms(ring, keys[start:end]):
            yield at, Violation.PSEUDONYMS
        start = end


def _sum_up(exam: Examination, segment: Entry, run: Run) -> None:
    digests = runs.digests(run, segment.places)
    for place in segment.members:
        exam.sums.held[segment.id, place] += digests[place]
    target = exam.segments.get(segment.merged_into or 0)
    if target is not None:
        merged = run[blocks.leads_of(run.keys) < (target.next_lead or 0)]
        digests = runs.digests(merged, segment.places)
        for place, member in segment.members.items():
            exam.sums.merged[target.id, member.dataset_id] += digests[place]


def _sum_findings(exam: Examination) -> Iterator[Finding]:
    """Where the blocks of a segment do not hold what they should, as far as all of them can be read."""
    sums = exam.sums
    for segment in exam.segments.values():
        if segment.id in sums.unread:
            continue
        for place, member in segment.members.items():
            held = sums.held[segment.id, place]
            at = (segment.id, member.dataset_id)
            if segment.state == SegmentState.LIVE and held.count != member.number_count:
                yield Finding(Violation.COUNT, *at)
            elif segment.state == SegmentState.LIVE and store.pack_digest(held) != member.digest:
                yield Finding(Violation.DIGEST, *at)
            elif segment.state == SegmentState.MERGING and held != sums.merged[at]:
                yield Finding(Violation.MERGED, *at)
