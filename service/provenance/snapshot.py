"""The graph as each process keeps it: one immutable snapshot, replaced whole when the graph's version changes.

One statement reads the version and a number's memberships. If the process keeps that version, both belong to one state,
and the answer needs no further query. Otherwise version, facts and memberships are read again in one REPEATABLE READ
transaction. Either way no answer mixes two states.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import select, text
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import VisibilityIndex
from service.campaign.models import Campaign, CampaignDataset
from service.collection.models import (
    Collection,
    CollectionAttestation,
    Notice,
    NoticeEvidence,
    Partner,
    PartnerList,
)
from service.core.db import Connection, Database, connection_of, run
from service.core.erasures import Erasures
from service.dataset.models import DATASET_MADE_AT, AncestorCount, Dataset, DatasetParent, NoticeCount
from service.membership import store
from service.membership.store import LookupResult, Membership
from service.number.keyring import KeyRing
from service.organisation.models import Organisation
from service.provenance.answer.cache import AnswerCache
from service.provenance.graph import rows
from service.provenance.graph.fact_index import index_facts
from service.provenance.graph.graph import Graph, build_graph
from service.provenance.graph.visibility_index import build_visibility_index
from service.release.models import DatasetRelease
from service.transfer.models import Transfer, TransferStatement

Row = TypeVar("Row")
# Reads which datasets store one number, from which it was erased, and the version of the graph.
Lookup = Callable[[Connection], Awaitable[LookupResult]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the graph, what visibility depends on in it, and the shared answers that were made from it."""

    graph: Graph
    visibility_index: VisibilityIndex
    answers: AnswerCache = field(default_factory=AnswerCache)


class Snapshots:
    """Keeps one snapshot per process: that of the latest version which the process has read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Snapshot | None = None
        self._reloading = asyncio.Lock()

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
        """Read the whole graph in the state of `reading`, and keep it unless a later version is kept already."""
        version = await _version(reading)
        graph_rows = await read_rows(reading)
        # A graph of many nodes takes long enough to delay the other requests of the event loop.
        read = await asyncio.to_thread(make_snapshot, version, graph_rows)
        if self._kept is None or self._kept.graph.version < version:
            self._kept = read
        return read


_VERSION = text("SELECT version FROM graph_version")


async def _version(session: AsyncSession) -> int:
    return int((await run(session, _VERSION)).scalar_one())


async def read_rows(session: AsyncSession) -> rows.Rows:
    """Every row of the graph, in the transaction of `session`."""
    return rows.Rows(
        organisations=await _read_table(session, Organisation, rows.OrganisationRow),
        notices=await _read_table(session, Notice, rows.NoticeRow),
        partner_lists=await _read_table(session, PartnerList, rows.PartnerListRow),
        partners=await _read_table(session, Partner, rows.PartnerRow),
        evidence=await _read_table(session, NoticeEvidence, rows.EvidenceRow),
        collections=await _read_table(session, Collection, rows.CollectionRow),
        attestations=await _read_table(session, CollectionAttestation, rows.AttestationRow),
        datasets=await _read_datasets(session),
        parents=await _read_table(session, DatasetParent, rows.ParentRow),
        transfers=await _read_table(session, Transfer, rows.TransferRow),
        statements=await _read_table(session, TransferStatement, rows.StatementRow),
        releases=await _read_table(session, DatasetRelease, rows.ReleaseRow),
        campaigns=await _read_table(session, Campaign, rows.CampaignRow),
        uses=await _read_table(session, CampaignDataset, rows.UseRow),
        ancestor_counts=await _read_table(session, AncestorCount, rows.AncestorCountRow),
        notice_counts=await _read_table(session, NoticeCount, rows.NoticeCountRow),
    )


async def _read_table(session: AsyncSession, table: type[SQLModel], row: Callable[..., Row]) -> Sequence[Row]:
    names = [column.name for column in fields(row)]  # type: ignore[arg-type]
    columns: list[Any] = [getattr(table, name) for name in names]
    return [row(**dict(zip(names, values, strict=True))) for values in await run(session, select(*columns))]


async def _read_datasets(session: AsyncSession) -> Sequence[rows.DatasetRow]:
    """Every dataset, with the moment at which it took over the numbers of its parents."""
    made_at = DATASET_MADE_AT.c.made_at
    names = [column.name for column in fields(rows.DatasetRow)]
    columns: list[Any] = [made_at if name == "made_at" else getattr(Dataset, name) for name in names]
    query = select(*columns).join(DATASET_MADE_AT, DATASET_MADE_AT.c.dataset_id == Dataset.id)
    return [rows.DatasetRow(**dict(zip(names, values, strict=True))) for values in await run(session, query)]


def make_snapshot(version: int, graph_rows: rows.Rows) -> Snapshot:
    """Make the snapshot of `graph_rows`."""
    facts = index_facts(graph_rows)
    return Snapshot(build_graph(version, facts), build_visibility_index(facts))
