"""The fields of the facts while the next state is made, and how changed rows are put into them. Pure."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Protocol, TypeVar

from service.core.vocabulary import ChangeKind, TransferStatus
from service.membership.descent.dependents import Sharer
from service.provenance.graph.edited import Edited
from service.provenance.graph.fact_index import Counts
from service.provenance.graph.rows import (
    CampaignRow,
    CancellationRow,
    CollectionRow,
    CollectorStatementRow,
    DatasetRow,
    DatasetStatementRow,
    EvidenceRow,
    EvidenceWithdrawalRow,
    NoticeRow,
    OrganisationRow,
    ParentRow,
    PartnerListRow,
    PartnerRow,
    ReleaseRow,
    Rows,
    StatementRow,
    TransferRow,
)

Ids = Collection[uuid.UUID]
Row = TypeVar("Row")


class _HasId(Protocol):
    @property
    def id(self) -> uuid.UUID: ...


class _Corrects(_HasId, Protocol):
    @property
    def corrects_id(self) -> uuid.UUID | None: ...


RowWithId = TypeVar("RowWithId", bound=_HasId)
Version = TypeVar("Version", bound=_Corrects)

ChangedObjects = Mapping[ChangeKind, frozenset[uuid.UUID]]
"""The objects of which rows of a kind changed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed: the objects, and all their rows as they are now. An object without rows is gone."""

    objects: ChangedObjects
    rows: Rows

    def of(self, kind: ChangeKind) -> frozenset[uuid.UUID]:
        """The objects of which rows of a kind changed."""
        return self.objects.get(kind, frozenset())


@dataclass(slots=True)
class Draft:
    """The fields of `FactIndex` while they are edited."""

    organisations: Edited[uuid.UUID, OrganisationRow]
    notices: Edited[uuid.UUID, NoticeRow]
    notice_versions: Edited[uuid.UUID, NoticeRow]
    correction_of_notice: Edited[uuid.UUID, NoticeRow]
    collections: Edited[uuid.UUID, CollectionRow]
    collection_versions: Edited[uuid.UUID, CollectionRow]
    correction_of_collection: Edited[uuid.UUID, CollectionRow]
    datasets: Edited[uuid.UUID, DatasetRow]
    recounting: Edited[uuid.UUID, DatasetRow]
    ended: Edited[uuid.UUID, DatasetStatementRow]
    withdrawn: Edited[uuid.UUID, DatasetStatementRow]
    transfers: Edited[uuid.UUID, TransferRow]
    campaigns: Edited[uuid.UUID, CampaignRow]
    campaign_versions: Edited[uuid.UUID, CampaignRow]
    correction_of_campaign: Edited[uuid.UUID, CampaignRow]
    partner_lists_of_notice: Edited[uuid.UUID, Sequence[PartnerListRow]]
    partners_of_list: Edited[uuid.UUID, Sequence[PartnerRow]]
    evidence_of_notice: Edited[uuid.UUID, Sequence[EvidenceRow]]
    withdrawal_of_evidence: Edited[uuid.UUID, EvidenceWithdrawalRow]
    statements_of_collection: Edited[uuid.UUID, Sequence[CollectorStatementRow]]
    statements_of_transfer: Edited[uuid.UUID, Sequence[StatementRow]]
    parents_of_dataset: Edited[uuid.UUID, Sequence[ParentRow]]
    children_of_dataset: Edited[uuid.UUID, Sequence[ParentRow]]
    sharers_of_dataset: Edited[uuid.UUID, Sequence[Sharer]]
    transfers_from_dataset: Edited[uuid.UUID, Sequence[TransferRow]]
    transfer_into_dataset: Edited[uuid.UUID, TransferRow]
    releases_of_dataset: Edited[uuid.UUID, Sequence[ReleaseRow]]
    cancellation_of_campaign: Edited[uuid.UUID, CancellationRow]
    campaigns_of_dataset: Edited[uuid.UUID, Sequence[uuid.UUID]]
    unsent_campaigns_of_dataset: Edited[uuid.UUID, Sequence[uuid.UUID]]
    datasets_of_campaign: Edited[uuid.UUID, Sequence[uuid.UUID]]
    datasets_of_version: Edited[uuid.UUID, Sequence[uuid.UUID]]
    status_of_transfer: Edited[uuid.UUID, TransferStatus]
    ancestor_counts: Edited[uuid.UUID, Counts]
    lost_ancestors: Edited[uuid.UUID, frozenset[uuid.UUID]]
    notice_counts: Edited[uuid.UUID, Counts]
    notice_counts_of_dataset: Edited[uuid.UUID, Counts]


def put_rows(edited: Edited[uuid.UUID, RowWithId], ids: Ids, rows: Iterable[RowWithId]) -> None:
    """Put the rows of these objects by their ids. An object without a row is gone."""
    edited.put_all(ids, {row.id: _with_known_id(edited, row) for row in rows})


def _with_known_id(edited: Edited[uuid.UUID, RowWithId], row: RowWithId) -> RowWithId:
    """The row with the id object of the row before it, so that set operations compare objects by identity."""
    before: Any = edited.current.get(row.id)
    changed: Any = row
    return row if before is None else replace(changed, id=before.id)


IN_TIME: Callable[[Any], Any] = attrgetter("recorded_at", "id.int")


def put_group(
    edited: Edited[uuid.UUID, Sequence[Row]],
    ids: Ids,
    rows: Iterable[Row],
    key: str,
    order: Callable[[Row], Any] = IN_TIME,
) -> None:
    """Put the rows of these objects in groups, each in order."""
    edited.put_all(ids, grouped(rows, attrgetter(key), order))


def grouped(
    rows: Iterable[Row], key: Callable[[Row], uuid.UUID], order: Callable[[Row], Any]
) -> dict[uuid.UUID, Sequence[Row]]:
    """Rows in groups by their key, each in order."""
    groups: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {group: tuple(sorted(found, key=order)) for group, found in groups.items()}


def regroup(
    edited: Edited[uuid.UUID, Sequence[Row]],
    groups: Ids,
    is_replaced: Callable[[Row], bool],
    rows: Iterable[Row],
    key: Callable[[Row], uuid.UUID],
    order: Callable[[Row], Any],
) -> None:
    """Replace some rows of `groups`, which keep their others. `rows` are the new ones."""
    new = grouped(rows, key, order)
    for group in {*groups, *new}:
        kept = [row for row in edited.current.get(group, ()) if not is_replaced(row)]
        edited.put(group, tuple(sorted([*kept, *new.get(group, ())], key=order)) or None)


def put_latest(
    latest_of: Edited[uuid.UUID, Version],
    versions: Edited[uuid.UUID, Version],
    corrections: Edited[uuid.UUID, Version],
    changed: Ids,
    rows: Iterable[Version],
) -> None:
    """Put facts that may correct others, so that every version leads to the latest one."""
    for head in put_versions(versions, corrections, changed, rows):
        chain = versions_from(corrections, head)
        latest = versions.current.get(chain[-1])
        for version_id in chain:
            latest_of.put(version_id, latest if version_id in versions.current else None)


def put_versions(
    versions: Edited[uuid.UUID, Version], corrections: Edited[uuid.UUID, Version], ids: Ids, rows: Iterable[Version]
) -> set[uuid.UUID]:
    """Put facts that may correct others, and return the first version of each one concerned."""
    concerned = set(ids)
    for former in [versions.current[row_id] for row_id in ids if row_id in versions.current]:
        if former.corrects_id is not None:
            corrections.put(former.corrects_id, None)
            concerned.add(former.corrects_id)
    put_rows(versions, ids, rows)
    for row in [versions.current[row_id] for row_id in ids if row_id in versions.current]:
        if row.corrects_id is not None:
            corrections.put(row.corrects_id, row)
    return {_first_version(versions, version_id) for version_id in concerned}


def _first_version(versions: Edited[uuid.UUID, Version], version_id: uuid.UUID) -> uuid.UUID:
    row = versions.current.get(version_id)
    while row is not None and row.corrects_id is not None:
        version_id = row.corrects_id
        row = versions.current.get(version_id)
    return version_id


def versions_from(corrections: Edited[uuid.UUID, Version], head: uuid.UUID) -> list[uuid.UUID]:
    """A fact and its corrections, the latest last."""
    chain = [head]
    while (correction := corrections.current.get(chain[-1])) is not None:
        chain.append(correction.id)
    return chain
