"""Compaction: the blocks of many small datasets become those of one segment, so that a lookup reads few rows.

A merge goes through the key space in steps, each a short transaction that also says how far it came. The last one
makes the new segment live and its sources retired, at once; then the sources are dropped. Whatever is interrupted
goes on from where it was, also when a process was killed, and several at once only take turns. Lookups read the
sources until the last step. An erasure reaches the sources and what is merged of them already: it and the steps lock
the shard that they work on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from time import monotonic
from typing import Any, Final, LiteralString, NamedTuple

import numpy as np
from procrastinate import JobContext

from service.core.db import Database, driver
from service.core.jobs import task
from service.membership import blocks, runs, store
from service.membership.blocks import LEADS, SHARDS, Columns
from service.membership.models import SegmentState
from service.membership.pseudonym import KeyRing
from service.membership.runs import Run
from service.membership.store import Connection, Segment, rows_of

# Fewer are not worth rewriting: a lookup reads that many rows in some microseconds.
MERGE_AT_LEAST: Final = 4
# A dataset beyond this keeps blocks of its own: there are few such, and rewriting them takes long.
LARGEST_DATASET: Final = 1 << 24
# Reading one small dataset out of a segment reads the segment, so that none grows without end.
LARGEST_SEGMENT: Final = 1 << 26
MOST_DATASETS: Final = 1 << 16
# Memberships of one step: some tens of milliseconds, for which an erasure in the same shard waits.
STEP: Final = 1 << 16


class Standing(NamedTuple):
    """A live segment: how coarse its blocks are, how many datasets and memberships it has."""

    id: int
    level: int
    datasets: int
    memberships: int


class Source(NamedTuple):
    """A segment that is being merged; the first of its datasets gets the place `offset` in the new list."""

    id: int
    level: int
    datasets: int
    offset: int


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge under way: the new segment, its sources, and the width of a step in leads."""

    id: int
    sources: list[Source]
    width: int


Pace = Callable[[float, float], Awaitable[None]]
"""Called after each step with the seconds that it took and how much of the key space is merged, from 0 to 1."""


def choose(live: Sequence[Standing], *, thoroughly: bool = False) -> list[Standing]:
    """The segments to merge next; none if that is not worth while.

    As many of the smallest as together hold at least what the largest among them does: so each merge at least doubles
    the segment of every number in it, and nothing is rewritten more often than that allows. What is left afterwards
    doubles from one to the next, but for three. `thoroughly` takes all that may be merged at all.
    """
    small = [each for each in live if each.datasets > 1 or each.memberships <= LARGEST_DATASET]
    small.sort(key=lambda each: (each.memberships, each.id))
    chosen = total = datasets = 0
    for size, each in enumerate(small, 1):
        total, datasets = total + each.memberships, datasets + each.datasets
        if total > LARGEST_SEGMENT or datasets > MOST_DATASETS:
            break
        if size > 1 if thoroughly else size >= MERGE_AT_LEAST and 2 * each.memberships <= total:
            chosen = size
    return small[:chosen]


async def compact(database: Database, ring: KeyRing, pace: Pace, *, thoroughly: bool = False) -> None:
    """Merge until nothing is left that is worth it, and drop what was merged."""
    await _sweep(database)
    while (merge := await _begin(database, thoroughly=thoroughly)) is not None:
        done = 0
        while done < LEADS:
            began = monotonic()
            done = await _step(database, ring, merge)
            await pace(monotonic() - began, done / LEADS)
        await _finish(database, merge)
        await _sweep(database)


_STANDING: Final[LiteralString] = """
    SELECT segment.id, level::int, count(*), sum(number_count)::bigint
    FROM membership_segment AS segment JOIN segment_member AS member ON member.segment_id = segment.id
    WHERE state = 'live' AND merged_into IS NULL GROUP BY segment.id
"""
# Segments of one dataset first: their blocks say nothing of holders, and are read apart from the others.
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


async def standing(conn: Connection) -> list[Standing]:
    """Every live segment that is not being merged."""
    return [Standing(*row) async for row in rows_of(conn, _STANDING, None)]


async def _begin(database: Database, *, thoroughly: bool) -> Merge | None:
    """The merge that was begun, or a new one; None if there is nothing to merge."""
    async with database.transaction() as session:
        conn = await driver(session)
        # Two that begin at once would choose the same segments. Nobody writes these rows more often.
        await conn.execute("LOCK TABLE membership_segment IN SHARE ROW EXCLUSIVE MODE")
        query: LiteralString = "SELECT id FROM membership_segment WHERE state = %s"
        begun = [row[0] async for row in rows_of(conn, query, (SegmentState.MERGING,))]
        if begun:
            return await _merge(conn, begun[0])
        chosen = choose(await standing(conn), thoroughly=thoroughly)
        if not chosen:
            return None
        query = """
            INSERT INTO membership_segment (state, next_lead, created_at) VALUES (%s, 0, now()) RETURNING id
        """
        ((merge_id,),) = [row async for row in rows_of(conn, query, (SegmentState.MERGING,))]
        query = "UPDATE membership_segment SET merged_into = %s WHERE id = ANY(%s)"
        await conn.execute(query, (merge_id, [each.id for each in chosen]))
        merge = await _merge(conn, merge_id)
        ids, offsets = [each.id for each in merge.sources], [each.offset for each in merge.sources]
        await conn.execute(_MEMBERS, {"merge": merge_id, "ids": ids, "offsets": offsets})
        return merge


async def _merge(conn: Connection, merge_id: int) -> Merge:
    found = [Standing(*row) async for row in rows_of(conn, _SOURCES, (merge_id,))]
    offsets = accumulate((each.datasets for each in found), initial=0)
    sources = [Source(each.id, each.level, each.datasets, at) for each, at in zip(found, offsets, strict=False)]
    steps = SHARDS
    while steps * STEP < sum(each.memberships for each in found):
        steps *= 2
    return Merge(merge_id, sources, LEADS // steps)


_STATE: Final[LiteralString] = """
    SELECT level::int, next_lead FROM membership_segment WHERE id = %s AND state = 'merging' FOR UPDATE
"""


async def _step(database: Database, ring: KeyRing, merge: Merge) -> int:
    """Merge the next range of the key space, and give the lead to which all is merged."""
    async with database.transaction() as session:
        conn = await driver(session)
        # A step that a crash of the database takes back is done again; only the last one must be there to stay.
        await conn.execute("SET LOCAL synchronous_commit = off")
        state = [row async for row in rows_of(conn, _STATE, (merge.id,))]
        if not state or state[0][1] == LEADS:
            return LEADS
        level: int | None = state[0][0]
        begin: int = state[0][1]
        end = begin - begin % merge.width + merge.width
        await store.hold_shards(conn, [blocks.shard_of(begin)])
        read = await _read(conn, merge, begin, end)
        run = await asyncio.to_thread(_interleaved, ring, merge, read, begin, end)
        if level is None:
            level = _level(run, LEADS // (end - begin))
        await store.write_blocks(conn, ring, Segment(merge.id, level), run)
        query: LiteralString = "UPDATE membership_segment SET level = %s, next_lead = %s WHERE id = %s"
        await conn.execute(query, (level, end, merge.id))
        return end


# A block of a coarse segment may begin before the step does.
_READ: Final[LiteralString] = """
    SELECT source.at - 1, block.segment_id, level::int, lead, keys, holders, consented_at, record_ids
    FROM unnest(%(ids)s::int[], %(begins)s::int[]) WITH ORDINALITY AS source (id, begin, at)
    JOIN membership_block AS block ON block.segment_id = source.id AND lead >= source.begin AND lead < %(end)s
"""


async def _read(conn: Connection, merge: Merge, begin: int, end: int) -> list[tuple[Any, ...]]:
    parameters = {
        "ids": [source.id for source in merge.sources],
        "begins": [blocks.floor_lead(begin, source.level) for source in merge.sources],
        "end": end,
    }
    read = [row async for row in rows_of(conn, _READ, parameters)]
    return sorted(read, key=lambda row: (row[0], row[3]))


def _interleaved(ring: KeyRing, merge: Merge, read: Sequence[tuple[Any, ...]], begin: int, end: int) -> Run:
    """The memberships of all sources from `begin` to before `end`, each with the place of its holder."""
    found: list[tuple[Source, Columns]] = []
    for at, segment_id, *columns in read:
        found.append((merge.sources[at], store.unseal_record_ids(ring, segment_id, Columns(*columns))))
    parts = []
    for several in (False, True):
        some = [(source, row) for source, row in found if (row.holders is not None) == several]
        if some:
            parts.append(_placed([source for source, _ in some], [row for _, row in some]))
    run = runs.interleave(parts)
    leads = blocks.leads_of(run.keys)
    return run[(leads >= begin) & (leads < end)]


def _placed(sources: Sequence[Source], rows: Sequence[Columns]) -> Run:
    """What blocks of several segments hold, with the holders' places in the new list."""
    run, counts = blocks.unpacked(rows)
    offsets = np.repeat(np.array([source.offset for source in sources], np.uint16), counts)
    return Run(run.keys, run.consented_at, run.record_ids, runs.holders_of(run) + offsets)


def _level(run: Run, ranges: int) -> int:
    """The level that fits, if the whole key space is like the range that `run` is of."""
    keys = int(np.count_nonzero(~runs.repeated(run.keys)))
    lists = 2 * keys + 2 * len(run)
    consents = 0 if run.consented_at is None else blocks.TIME_BYTES * len(run)
    named = 0 if run.record_ids is None else len(blocks.pack_record_ids(run.record_ids))
    return blocks.fit_level(keys * ranges, (lists + consents + named) / max(keys, 1))


# Erasures went on: the counts are those that the sources have now.
_COUNTS: Final[LiteralString] = """
    UPDATE segment_member AS merged SET number_count = member.number_count, digest = member.digest
    FROM segment_member AS member JOIN membership_segment AS source ON source.id = member.segment_id
    WHERE source.merged_into = merged.segment_id AND merged.dataset_id = member.dataset_id AND merged.segment_id = %s
"""


async def _finish(database: Database, merge: Merge) -> None:
    """Have lookups read the new segment in place of its sources."""
    async with database.transaction() as session:
        conn = await driver(session)
        await store.hold_shards(conn, range(SHARDS))
        if not [row async for row in rows_of(conn, _STATE, (merge.id,))]:
            return
        await conn.execute(_COUNTS, (merge.id,))
        query: LiteralString = "UPDATE membership_segment SET state = %s, merged_into = NULL WHERE merged_into = %s"
        await conn.execute(query, (SegmentState.RETIRED, merge.id))
        query = "UPDATE membership_segment SET state = %s, next_lead = NULL WHERE id = %s"
        await conn.execute(query, (SegmentState.LIVE, merge.id))


async def _sweep(database: Database) -> None:
    """Drop retired segments, and give their room back."""
    query: LiteralString = "SELECT id FROM membership_segment WHERE state = %s"
    async with database.transaction() as session:
        retired = [row[0] async for row in rows_of(await driver(session), query, (SegmentState.RETIRED,))]
    if not retired:
        return
    for shard in range(SHARDS):
        async with database.transaction() as session:
            conn = await driver(session)
            await conn.execute("SET LOCAL synchronous_commit = off")
            await store.drop_blocks(conn, retired, shard)
    async with database.transaction() as session:
        await (await driver(session)).execute("DELETE FROM membership_segment WHERE id = ANY(%s)", (retired,))
    await database.vacuum("membership_block")


# A run ends after this time, so that sealings find a free worker; the next one goes on.
_RUN_SECONDS: Final = 45
_BUSY: Final[LiteralString] = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
"""


class _TimeIsUp(Exception):
    pass


@task("compact_memberships", cron="* * * * *")
async def compact_memberships(context: JobContext, timestamp: int) -> None:
    """Compact in the background, and rest as long as each step took; longer while others are at work."""
    database: Database = context.additional_context["database"]
    ends_at = monotonic() + _RUN_SECONDS

    async def pace(seconds: float, _done: float) -> None:
        if monotonic() > ends_at:
            raise _TimeIsUp
        async with database.snapshot() as session:
            ((others,),) = [row async for row in rows_of(await driver(session), _BUSY, None)]
        await asyncio.sleep(seconds * (1 + 2 * min(others, 2)))

    try:
        await compact(database, context.additional_context["ring"], pace)
    except _TimeIsUp:
        return
