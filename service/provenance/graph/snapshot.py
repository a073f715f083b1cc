"""The graph as each process keeps it: one immutable snapshot, replaced whole when the version moves.

The version and a number's memberships are read in one statement. If the version is the one that is kept, both
belong to one state, and the answer needs no further query. Otherwise version, facts and memberships are read
again in one REPEATABLE READ transaction. Either way no answer mixes two states.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import select, text
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.visibility import DatasetLinks, TransferEnds, VisibilityIndex, holders_of_record
from service.campaign.models import Campaign, CampaignDataset
from service.collection.models import (
    Collection,
    CollectionAttestation,
    Notice,
    NoticeEvidence,
    Partner,
    PartnerList,
)
from service.core.db import Connection, Database, driver, run
from service.core.erasures import Erasures
from service.dataset.models import AncestorCount, Dataset, DatasetParent, NoticeCount
from service.membership import store
from service.membership.store import LookupResult, Membership
from service.number.keyring import KeyRing
from service.organisation.models import Organisation
from service.provenance.answer.cache import AnswerCache
from service.provenance.graph import rows
from service.provenance.graph.facts import FactIndex, index, is_denied, made_at
from service.provenance.graph.graph import Graph, build_graph
from service.provenance.graph.rows import TransferRow
from service.transfer.models import Transfer, TransferStatement

Row = TypeVar("Row")
# Asks which datasets store one number, from which it was erased, and as of which version of the graph.
Find = Callable[[Connection], Awaitable[LookupResult]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the graph, what sight needs of it, and the cases in it that were asked about."""

    graph: Graph
    visibility_index: VisibilityIndex
    answers: AnswerCache = field(default_factory=AnswerCache)


class Snapshots:
    """What one process keeps: the snapshot of the version that it saw last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Snapshot | None = None
        self._reloading = asyncio.Lock()

    async def current(self, reading: AsyncSession) -> Snapshot:
        """The graph in the state that `reading`, a read-only snapshot session, sees."""
        kept = self._kept
        if kept is not None and kept.graph.version == await _version(reading):
            return kept
        return await self._read(reading)

    async def locate(self, ring: KeyRing, number: int) -> tuple[Snapshot, list[Membership], Erasures]:
        """The graph, the datasets that store a number, and those from which it was erased, all of one state.

        Those which hold it now are `graph.holding(snapshot.graph, stored, ended).difference(ended)`.
        """
        find = partial(store.lookup, ring=ring, key=ring.pseudonym(number))
        known = await self._if_kept(find)
        if known is None:
            async with self._reloading:
                # The reload that this request waited for may be all that it needs.
                known = await self._if_kept(find)
                if known is None:
                    async with self._database.snapshot() as reading:
                        _, held, erasures = await find(await driver(reading))
                        known = await self._read(reading), held, erasures
        return known

    async def _if_kept(self, find: Find) -> tuple[Snapshot, list[Membership], Erasures] | None:
        version, held, erasures = await self._database.ask(find)
        kept = self._kept
        return (kept, held, erasures) if kept is not None and kept.graph.version == version else None

    async def _read(self, reading: AsyncSession) -> Snapshot:
        """Read the whole graph as `reading` sees it, and keep it unless a later one is kept already."""
        version = await _version(reading)
        graph_rows = await read_rows(reading)
        # Over many nodes this takes long enough to be felt by whoever else the event loop serves.
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
        organisations=await _read(session, Organisation, rows.OrganisationRow),
        notices=await _read(session, Notice, rows.NoticeRow),
        partner_lists=await _read(session, PartnerList, rows.PartnerListRow),
        partners=await _read(session, Partner, rows.PartnerRow),
        evidence=await _read(session, NoticeEvidence, rows.EvidenceRow),
        collections=await _read(session, Collection, rows.CollectionRow),
        attestations=await _read(session, CollectionAttestation, rows.AttestationRow),
        datasets=await _read(session, Dataset, rows.DatasetRow),
        parents=await _read(session, DatasetParent, rows.ParentRow),
        transfers=await _read(session, Transfer, rows.TransferRow),
        statements=await _read(session, TransferStatement, rows.StatementRow),
        campaigns=await _read(session, Campaign, rows.CampaignRow),
        uses=await _read(session, CampaignDataset, rows.UseRow),
        ancestor_counts=await _read(session, AncestorCount, rows.AncestorCountRow),
        notice_counts=await _read(session, NoticeCount, rows.NoticeCountRow),
    )


async def _read(session: AsyncSession, table: type[SQLModel], row: Callable[..., Row]) -> Sequence[Row]:
    names = [one.name for one in fields(row)]  # type: ignore[arg-type]
    columns: list[Any] = [getattr(table, name) for name in names]
    return [row(**dict(zip(names, values, strict=True))) for values in await run(session, select(*columns))]


def make_snapshot(version: int, graph_rows: rows.Rows) -> Snapshot:
    """The snapshot that `graph_rows` make."""
    facts = index(graph_rows)
    return Snapshot(build_graph(version, facts), build_visibility_index(facts))


def build_visibility_index(facts: FactIndex) -> VisibilityIndex:
    """What sight needs to know of `facts`."""
    transfers = facts.transfers.values()
    campaigns = facts.campaigns.values()
    return VisibilityIndex(
        places={dataset: _place(facts, dataset) for dataset in facts.datasets},
        transfers={row.id: _ends(facts, row) for row in transfers},
        held_by=_sets((keeper, one) for one in facts.datasets for keeper in _keepers(facts, one)),
        spoken_for=_sets(
            (keeper, one) for one, row in facts.datasets.items() for keeper in _keepers(facts, one) - {row.holder_id}
        ),
        sent_by=_sets((row.sender_id, row.id) for row in transfers),
        received_by=_sets((row.recipient_id, row.id) for row in transfers),
        campaigns_of=_sets(((row.party_id, sender), row.id) for row in campaigns for sender in {None, row.sender_id}),
        campaigns_began={row.id: row.began_at for row in campaigns},
    )


Key = TypeVar("Key")


def _sets(pairs: Iterable[tuple[Key, uuid.UUID]]) -> dict[Key, frozenset[uuid.UUID]]:
    groups: dict[Key, set[uuid.UUID]] = defaultdict(set)
    for key, value in pairs:
        groups[key].add(value)
    return {key: frozenset(values) for key, values in groups.items()}


def _place(facts: FactIndex, dataset_id: uuid.UUID) -> DatasetLinks:
    edges = facts.parents_of_dataset.get(dataset_id, ())
    arrival = facts.transfer_into_dataset.get(dataset_id)
    arrivals = {arrival.id} if arrival else set()
    sent = {row.id for row in facts.transfers_from_dataset.get(dataset_id, ())}
    return DatasetLinks(
        # The ids of the records throughout, because of which sets need compare objects only.
        parents=frozenset(
            facts.datasets[edge.parent_id].id for edge in edges if not is_denied(facts, edge.transfer_id)
        ),
        arrivals=frozenset(one for one in arrivals if not is_denied(facts, one)),
        touching=frozenset(sent | arrivals),
        used_in=frozenset(facts.campaigns[one].id for one in facts.campaigns_of_dataset.get(dataset_id, ())),
        made_at=made_at(facts, dataset_id),
    )


def _ends(facts: FactIndex, row: TransferRow) -> TransferEnds:
    received = facts.datasets[row.received_dataset_id].id
    return TransferEnds(
        facts.datasets[row.dataset_id].id,
        frozenset() if is_denied(facts, row.id) else frozenset({received}),
        row.recorded_at,
    )


def _keepers(facts: FactIndex, dataset_id: uuid.UUID) -> frozenset[uuid.UUID]:
    dataset = facts.datasets[dataset_id]
    transfer = facts.transfer_into_dataset.get(dataset_id)
    return holders_of_record(
        dataset.holder_id,
        dataset.asserted_by_id,
        has_account=facts.organisations[dataset.holder_id].admitted_at is not None,
        denied=is_denied(facts, transfer.id if transfer else None),
    )
