"""Compaction: the blocks of many small datasets become those of one segment, so that a lookup reads few rows.

A merge goes through the key space in steps, each a short transaction that also says how far it came. The last one
makes the new segment live and its sources retired, at once; then the sources are dropped. Whatever is interrupted
goes on from where it was, also when a process was killed, and several at once only take turns. Lookups read the
sources until the last step. An erasure reaches the sources, what is merged of them already and what is not dropped
yet: it and all that is done here lock the shard that they work on.
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
from service.core.db import Database, driver
from service.core.locks import Lock
from service.core.resources import Resources
from service.core.task_queue import others_wait, task
from service.membership import blocks, runs, store
from service.membership.blocks import LEADS, SHARDS, Columns
from service.membership.models import SegmentState
from service.membership.runs import Run
from service.membership.store import Connection, Segment, rows_of
from service.number.keyring import KeyRing

# Fewer are not worth rewriting: a lookup reads that many rows in some microseconds.
MERGE_AT_LEAST: Final = 4
# A dataset beyond this keeps blocks of its own: there are few such, and rewriting them takes long.
LARGEST_DATASET: Final = 1 << 24
# Reading one small dataset out of a segment reads the segment, so that none grows without end.
LARGEST_SEGMENT: Final = 1 << 26
MOST_DATASETS: Final = 1 << 16
# Memberships of one step: some tens of milliseconds, for which an erasure in the same shard waits.
STEP: Final = 1 << 16
# A step reads whole blocks, however many sources there are: no more than these memberships at least.
LARGEST_STEP: Final = 1 << 18


class Standing(NamedTuple):
    """A live segment: how coarse its blocks are, how many datasets and memberships it has."""

    id: int
    level: int
    datasets: int
    memberships: int


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge under way: the new segment, what its sources hold together, and the width of a step in leads.

    `offsets` has for each source the place of its first dataset in the new list.
    """

    id: int
    offsets: dict[int, int]
    datasets: int
    memberships: int
    width: int


Pace = Callable[[Merge, float, float], Awaitable[None]]
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
    step = 0.0
    for size, each in enumerate(small, 1):
        total, datasets, step = total + each.memberships, datasets + each.datasets, step + _block_size(each)
        if total > LARGEST_SEGMENT or datasets > MOST_DATASETS or step > LARGEST_STEP:
            break
        if size > 1 if thoroughly else size >= MERGE_AT_LEAST and 2 * each.memberships <= total:
            chosen = size
    return small[:chosen]


def _block_size(segment: Standing) -> float:
    """The memberships of one of its coarsest blocks, in the mean."""
    return segment.memberships / (1 << segment.level)


async def compact(database: Database, ring: KeyRing, pace: Pace, *, thoroughly: bool = False) -> None:
    """Merge until nothing is left that is worth it, and drop what was merged."""
    await _sweep(database)
    while (merge := await _begin(database, thoroughly=thoroughly)) is not None:
        done = 0
        while done < LEADS:
            began = monotonic()
            done = await _step(database, ring, merge)
            await pace(merge, monotonic() - began, done / LEADS)
        await _finish(database, merge)
        await _sweep(database)


_STANDING: Final[LiteralString] = """
    SELECT segment.id, level::int, count(*), sum(number_count)::bigint
    FROM membership_segment AS segment JOIN segment_member AS member ON member.segment_id = segment.id
    WHERE state = 'live' AND merged_into IS NULL GROUP BY segment.id
"""
# Segments of one dataset first: they are read apart from the others, and the holders of a key come in ascending order.
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
        # Two that begin at once would choose the same segments. Sealings write other rows, and do not wait.
        await locks.take(conn, Lock.MERGE_CHOICE)
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
        placed = {"merge": merge_id, "ids": list(merge.offsets), "offsets": list(merge.offsets.values())}
        await conn.execute(_MEMBERS, placed)
        return merge


async def _merge(conn: Connection, merge_id: int) -> Merge:
    found = [Standing(*row) async for row in rows_of(conn, _SOURCES, (merge_id,))]
    *offsets, datasets = accumulate((each.datasets for each in found), initial=0)
    memberships = sum(each.memberships for each in found)
    # A step reads a block of each source at least: less than that is not worth a step.
    size, steps = max(STEP, sum(map(_block_size, found))), SHARDS
    while 2 * steps * size <= memberships:
        steps *= 2
    offset_of = {each.id: offset for each, offset in zip(found, offsets, strict=True)}
    return Merge(merge_id, offset_of, datasets, memberships, LEADS // steps)


_STATE: Final[LiteralString] = """
    SELECT level::int, next_lead FROM membership_segment WHERE id = %s AND state = 'merging' FOR UPDATE
"""


async def _step(database: Database, ring: KeyRing, merge: Merge) -> int:
    """Merge the next range of the key space, and give the lead to which all is merged."""
    # A step that a crash of the database takes back is done again; only the last one must be there to stay.
    async with database.transaction(durable=False) as session:
        conn = await driver(session)
        state = [row async for row in rows_of(conn, _STATE, (merge.id,))]
        if not state or state[0][1] == LEADS:
            return LEADS
        level: int | None = state[0][0]
        begin: int = state[0][1]
        # Erasures may have changed the width since the merge was begun; no block lies in two steps.
        width = merge.width if level is None else max(merge.width, LEADS >> level)
        end = begin - begin % width + width
        await store.lock_shards(conn, [blocks.shard_of(begin)])
        read = await _read(conn, merge, begin, end)
        run = await asyncio.to_thread(_interleaved, ring, merge, read, begin, end)
        if level is None:
            level = _level(run, LEADS // width)
        await store.write_blocks(conn, ring, Segment(merge.id, level), run)
        query: LiteralString = "UPDATE membership_segment SET level = %s, next_lead = %s WHERE id = %s"
        await conn.execute(query, (level, end, merge.id))
        return end


# A block of a coarse segment may begin before the step does. Each segment's are found by its index, whatever the
# planner thinks of many segments at once.
_READ: Final[LiteralString] = """
    SELECT block.* FROM membership_segment AS source CROSS JOIN LATERAL (
        SELECT segment_id, level::int, lead, keys, holders, consented_at, record_ids
        FROM membership_block WHERE segment_id = source.id AND lead < %(end)s
         AND lead >= %(begin)s::int >> (30 - source.level) << (30 - source.level) OFFSET 0) AS block
    WHERE source.merged_into = %(merge)s
"""


async def _read(conn: Connection, merge: Merge, begin: int, end: int) -> list[tuple[Any, ...]]:
    async with conn.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_READ, {"merge": merge.id, "begin": begin, "end": end})
        return await cursor.fetchall()


def _interleaved(ring: KeyRing, merge: Merge, read: list[tuple[Any, ...]], begin: int, end: int) -> Run:
    """The memberships of all sources from `begin` to before `end`, each with the place of its holder."""
    # Blocks of one dataset say nothing of holders, and are unpacked apart from the others.
    read.sort(key=_SEGMENT_AND_LEAD)
    parts: dict[bool, tuple[list[int], list[Columns]]] = {False: ([], []), True: ([], [])}
    for segment_id, *columns in read:
        row = store.decrypt_record_ids(ring, segment_id, Columns(*columns))
        offsets, rows = parts[row.holders is not None]
        offsets.append(merge.offsets[segment_id])
        rows.append(row)
    run = runs.interleave([_placed(*part) for part in parts.values() if part[0]])
    leads = blocks.leads_of(run.keys)
    return run[(leads >= begin) & (leads < end)]


_SEGMENT_AND_LEAD: Final = itemgetter(0, 2)


def _placed(offsets: Sequence[int], rows: Sequence[Columns]) -> Run:
    """What blocks of several segments hold, with the holders' places in the new list."""
    run, counts = blocks.unpacked(rows)
    holders = runs.holders_of(run) + np.repeat(np.array(offsets, np.uint16), counts)
    return Run(run.keys, run.consented_at, run.record_ids, holders)


def _level(run: Run, ranges: int) -> int:
    """The level that fits, if all of the `ranges` of the key space are like that of `run`; no block lies in two."""
    keys = int(np.count_nonzero(~runs.repeated(run.keys)))
    lists = 2 * keys + 2 * len(run)
    consents = 0 if run.consented_at is None else blocks.TIME_BYTES * len(run)
    named = 0 if run.record_ids is None else len(blocks.pack_record_ids(run.record_ids))
    fitting = blocks.fit_level(keys * ranges, (lists + consents + named) / max(keys, 1))
    return max(fitting, ranges.bit_length() - 1)


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
        await store.lock_shards(conn, range(SHARDS))
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
        async with database.transaction(durable=False) as session:
            conn = await driver(session)
            await store.lock_shards(conn, [shard])
            await store.drop_blocks(conn, retired, shard)
    async with database.transaction() as session:
        await (await driver(session)).execute("DELETE FROM membership_segment WHERE id = ANY(%s)", (retired,))
    await database.vacuum("membership_block")


# A run ends after this time, whatever it is waiting for, and the next one goes on.
_RUN_SECONDS: Final = 45
# After this time it leaves its place at the worker to a job that is waiting for one.
_FAIR_SECONDS: Final = 5
_ACTIVE: Final[LiteralString] = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()
"""


@task("compact_memberships", cron="* * * * *")
async def compact_memberships(resources: Resources) -> None:
    """Compact in the background, and rest as long as each step took; longer while others are at work."""
    database = resources.get(Database)
    ends_fairly = monotonic() + _FAIR_SECONDS

    async def rest(_merge: Merge, seconds: float, _done: float) -> None:
        async with database.snapshot() as session:
            ((active,),) = [row async for row in rows_of(await driver(session), _ACTIVE, None)]
            waited_for = monotonic() > ends_fairly and await others_wait(session, "compact_memberships")
        if waited_for:
            raise TimeoutError
        await asyncio.sleep(seconds * (1 + 2 * min(active, 2)))

    async with database.transaction() as session:
        # A run that began late is still at work when the next one is due. A second place at the worker is not for it.
        if await locks.try_to_take(session, Lock.COMPACTION_RUN):
            with suppress(TimeoutError):
                async with asyncio.timeout(_RUN_SECONDS):
                    await compact(database, resources.get(KeyRing), rest)
