"""Compaction: merges the blocks of many small datasets into one segment, so that a lookup reads few rows.

A merge goes through the key space in steps. Each step is a short transaction that also records the progress. A last
transaction makes the new segment live and retires its sources; then the sources are dropped. Interrupted work goes on
from where it stopped, even if the process was killed. Several compactions at once take turns. Lookups read the sources
until the last transaction. An erasure also reaches merged blocks and retired segments: erasures and steps lock the
shard that they work on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from time import monotonic
from typing import Any, Final, LiteralString, NamedTuple

import numpy as np
from psycopg.rows import tuple_row

from service.core import locks
from service.core.db import Database, connection_of
from service.core.locks import Lock
from service.core.resources import Resources
from service.core.task_queue import other_jobs_wait, task
from service.membership import blocks, encryption, runs, store
from service.membership.blocks import LEADS, SHARDS, BlockColumns
from service.membership.models import SegmentState
from service.membership.runs import Run
from service.membership.store import Connection, Segment, rows_of
from service.number.keyring import KeyRing

# Fewer segments are not worth rewriting: a lookup reads that many rows in some microseconds.
MERGE_AT_LEAST: Final = 4
# A larger dataset keeps its own blocks: there are few such datasets, and rewriting them takes long.
LARGEST_DATASET: Final = 1 << 24
# Reading one small dataset means reading its whole segment, so segments must not grow without end.
LARGEST_SEGMENT: Final = 1 << 26
MOST_DATASETS: Final = 1 << 16
# The memberships of one step. It takes some tens of milliseconds, for which an erasure in the same shard waits.
STEP: Final = 1 << 16
# A step reads at least one whole block of each source, which together must not exceed this many memberships.
LARGEST_STEP: Final = 1 << 18


class LiveSegment(NamedTuple):
    """A live segment: the level of its coarsest blocks, and how many datasets and memberships it has."""

    id: int
    level: int
    datasets: int
    memberships: int


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge in progress: the new segment, what its sources hold together, and the width of a step in leads.

    `offsets` gives for each source the place of its first dataset in the new list.
    """

    id: int
    offsets: dict[int, int]
    datasets: int
    memberships: int
    width: int


AfterStep = Callable[[Merge, float, float], Awaitable[None]]
"""Called after each step with the merge, the seconds that the step took, and the progress from 0 to 1."""


def choose_segments(live: Sequence[LiveSegment], *, thoroughly: bool = False) -> list[LiveSegment]:
    """The segments to merge next; none if a merge is not worthwhile.

    Chooses as many of the smallest segments as possible such that the largest chosen holds at most half of the total.
    So each merge at least doubles the segment of every number in it, which limits how often a number is rewritten. The
    segments left afterwards double in size from one to the next, except for three. `thoroughly` chooses all segments
    that may be merged at all.
    """
    small = [segment for segment in live if segment.datasets > 1 or segment.memberships <= LARGEST_DATASET]
    small.sort(key=lambda segment: (segment.memberships, segment.id))
    chosen = total = datasets = 0
    step = 0.0
    for count, segment in enumerate(small, 1):
        total, datasets = total + segment.memberships, datasets + segment.datasets
        step += _block_size(segment)
        if total > LARGEST_SEGMENT or datasets > MOST_DATASETS or step > LARGEST_STEP:
            break
        if count > 1 if thoroughly else count >= MERGE_AT_LEAST and 2 * segment.memberships <= total:
            chosen = count
    return small[:chosen]


def _block_size(segment: LiveSegment) -> float:
    """The mean number of memberships in the segment's coarsest blocks."""
    return segment.memberships / (1 << segment.level)


async def compact(database: Database, ring: KeyRing, after_step: AfterStep, *, thoroughly: bool = False) -> None:
    """Merge segments until no further merge is worthwhile, and drop the merged segments."""
    await _drop_retired(database)
    while (merge := await _begin_merge(database, thoroughly=thoroughly)) is not None:
        next_lead = 0
        while next_lead < LEADS:
            began = monotonic()
            next_lead = await _merge_step(database, ring, merge)
            await after_step(merge, monotonic() - began, next_lead / LEADS)
        await _finish_merge(database, merge)
        await _drop_retired(database)


_MERGEABLE: Final[LiteralString] = """
    SELECT segment.id, level::int, count(*), sum(number_count)::bigint
    FROM membership_segment AS segment JOIN segment_member AS member ON member.segment_id = segment.id
    WHERE state = 'live' AND merged_into IS NULL GROUP BY segment.id
"""
# Segments of a single dataset come first. They are read apart from the others, and in this order the holders of a key
# are in ascending order.
_SOURCES: Final[LiteralString] = """
    SELECT segment.id, level::int, count(*), sum(number_count)::bigint
    FROM membership_segment AS segment JOIN segment_member AS member ON member.segment_id = segment.id
    WHERE merged_into = %s GROUP BY segment.id ORDER BY count(*) > 1, segment.id
"""
_MEMBERS: Final[LiteralString] = """
    INSERT INTO segment_member (segment_id, place, dataset_id, number_count, digest)
    SELECT %(merge)s, source.first + place, dataset_id, 0, ''
    FROM segment_member JOIN unnest(%(ids)s::int[], %(offsets)s::int[]) AS source (id, first) ON segment_id = source.id
"""


async def mergeable_segments(conn: Connection) -> list[LiveSegment]:
    """Every live segment that is not being merged."""
    return [LiveSegment(*row) async for row in rows_of(conn, _MERGEABLE, None)]


async def _begin_merge(database: Database, *, thoroughly: bool) -> Merge | None:
    """The merge that has already begun, or a new merge; None if there is nothing to merge."""
    async with database.transaction() as session:
        conn = await connection_of(session)
        # Two merges begun at once would choose the same segments. Sealings write other rows and do not wait.
        await locks.take(conn, Lock.MERGE_CHOICE)
        query: LiteralString = "SELECT id FROM membership_segment WHERE state = %s"
        begun = [row[0] async for row in rows_of(conn, query, (SegmentState.MERGING,))]
        if begun:
            return await _read_merge(conn, begun[0])
        chosen = choose_segments(await mergeable_segments(conn), thoroughly=thoroughly)
        if not chosen:
            return None
        query = """
            INSERT INTO membership_segment (state, next_lead, created_at) VALUES (%s, 0, now()) RETURNING id
        """
        ((merge_id,),) = [row async for row in rows_of(conn, query, (SegmentState.MERGING,))]
        query = "UPDATE membership_segment SET merged_into = %s WHERE id = ANY(%s)"
        await conn.execute(query, (merge_id, [segment.id for segment in chosen]))
        merge = await _read_merge(conn, merge_id)
        placed = {"merge": merge_id, "ids": list(merge.offsets), "offsets": list(merge.offsets.values())}
        await conn.execute(_MEMBERS, placed)
        return merge


async def _read_merge(conn: Connection, merge_id: int) -> Merge:
    sources = [LiveSegment(*row) async for row in rows_of(conn, _SOURCES, (merge_id,))]
    *offsets, datasets = accumulate((source.datasets for source in sources), initial=0)
    memberships = sum(source.memberships for source in sources)
    # A step reads at least a block of each source, so a smaller step is not worthwhile.
    size, steps = max(STEP, sum(map(_block_size, sources))), SHARDS
    while 2 * steps * size <= memberships:
        steps *= 2
    offset_of = {source.id: offset for source, offset in zip(sources, offsets, strict=True)}
    return Merge(merge_id, offset_of, datasets, memberships, LEADS // steps)


_STATE: Final[LiteralString] = """
    SELECT level::int, next_lead FROM membership_segment WHERE id = %s AND state = 'merging' FOR UPDATE
"""


async def _merge_step(database: Database, ring: KeyRing, merge: Merge) -> int:
    """Merge the next range of the key space. Returns the lead up to which everything is merged."""
    # A step lost in a crash of the database is repeated. Only the last transaction of a merge must be durable.
    async with database.transaction(durable=False) as session:
        conn = await connection_of(session)
        state = [row async for row in rows_of(conn, _STATE, (merge.id,))]
        if not state or state[0][1] == LEADS:
            return LEADS
        level: int | None = state[0][0]
        begin: int = state[0][1]
        # Erasures may have changed the width since the merge began. No block may lie in two steps.
        width = merge.width if level is None else max(merge.width, LEADS >> level)
        end = begin - begin % width + width
        await store.lock_shards(conn, [blocks.shard_of(begin)])
        rows = await _read_source_blocks(conn, merge, begin, end)
        run = await asyncio.to_thread(_interleave_sources, ring, merge, rows, begin, end)
        if level is None:
            level = _fit_level(run, LEADS // width)
        await store.write_blocks(conn, ring, Segment(merge.id, level), run)
        query: LiteralString = "UPDATE membership_segment SET level = %s, next_lead = %s WHERE id = %s"
        await conn.execute(query, (level, end, merge.id))
        return end


# A block of a coarse segment may begin before the step does. OFFSET 0 makes the planner use the index for each segment
# instead of scanning many segments at once.
_SOURCE_BLOCKS: Final[LiteralString] = """
    SELECT block.* FROM membership_segment AS source CROSS JOIN LATERAL (
        SELECT segment_id, level::int, lead, keys, holders, consented_at, record_ids
        FROM membership_block WHERE segment_id = source.id AND lead < %(end)s
         AND lead >= %(begin)s::int >> (30 - source.level) << (30 - source.level) OFFSET 0) AS block
    WHERE source.merged_into = %(merge)s
"""


async def _read_source_blocks(conn: Connection, merge: Merge, begin: int, end: int) -> list[tuple[Any, ...]]:
    async with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_SOURCE_BLOCKS, {"merge": merge.id, "begin": begin, "end": end})
        return await cursor.fetchall()


def _interleave_sources(ring: KeyRing, merge: Merge, rows: list[tuple[Any, ...]], begin: int, end: int) -> Run:
    """The memberships of all sources with leads from `begin` to before `end`, each with the place of its holder."""
    # Blocks of a single dataset have no list of holders and are unpacked apart from the others.
    rows.sort(key=_SEGMENT_AND_LEAD)
    parts: dict[bool, tuple[list[int], list[BlockColumns]]] = {False: ([], []), True: ([], [])}
    segment_ids = [row[0] for row in rows]
    decrypted = encryption.decrypt_blocks(ring, segment_ids, [BlockColumns(*row[1:]) for row in rows])
    for segment_id, block in zip(segment_ids, decrypted, strict=True):
        offsets, part_blocks = parts[block.holders is not None]
        offsets.append(merge.offsets[segment_id])
        part_blocks.append(block)
    run = runs.interleave([_unpack_with_new_places(*part) for part in parts.values() if part[0]])
    leads = blocks.leads_of(run.keys)
    return run[(leads >= begin) & (leads < end)]


_SEGMENT_AND_LEAD: Final = itemgetter(0, 2)


def _unpack_with_new_places(offsets: Sequence[int], rows: Sequence[BlockColumns]) -> Run:
    """What blocks of several segments hold, with the holders' places in the new list."""
    run, counts = blocks.unpack_blocks(rows)
    holders = runs.holders_of(run) + np.repeat(np.array(offsets, np.uint16), counts)
    return Run(run.keys, run.consented_at, run.record_ids, holders)


def _fit_level(run: Run, ranges: int) -> int:
    """The level that fits if all `ranges` of the key space are like that of `run`. No block may lie in two ranges."""
    keys = int(np.count_nonzero(~runs.repeats_previous(run.keys)))
    holder_bytes = 2 * keys + 2 * len(run)
    time_bytes = 0 if run.consented_at is None else blocks.TIME_BYTES * len(run)
    record_id_bytes = 0 if run.record_ids is None else len(blocks.pack_record_ids(run.record_ids))
    fitting = blocks.fit_level(keys * ranges, (holder_bytes + time_bytes + record_id_bytes) / max(keys, 1))
    return max(fitting, ranges.bit_length() - 1)


# Erasures went on during the merge, so the counts are those that the sources have now.
_COUNTS: Final[LiteralString] = """
    UPDATE segment_member AS merged SET number_count = member.number_count, digest = member.digest
    FROM segment_member AS member JOIN membership_segment AS source ON source.id = member.segment_id
    WHERE source.merged_into = merged.segment_id AND merged.dataset_id = member.dataset_id AND merged.segment_id = %s
"""


async def _finish_merge(database: Database, merge: Merge) -> None:
    """Make lookups read the new segment instead of its sources."""
    async with database.transaction() as session:
        conn = await connection_of(session)
        await store.lock_shards(conn, range(SHARDS))
        if not [row async for row in rows_of(conn, _STATE, (merge.id,))]:
            return
        await conn.execute(_COUNTS, (merge.id,))
        query: LiteralString = "UPDATE membership_segment SET state = %s, merged_into = NULL WHERE merged_into = %s"
        await conn.execute(query, (SegmentState.RETIRED, merge.id))
        query = "UPDATE membership_segment SET state = %s, next_lead = NULL WHERE id = %s"
        await conn.execute(query, (SegmentState.LIVE, merge.id))


async def _drop_retired(database: Database) -> None:
    """Drop retired segments, and return their room."""
    query: LiteralString = "SELECT id FROM membership_segment WHERE state = %s"
    async with database.transaction() as session:
        retired = [row[0] async for row in rows_of(await connection_of(session), query, (SegmentState.RETIRED,))]
    if not retired:
        return
    for shard in range(SHARDS):
        async with database.transaction(durable=False) as session:
            conn = await connection_of(session)
            await store.lock_shards(conn, [shard])
            await store.drop_blocks(conn, retired, shard)
    async with database.transaction() as session:
        await (await connection_of(session)).execute("DELETE FROM membership_segment WHERE id = ANY(%s)", (retired,))
    await database.vacuum("membership_block")


# A background run ends after this time, whatever it is waiting for, and the next run goes on.
_RUN_SECONDS: Final = 45
# After this time a run leaves its place in the worker to a waiting job.
_FAIR_SECONDS: Final = 5
_ACTIVE: Final[LiteralString] = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()
"""


@task("compact_memberships", cron="* * * * *")
async def compact_memberships(resources: Resources) -> None:
    """Compact in the background. After each step, rest as long as it took, or longer while other queries run."""
    database = resources.get(Database)
    ends_fairly = monotonic() + _FAIR_SECONDS

    async def rest(_merge: Merge, seconds: float, _done: float) -> None:
        async with database.snapshot() as session:
            ((active,),) = [row async for row in rows_of(await connection_of(session), _ACTIVE, None)]
            waited_for = monotonic() > ends_fairly and await other_jobs_wait(session, "compact_memberships")
        if waited_for:
            raise TimeoutError
        await asyncio.sleep(seconds * (1 + 2 * min(active, 2)))

    async with database.transaction() as session:
        # A run that began late is still going when the next run is due, which must not take a second place.
        if await locks.try_to_take(session, Lock.COMPACTION_RUN):
            with suppress(TimeoutError):
                async with asyncio.timeout(_RUN_SECONDS):
                    await compact(database, resources.get(KeyRing), rest)
