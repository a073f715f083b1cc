"""Reads the facts of the graph from their tables: all of them, or those that changed since a version."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, literal, or_, select
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from service.campaign.models import Campaign, CampaignDataset
from service.collection import models as collection
from service.core.changes import changes_of_versions
from service.core.db import run
from service.core.vocabulary import ChangeKind
from service.dataset.models import DATASET_MADE_AT, AncestorCount, Dataset, DatasetParent, NoticeCount
from service.organisation.models import Organisation
from service.provenance.graph.difference import Difference
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.rows import KINDS, Rows, organisations_in
from service.release.models import DatasetRelease
from service.transfer.models import Transfer, TransferStatement

# Above so many changed objects it costs less to read everything.
MOST_OBJECTS: Final = 5_000

_TABLES: Final[dict[ChangeKind, type[SQLModel]]] = {
    ChangeKind.NOTICE: collection.Notice,
    ChangeKind.PARTNER_LIST: collection.PartnerList,
    ChangeKind.PARTNER: collection.Partner,
    ChangeKind.NOTICE_EVIDENCE: collection.NoticeEvidence,
    ChangeKind.COLLECTION: collection.Collection,
    ChangeKind.COLLECTION_ATTESTATION: collection.CollectionAttestation,
    ChangeKind.TRANSFER: Transfer,
    ChangeKind.TRANSFER_STATEMENT: TransferStatement,
    ChangeKind.DATASET_RELEASE: DatasetRelease,
    ChangeKind.DATASET: Dataset,
    ChangeKind.DATASET_PARENT: DatasetParent,
    ChangeKind.CAMPAIGN: Campaign,
    ChangeKind.CAMPAIGN_DATASET: CampaignDataset,
    ChangeKind.ANCESTOR_COUNT: AncestorCount,
    ChangeKind.NOTICE_COUNT: NoticeCount,
}
"""In the order in which they are read, organisations last: which of them are needed follows from the others."""

Ids = Collection[uuid.UUID]
KnownIds = dict[uuid.UUID, uuid.UUID]
"""One object for each id that a process has read. Sets and mappings find it by identity, which is much quicker."""


async def read_rows(session: AsyncSession, ids: KnownIds) -> Rows:
    """Every row of the graph, in the transaction of `session`."""
    rows = Rows(**{KINDS[kind].field: await _read(session, ids, kind) for kind in _TABLES})
    used = or_(_account(), _among(Organisation.id, organisations_in(rows)))
    return replace(rows, organisations=await _read(session, ids, ChangeKind.ORGANISATION, used))


async def read_difference(
    session: AsyncSession, ids: KnownIds, facts: FactIndex, before: int, version: int
) -> Difference | None:
    """What changed between two versions of the graph, of which `facts` are the first, and `session` reads the second.

    None if so much changed that everything is read with less work, or if what changed is no longer known.
    """
    changed = await changes_of_versions(session, before, version)
    if changed is None or sum(map(len, changed.values())) > MOST_OBJECTS:
        return None
    objects = {kind: frozenset(ids.setdefault(found, found) for found in changed[kind]) for kind in changed}
    found: dict[str, Sequence[Any]] = {}
    for kind in _TABLES:
        if kind is ChangeKind.DATASET:
            # When a received dataset was made depends on its transfer.
            received = {row.received_dataset_id for row in found.get("transfers", ())}
            objects[kind] = objects.get(kind, frozenset()) | received
        if objects.get(kind):
            found[KINDS[kind].field] = await _read(session, ids, kind, _of_objects(kind, objects[kind]))
    rows = Rows(**found)
    organisation_ids = _organisations_to_read(objects, facts.organisations, organisations_in(rows))
    if organisation_ids:
        wanted = _among(Organisation.id, organisation_ids)
        read = await _read(session, ids, ChangeKind.ORGANISATION, wanted)
        used, known = organisations_in(rows), facts.organisations
        # An organisation that is only named may have changed too: another name or contact was stated.
        kept = [row for row in read if row.admitted_at is not None or row.id in used or row.id in known]
        rows = replace(rows, organisations=kept)
        objects[ChangeKind.ORGANISATION] = frozenset(row.id for row in kept)
    return Difference(objects, rows)


def _organisations_to_read(
    changed: Mapping[ChangeKind, Ids], known: Mapping[uuid.UUID, object], used: Ids
) -> set[uuid.UUID]:
    """The organisations that changed, and those that a fact uses for the first time."""
    first_used = {organisation_id for organisation_id in used if organisation_id not in known}
    return first_used.union(changed.get(ChangeKind.ORGANISATION, ()))


def _account() -> ColumnElement[bool]:
    return col(Organisation.admitted_at).is_not(None)


def _of_objects(kind: ChangeKind, object_ids: Ids) -> ColumnElement[bool]:
    return _among(getattr(_TABLES[kind], KINDS[kind].object_id), object_ids)


def _among(column: Any, ids: Ids) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column == any_(literal(list(ids), ARRAY(Uuid)))
    return found


async def _read(
    session: AsyncSession, ids: KnownIds, kind: ChangeKind, condition: ColumnElement[bool] | None = None
) -> Sequence[Any]:
    """The rows of a kind, as the graph keeps them."""
    table, row = _TABLES.get(kind, Organisation), KINDS[kind].row
    names = [column.name for column in fields(row)]
    made_at: Any = DATASET_MADE_AT.c.made_at
    query = select(*(made_at if name == "made_at" else getattr(table, name) for name in names))
    if table is Dataset:
        # A view tells when a dataset took over the numbers of its parents.
        query = query.join(DATASET_MADE_AT, DATASET_MADE_AT.c.dataset_id == Dataset.id)
    if condition is not None:
        query = query.where(condition)
    made = []
    for values in await run(session, query):
        known = (ids.setdefault(value, value) if isinstance(value, uuid.UUID) else value for value in values)
        made.append(row(**dict(zip(names, known, strict=True))))
    return made
