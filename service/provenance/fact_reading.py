"""Reads the facts of the graph from their tables: all of them, or those that changed since a version."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, NamedTuple

from psycopg.rows import tuple_row
from sqlalchemy import ARRAY, ColumnElement, Dialect, Select, Uuid, any_, bindparam, make_url, or_, select
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from service.campaign.models import Campaign, CampaignCancellation, CampaignDataset
from service.collection import models as collection
from service.core.db import Connection, connection_of
from service.core.vocabulary import ChangeKind
from service.dataset.models import DATASET_MADE_AT, AncestorCount, Dataset, DatasetParent, DatasetStatement, NoticeCount
from service.organisation.models import Organisation
from service.provenance.graph.draft import Difference
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
    ChangeKind.EVIDENCE_WITHDRAWAL: collection.EvidenceWithdrawal,
    ChangeKind.COLLECTION: collection.Collection,
    ChangeKind.COLLECTOR_STATEMENT: collection.CollectorStatement,
    ChangeKind.TRANSFER: Transfer,
    ChangeKind.TRANSFER_STATEMENT: TransferStatement,
    ChangeKind.DATASET_RELEASE: DatasetRelease,
    ChangeKind.DATASET: Dataset,
    ChangeKind.DATASET_STATEMENT: DatasetStatement,
    ChangeKind.DATASET_PARENT: DatasetParent,
    ChangeKind.CAMPAIGN: Campaign,
    ChangeKind.CAMPAIGN_DATASET: CampaignDataset,
    ChangeKind.CAMPAIGN_CANCELLATION: CampaignCancellation,
    ChangeKind.ANCESTOR_COUNT: AncestorCount,
    ChangeKind.NOTICE_COUNT: NoticeCount,
}
"""In the order in which they are read, organisations last: which of them are needed follows from the others."""

Ids = Collection[uuid.UUID]
KnownIds = dict[uuid.UUID, uuid.UUID]
"""One object for each id that a process has read. Sets and mappings find it by identity, which is much quicker."""


async def read_rows(session: AsyncSession, ids: KnownIds) -> Rows:
    """Every row of the graph, in the transaction of `session`."""
    connection = await connection_of(session)
    rows = Rows(**await _read(connection, ids, [(_ALL[kind], ()) for kind in _TABLES]))
    return replace(rows, **await _read(connection, ids, [(_ACCOUNTS_AND, organisations_in(rows))]))


async def read_difference(
    connection: Connection, ids: KnownIds, facts: FactIndex, changed: Mapping[ChangeKind, Ids]
) -> Difference | None:
    """The state of these objects that the transaction of `connection` reads, if they are what changed since `facts`.

    None if so much changed that everything is read with less work.
    """
    if sum(map(len, changed.values())) > MOST_OBJECTS:
        return None
    objects = {kind: frozenset(ids.setdefault(found, found) for found in changed[kind]) for kind in changed}
    wanted = {kind: objects[kind] for kind in _TABLES if objects.get(kind)}
    rows = Rows(**await _read(connection, ids, _of(wanted)))
    # When a received dataset was made depends on its transfer.
    received = {row.received_dataset_id for row in rows.transfers} - objects.get(ChangeKind.DATASET, frozenset())
    if received:
        more = await _read(connection, ids, _of({ChangeKind.DATASET: received}))
        rows = replace(rows, datasets=[*rows.datasets, *more["datasets"]])
        objects[ChangeKind.DATASET] = objects.get(ChangeKind.DATASET, frozenset()) | received
    organisation_ids = _organisations_to_read(objects, facts.organisations, organisations_in(rows))
    if organisation_ids:
        read = await _read(connection, ids, _of({ChangeKind.ORGANISATION: organisation_ids}))
        used, known = organisations_in(rows), facts.organisations
        # An organisation that is only named may have changed too: another name or contact was stated.
        kept = [
            row for row in read["organisations"] if row.admitted_at is not None or row.id in used or row.id in known
        ]
        rows = replace(rows, organisations=kept)
        objects[ChangeKind.ORGANISATION] = frozenset(row.id for row in kept)
    return Difference(objects, rows)


def _organisations_to_read(
    changed: Mapping[ChangeKind, Ids], known: Mapping[uuid.UUID, object], used: Ids
) -> set[uuid.UUID]:
    """The organisations that changed, and those that a fact uses for the first time."""
    first_used = {organisation_id for organisation_id in used if organisation_id not in known}
    return first_used.union(changed.get(ChangeKind.ORGANISATION, ()))


class _Query(NamedTuple):
    """A statement that reads rows of a kind, and how the values of each column become those of the row."""

    kind: ChangeKind
    statement: str
    conversions: Sequence[Callable[[Any], Any]]


_DIALECT: Final[Dialect] = make_url("postgresql+psycopg://").get_dialect()()
_GIVEN: Final = bindparam("ids", type_=ARRAY(Uuid))


def _query(kind: ChangeKind, condition: ColumnElement[bool] | None = None) -> _Query:
    """The query of a kind's rows, compiled once: that costs more than most of these statements take."""
    table = _TABLES.get(kind, Organisation)
    made_at: Any = DATASET_MADE_AT.c.made_at
    columns = [
        made_at if column.name == "made_at" else getattr(table, column.name) for column in fields(KINDS[kind].row)
    ]
    query: Select[Any] = select(*columns)
    if table is Dataset:
        # A view tells when a dataset took over the numbers of its parents.
        query = query.join(DATASET_MADE_AT, DATASET_MADE_AT.c.dataset_id == Dataset.id)
    if condition is not None:
        query = query.where(condition)
    types = [column.type.dialect_impl(_DIALECT) for column in query.selected_columns]
    conversions = [type_.result_processor(_DIALECT, None) or _as_it_is for type_ in types]
    return _Query(kind, str(query.compile(dialect=_DIALECT)), conversions)


def _as_it_is(value: Any) -> Any:
    return value


def _among_given(column: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column == any_(_GIVEN)
    return found


_ALL: Final = {kind: _query(kind) for kind in _TABLES}
_OF_OBJECTS: Final = {
    kind: _query(kind, _among_given(getattr(_TABLES.get(kind, Organisation), KINDS[kind].object_id))) for kind in KINDS
}
_ACCOUNTS_AND: Final = _query(
    ChangeKind.ORGANISATION, or_(col(Organisation.admitted_at).is_not(None), _among_given(Organisation.id))
)


def _of(objects: Mapping[ChangeKind, Ids]) -> Sequence[tuple[_Query, Ids]]:
    return [(_OF_OBJECTS[kind], objects[kind]) for kind in objects]


async def _read(
    connection: Connection, ids: KnownIds, wanted: Sequence[tuple[_Query, Ids]]
) -> dict[str, Sequence[Any]]:
    """The rows of each query with the ids given to it, by the fields of `Rows`. They take one way to the server."""
    async with connection.pipeline():
        cursors = [connection.cursor(binary=True, row_factory=tuple_row) for _ in wanted]
        for cursor, (query, given) in zip(cursors, wanted, strict=True):
            await cursor.execute(query.statement, {"ids": list(given)})
        found = [await cursor.fetchall() for cursor in cursors]
    return {
        KINDS[query.kind].field: _rows(ids, query, values) for (query, _), values in zip(wanted, found, strict=True)
    }


def _rows(ids: KnownIds, query: _Query, values: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
    """The rows, as the graph keeps them."""
    row = KINDS[query.kind].row
    columns = [
        [ids.setdefault(value, value) if isinstance(value, uuid.UUID) else value for value in map(convert, column)]
        for convert, column in zip(query.conversions, zip(*values, strict=True), strict=bool(values))
    ]
    names = [column.name for column in fields(row)]
    return [row(**dict(zip(names, each, strict=True))) for each in zip(*columns, strict=True)]
