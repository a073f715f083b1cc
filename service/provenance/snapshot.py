"""The graph as each process keeps it: one immutable snapshot, replaced when the graph's version changes.

One statement reads the version and a number's memberships. If the process keeps that version, both belong to one state,
and the answer needs no further query. Otherwise version, changed facts and memberships are read again in one REPEATABLE
READ transaction, and the next snapshot is made from the kept one. Either way no answer mixes two states.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import VisibilityIndex
from service.core.db import Connection, Database, connection_of, run
from service.core.erasures import Erasures
from service.membership import store
from service.membership.store import LookupResult, Membership
from service.number.keyring import KeyRing
from service.provenance.answer.cache import AnswerCache
from service.provenance.answer.reads import Reads, changed_entries
from service.provenance.fact_reading import KnownIds, read_difference, read_rows
from service.provenance.graph.difference import Difference, next_facts, whole
from service.provenance.graph.graph import NO_GRAPH, Graph, next_graph
from service.provenance.graph.rows import Rows
from service.provenance.graph.visibility_index import NO_VISIBILITY, next_visibility_index

# A difference of so many objects to a graph of so many datasets takes less than 20 ms. What takes longer would delay
# the other requests of the event loop, and is left to a thread, to which it takes time to switch.
_QUICK_OBJECTS: Final = 200
_QUICK_DATASETS: Final = 50_000

# Reads which datasets store one number, from which it was erased, and the version of the graph.
Lookup = Callable[[Connection], Awaitable[LookupResult]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the graph, what visibility depends on in it, and the shared answers that hold in it."""

    graph: Graph
    visibility_index: VisibilityIndex
    answers: AnswerCache = field(default_factory=AnswerCache)


class Snapshots:
    """Keeps one snapshot per process: that of the latest version which the process has read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Snapshot | None = None
        self._ids: KnownIds = {}
        self._reloading = asyncio.Lock()

    async def load(self) -> None:
        """Load the graph if this process keeps none yet, for those who soon hold locks for which others wait."""
        if self._kept is None:
            async with self._reloading:
                if self._kept is None:
                    async with self._database.snapshot() as reading:
                        await self._reload(reading)

    async def current(self, reading: AsyncSession) -> Snapshot:
        """The snapshot of the state that `reading`, a read-only snapshot session, reads."""
        kept = self._kept
        if kept is not None and kept.graph.version == await _version(reading):
            return kept
        return await self._reload(reading)

    async def locate(self, ring: KeyRing, number: int) -> tuple[Snapshot, list[Membership], Erasures]:
        """The snapshot, the memberships that store a number, and its erasures, all of one state.

        The datasets that hold the number now are `datasets_holding(graph, stored, erasures).difference(erasures)`.
        """
        lookup = partial(store.lookup, ring=ring, key=ring.pseudonym(number))
        located = await self._if_kept(lookup)
        if located is None:
            async with self._reloading:
                # The reload that this request waited for may be all that it needs.
                located = await self._if_kept(lookup)
                if located is None:
                    async with self._database.snapshot() as reading:
                        _, stored, erasures = await lookup(await connection_of(reading))
                        located = await self._reload(reading), stored, erasures
        return located

    async def _if_kept(self, lookup: Lookup) -> tuple[Snapshot, list[Membership], Erasures] | None:
        version, stored, erasures = await self._database.without_transaction(lookup)
        kept = self._kept
        return (kept, stored, erasures) if kept is not None and kept.graph.version == version else None

    async def _reload(self, reading: AsyncSession) -> Snapshot:
        """Read what changed, up to the state of `reading`, and keep the result unless a later one is kept already."""
        version, kept = await _version(reading), self._kept
        read = None
        if kept is not None and kept.graph.version <= version:
            read = await _read_next(reading, self._ids, kept, version)
        if read is None:
            graph_rows = await read_rows(reading, self._ids)
            read = await asyncio.to_thread(make_snapshot, version, graph_rows)
        if self._kept is None or self._kept.graph.version < version:
            self._kept = read
        return read


async def _read_next(reading: AsyncSession, ids: KnownIds, kept: Snapshot, version: int) -> Snapshot | None:
    """The snapshot of a later version, by what changed; None if everything has to be read."""
    facts = kept.graph.facts
    difference = await read_difference(reading, ids, facts, kept.graph.version, version)
    if difference is None:
        return None
    if sum(map(len, difference.objects.values())) <= _QUICK_OBJECTS and len(facts.datasets) <= _QUICK_DATASETS:
        return next_snapshot(kept, version, difference)
    graph, index, changed = await asyncio.to_thread(_next_state, kept, version, difference)
    # Not in the thread, because requests that read the kept snapshot meanwhile add answers to its cache.
    return Snapshot(graph, index, kept.answers.after(changed))


_VERSION = text("SELECT version FROM graph_version")


async def _version(session: AsyncSession) -> int:
    return int((await run(session, _VERSION)).scalar_one())


def next_snapshot(kept: Snapshot, version: int, difference: Difference) -> Snapshot:
    """Make the snapshot of a later version from one that stays as it is, for the requests that still read it."""
    graph, index, changed = _next_state(kept, version, difference)
    return Snapshot(graph, index, kept.answers.after(changed))


def _next_state(kept: Snapshot, version: int, difference: Difference) -> tuple[Graph, VisibilityIndex, Reads]:
    before = kept.graph.facts
    facts, touched = next_facts(before, difference)
    graph, reranked = next_graph(kept.graph, version, facts, touched)
    index = next_visibility_index(kept.visibility_index, before, facts, touched)
    return graph, index, changed_entries(touched, reranked)


NO_SNAPSHOT: Final = Snapshot(NO_GRAPH, NO_VISIBILITY)


def make_snapshot(version: int, graph_rows: Rows) -> Snapshot:
    """Make the snapshot of `graph_rows`."""
    return next_snapshot(NO_SNAPSHOT, version, whole(graph_rows))
