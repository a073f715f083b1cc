"""The graph as each process keeps it: immutable snapshots of the latest versions that it has read.

One statement reads the version and a number's memberships, or which datasets store each of many numbers. If the process
keeps that version, both belong to one state, and the answer needs no further query. Otherwise version, changed facts
and memberships are read again in one REPEATABLE READ transaction, and the next snapshot is made from a kept one.
Either way no answer mixes two states.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import VisibilityIndex
from service.core.changes import changes_since, version_now
from service.core.db import Connection, Database, connection_of
from service.core.erasures import Erasures
from service.core.vocabulary import ChangeKind
from service.membership import store
from service.membership.store import LookupResult, ManyResult, Membership, Stored
from service.number.keyring import KeyRing
from service.provenance.answer.cache import AnswerCache
from service.provenance.answer.reads import Reads, changed_entries
from service.provenance.fact_reading import KnownIds, read_difference, read_rows
from service.provenance.graph.difference import next_facts, whole
from service.provenance.graph.draft import Difference
from service.provenance.graph.graph import NO_GRAPH, Graph, next_graph
from service.provenance.graph.rows import Rows
from service.provenance.graph.visibility_index import NO_VISIBILITY, next_visibility_index

# A difference of so many objects to a graph of so many datasets takes less than 20 ms. What takes longer would delay
# the other requests of the event loop, and is left to a thread, to which it takes time to switch.
_QUICK_OBJECTS: Final = 200
_QUICK_DATASETS: Final = 50_000

# Requests that read in a transaction of their own often read the state before the latest. From an earlier snapshot the
# difference leads to theirs; without one, they would have to read the whole graph.
_KEPT_VERSIONS: Final = 8

# What is stored about a number or about many, with the version of the graph.
FoundT = TypeVar("FoundT", LookupResult, ManyResult)
Lookup = Callable[[Connection], Awaitable[FoundT]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the graph, what visibility depends on in it, and the shared answers that hold in it."""

    graph: Graph
    visibility_index: VisibilityIndex
    answers: AnswerCache = field(default_factory=AnswerCache)


class Snapshots:
    """Keeps the snapshots of the latest few versions that the process has read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: list[Snapshot] = []
        self._ids: KnownIds = {}
        self._reloading = asyncio.Lock()
        self._forming: _Group | None = None

    async def load(self) -> None:
        """Load the graph if this process keeps none yet, for those who soon hold locks for which others wait."""
        if not self._kept:
            async with self._reloading:
                if not self._kept:
                    async with self._database.snapshot() as reading:
                        await self.current(reading)

    async def current(self, reading: AsyncSession) -> Snapshot:
        """The snapshot of the state that `reading`, a read-only snapshot session, reads."""
        followed = await self._followed(await connection_of(reading))
        if isinstance(followed, Snapshot):
            return followed
        rows = await read_rows(reading, self._ids)
        read = await asyncio.to_thread(make_snapshot, followed, rows)
        self._keep(read)
        return read

    async def locate(self, ring: KeyRing, number: int) -> tuple[Snapshot, list[Membership], Erasures]:
        """The snapshot, the memberships that store a number, and its erasures, all of one state.

        The datasets that hold the number now are `datasets_holding(graph, stored, erasures).difference(erasures)`.
        """
        snapshot, found = await self.locate_all(ring, number)
        return snapshot, found.memberships, found.erasures

    async def locate_all(self, ring: KeyRing, number: int) -> tuple[Snapshot, LookupResult]:
        """The snapshot, and everything that is stored about a number, all of one state."""
        return await self._locate(partial(store.lookup, ring=ring, key=ring.pseudonym(number)))

    async def locate_many(self, keys: Sequence[bytes]) -> tuple[Snapshot, list[Stored]]:
        """The snapshot, and what is stored about each of some numbers, all of one state and read by one statement.

        There must be at least one key. Up to a hundred cost one request some milliseconds, so give it no more.
        """
        snapshot, found = await self._locate(partial(store.lookup_many, keys=keys))
        return snapshot, found.numbers

    async def _locate(self, lookup: Lookup[FoundT]) -> tuple[Snapshot, FoundT]:
        found = await self._database.without_transaction(lookup)
        kept = self._of_version(found.version)
        if kept is not None:
            return kept, found
        if self._forming is None:
            self._forming = _Group()
            self._forming.begin(self._serve(self._forming))
        return await self._forming.located(lookup, found)

    async def _serve(self, group: "_Group") -> None:
        async with self._database.quick_snapshot() as connection:
            async with self._reloading:
                # Who comes from here on may have seen a later version, and forms the next group.
                self._forming = None
                followed = await self._followed(connection)
            if isinstance(followed, Snapshot):
                await group.serve(followed, connection)
                return
        async with self._reloading, self._database.snapshot() as reading:
            await group.serve(await self.current(reading), await connection_of(reading))

    async def _followed(self, connection: Connection) -> "Snapshot | int":
        """The snapshot of the state that `connection` reads, if a kept one leads to it; otherwise that version."""
        if not self._kept:
            return await version_now(connection)
        latest = self._kept[-1].graph.version
        changed = await changes_since(connection, latest)
        nearest = self._nearest(changed.version)
        if nearest is None or nearest.graph.version == changed.version:
            return nearest or changed.version
        if changed.version < latest:
            changed = await changes_since(connection, nearest.graph.version)
        followed = None
        if changed.objects is not None:
            followed = await _read_next(connection, self._ids, nearest, changed.version, changed.objects)
        if followed is None:
            return changed.version
        self._keep(followed)
        return followed

    def _of_version(self, version: int) -> Snapshot | None:
        nearest = self._nearest(version)
        return nearest if nearest is not None and nearest.graph.version == version else None

    def _nearest(self, version: int) -> Snapshot | None:
        """The latest kept snapshot of this version or an earlier one."""
        return max(
            (kept for kept in self._kept if kept.graph.version <= version),
            key=lambda kept: kept.graph.version,
            default=None,
        )

    def _keep(self, read: Snapshot) -> None:
        kept = {each.graph.version: each for each in (*self._kept, read)}
        self._kept = [kept[version] for version in sorted(kept)[-_KEPT_VERSIONS:]]


class _Group:
    """Lookups that saw a version which the process does not keep. One reload serves all of them.

    If each reloaded by itself, one after the other, the last would wait for all, and each would find a later version.
    """

    def __init__(self) -> None:
        self._lookups: list[tuple[Lookup[Any], Any]] = []
        self._located: list[Any] = []
        self._served: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()

    def begin(self, serving: Coroutine[Any, Any, None]) -> None:
        """Serve the group in a task of its own, which goes on if a caller is cancelled."""
        asyncio.create_task(serving).add_done_callback(self._end)

    async def located(self, lookup: Lookup[FoundT], found: FoundT) -> tuple[Snapshot, FoundT]:
        """Join the group before it is served, with what the lookup found; the snapshot, and what it found in that."""
        place = len(self._lookups)
        self._lookups.append((lookup, found))
        snapshot = await asyncio.shield(self._served)
        return snapshot, self._located[place]

    async def serve(self, snapshot: Snapshot, connection: Connection) -> None:
        """Look up again, in the state of `snapshot`, what was found in another one. Then the callers go on."""
        version = snapshot.graph.version
        for lookup, found in self._lookups:
            self._located.append(found if found.version == version else await lookup(connection))
        self._served.set_result(snapshot)

    def _end(self, serving: "asyncio.Task[None]") -> None:
        if self._served.done():
            return
        # Its exception is that of its callers, and must be read even if all of them were cancelled.
        if serving.cancelled() or (problem := serving.exception()) is None:
            self._served.cancel()
        else:
            self._served.set_exception(problem)
            self._served.exception()


async def _read_next(
    connection: Connection,
    ids: KnownIds,
    kept: Snapshot,
    version: int,
    changed: Mapping[ChangeKind, Collection[uuid.UUID]],
) -> Snapshot | None:
    """The snapshot of a later version, by what changed; None if everything has to be read."""
    facts = kept.graph.facts
    difference = await read_difference(connection, ids, facts, changed)
    if difference is None:
        return None
    if sum(map(len, difference.objects.values())) <= _QUICK_OBJECTS and len(facts.datasets) <= _QUICK_DATASETS:
        return next_snapshot(kept, version, difference)
    graph, index, entries = await asyncio.to_thread(_next_state, kept, version, difference)
    # Not in the thread, because requests that read the kept snapshot meanwhile add answers to its cache.
    return Snapshot(graph, index, kept.answers.after(entries))


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
