"""From one state of the facts to the next, by the facts that changed; the first state is made from none. Pure.

Each fact belongs to an object, such as a statement to its transfer. Of a changed object all rows of a kind are given
anew, and take the place of those before. What follows from several facts is found again for the objects concerned only,
so a small change costs no more than the copies of the mappings that it changes.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Protocol, TypeVar

from service.core.erasures import NOT_YET
from service.core.vocabulary import ChangeKind, Content, TransferStatus
from service.membership.descent.dependents import Sharer
from service.provenance.graph.edited import Edited
from service.provenance.graph.fact_index import Counts, FactIndex
from service.provenance.graph.rows import (
    KINDS,
    AttestationRow,
    CampaignRow,
    CollectionRow,
    DatasetRow,
    EvidenceRow,
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
from service.transfer.status import status_of

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


Touched = Mapping[str, frozenset[uuid.UUID]]
"""For each field of `FactIndex` the keys whose value changed."""


@dataclass(slots=True)
class _Draft:
    """The fields of `FactIndex` while they are edited."""

    organisations: Edited[uuid.UUID, OrganisationRow]
    notices: Edited[uuid.UUID, NoticeRow]
    collections: Edited[uuid.UUID, CollectionRow]
    collection_versions: Edited[uuid.UUID, CollectionRow]
    correction_of_collection: Edited[uuid.UUID, CollectionRow]
    datasets: Edited[uuid.UUID, DatasetRow]
    recounting: Edited[uuid.UUID, DatasetRow]
    transfers: Edited[uuid.UUID, TransferRow]
    campaigns: Edited[uuid.UUID, CampaignRow]
    campaign_versions: Edited[uuid.UUID, CampaignRow]
    correction_of_campaign: Edited[uuid.UUID, CampaignRow]
    partner_lists_of_notice: Edited[uuid.UUID, Sequence[PartnerListRow]]
    partners_of_list: Edited[uuid.UUID, Sequence[PartnerRow]]
    evidence_of_notice: Edited[uuid.UUID, Sequence[EvidenceRow]]
    attestations_of_collection: Edited[uuid.UUID, Sequence[AttestationRow]]
    statements_of_transfer: Edited[uuid.UUID, Sequence[StatementRow]]
    parents_of_dataset: Edited[uuid.UUID, Sequence[ParentRow]]
    children_of_dataset: Edited[uuid.UUID, Sequence[ParentRow]]
    sharers_of_dataset: Edited[uuid.UUID, Sequence[Sharer]]
    transfers_from_dataset: Edited[uuid.UUID, Sequence[TransferRow]]
    transfer_into_dataset: Edited[uuid.UUID, TransferRow]
    releases_of_dataset: Edited[uuid.UUID, Sequence[ReleaseRow]]
    campaigns_of_dataset: Edited[uuid.UUID, Sequence[uuid.UUID]]
    datasets_of_campaign: Edited[uuid.UUID, Sequence[uuid.UUID]]
    datasets_of_version: Edited[uuid.UUID, Sequence[uuid.UUID]]
    status_of_transfer: Edited[uuid.UUID, TransferStatus]
    ancestor_counts: Edited[uuid.UUID, Counts]
    lost_ancestors: Edited[uuid.UUID, frozenset[uuid.UUID]]
    notice_counts: Edited[uuid.UUID, Counts]
    notice_counts_of_dataset: Edited[uuid.UUID, Counts]


def next_facts(facts: FactIndex, difference: Difference) -> tuple[FactIndex, Touched]:
    """The facts after a difference, and which entries of the index it changed. `facts` itself stays as it is."""
    edited: dict[str, Any] = {field.name: Edited(getattr(facts, field.name)) for field in fields(FactIndex)}
    draft = _Draft(**edited)
    _put_objects(draft, difference)
    _put_groups(draft, difference)
    _put_collections(draft, difference)
    _put_transfers(draft, facts, difference)
    _put_parents(draft, facts, difference)
    _put_campaigns(draft, facts, difference)
    _put_counts(draft, facts, difference)
    values = {name: mapping.current for name, mapping in edited.items()}
    return FactIndex(**values), {name: frozenset(mapping.changed) for name, mapping in edited.items()}


def whole(rows: Rows) -> Difference:
    """All of `rows` as the difference to no facts at all."""
    objects = {
        kind: frozenset(map(attrgetter(spec.object_id), getattr(rows, spec.field))) for kind, spec in KINDS.items()
    }
    return Difference(objects, rows)


def _put_objects(draft: _Draft, difference: Difference) -> None:
    rows = difference.rows
    _put_rows(draft.organisations, difference.of(ChangeKind.ORGANISATION), rows.organisations)
    _put_rows(draft.notices, difference.of(ChangeKind.NOTICE), rows.notices)
    changed = difference.of(ChangeKind.DATASET)
    _put_rows(draft.datasets, changed, rows.datasets)
    recounting = [draft.datasets.current[row.id] for row in rows.datasets if row.recount_request is not None]
    draft.recounting.put_all(changed, {row.id: row for row in recounting})


def _put_rows(edited: Edited[uuid.UUID, RowWithId], ids: Ids, rows: Iterable[RowWithId]) -> None:
    edited.put_all(ids, {row.id: _with_known_id(edited, row) for row in rows})


def _with_known_id(edited: Edited[uuid.UUID, RowWithId], row: RowWithId) -> RowWithId:
    """The row with the id object of the row before it, so that set operations compare objects by identity."""
    before: Any = edited.current.get(row.id)
    changed: Any = row
    return row if before is None else replace(changed, id=before.id)


def _put_groups(draft: _Draft, difference: Difference) -> None:
    rows, of = difference.rows, difference.of
    _put_group(draft.partner_lists_of_notice, of(ChangeKind.PARTNER_LIST), rows.partner_lists, "notice_id")
    by_place = attrgetter("position")
    _put_group(draft.partners_of_list, of(ChangeKind.PARTNER), rows.partners, "partner_list_id", by_place)
    _put_group(draft.evidence_of_notice, of(ChangeKind.NOTICE_EVIDENCE), rows.evidence, "notice_id")
    attested = of(ChangeKind.COLLECTION_ATTESTATION)
    _put_group(draft.attestations_of_collection, attested, rows.attestations, "collection_id")
    _put_group(draft.statements_of_transfer, of(ChangeKind.TRANSFER_STATEMENT), rows.statements, "transfer_id")
    _put_group(draft.releases_of_dataset, of(ChangeKind.DATASET_RELEASE), rows.releases, "dataset_id")


_in_time: Callable[[Any], Any] = attrgetter("recorded_at", "id.int")


def _put_group(
    edited: Edited[uuid.UUID, Sequence[Row]],
    ids: Ids,
    rows: Iterable[Row],
    key: str,
    order: Callable[[Row], Any] = _in_time,
) -> None:
    edited.put_all(ids, _grouped(rows, attrgetter(key), order))


def _grouped(
    rows: Iterable[Row], key: Callable[[Row], uuid.UUID], order: Callable[[Row], Any]
) -> dict[uuid.UUID, Sequence[Row]]:
    groups: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return {group: tuple(sorted(found, key=order)) for group, found in groups.items()}


def _regroup(
    edited: Edited[uuid.UUID, Sequence[Row]],
    groups: Ids,
    is_replaced: Callable[[Row], bool],
    rows: Iterable[Row],
    key: Callable[[Row], uuid.UUID],
    order: Callable[[Row], Any],
) -> None:
    """Replace some rows of `groups`, which keep their others. `rows` are the new ones."""
    new = _grouped(rows, key, order)
    for group in {*groups, *new}:
        kept = [row for row in edited.current.get(group, ()) if not is_replaced(row)]
        edited.put(group, tuple(sorted([*kept, *new.get(group, ())], key=order)) or None)


def _put_collections(draft: _Draft, difference: Difference) -> None:
    """Every version of a collection leads to its latest correction, since datasets keep the id of the first."""
    versions, corrections = draft.collection_versions, draft.correction_of_collection
    changed = difference.of(ChangeKind.COLLECTION)
    heads = _put_versions(versions, corrections, changed, difference.rows.collections)
    for head in heads:
        chain = _versions_from(corrections, head)
        latest = versions.current.get(chain[-1])
        for version_id in chain:
            draft.collections.put(version_id, latest if version_id in versions.current else None)


def _put_versions(
    versions: Edited[uuid.UUID, Version], corrections: Edited[uuid.UUID, Version], ids: Ids, rows: Iterable[Version]
) -> set[uuid.UUID]:
    """Put facts that may correct others, and return the first version of each one concerned."""
    concerned = set(ids)
    for former in [versions.current[row_id] for row_id in ids if row_id in versions.current]:
        if former.corrects_id is not None:
            corrections.put(former.corrects_id, None)
            concerned.add(former.corrects_id)
    _put_rows(versions, ids, rows)
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


def _versions_from(corrections: Edited[uuid.UUID, Version], head: uuid.UUID) -> list[uuid.UUID]:
    """A fact and its corrections, the latest last."""
    chain = [head]
    while (correction := corrections.current.get(chain[-1])) is not None:
        chain.append(correction.id)
    return chain


def _put_transfers(draft: _Draft, facts: FactIndex, difference: Difference) -> None:
    changed = difference.of(ChangeKind.TRANSFER)
    former = [facts.transfers[row_id] for row_id in changed if row_id in facts.transfers]
    _put_rows(draft.transfers, changed, difference.rows.transfers)
    rows = [draft.transfers.current[row.id] for row in difference.rows.transfers]
    into = {row.received_dataset_id: row for row in rows}
    draft.transfer_into_dataset.put_all({*(row.received_dataset_id for row in former), *into}, into)
    _regroup(
        draft.transfers_from_dataset,
        {row.dataset_id for row in former},
        lambda row: row.id in changed,
        rows,
        attrgetter("dataset_id"),
        _in_time,
    )
    for transfer_id in changed | difference.of(ChangeKind.TRANSFER_STATEMENT):
        statements = draft.statements_of_transfer.current.get(transfer_id, ())
        is_there = transfer_id in draft.transfers.current
        draft.status_of_transfer.put(transfer_id, status_of(statements) if is_there else None)


def _put_parents(draft: _Draft, facts: FactIndex, difference: Difference) -> None:
    """Put the edges between datasets, from both ends; and which datasets share the numbers of another."""
    changed = difference.of(ChangeKind.DATASET_PARENT)
    edges = difference.rows.parents
    by_parent, by_child = attrgetter("parent_id.int"), attrgetter("dataset_id.int")
    _put_group(draft.parents_of_dataset, changed, edges, "dataset_id", by_parent)
    former = {edge.parent_id for dataset_id in changed for edge in facts.parents_of_dataset.get(dataset_id, ())}
    replaced: Callable[[ParentRow | Sharer], bool] = lambda row: row.dataset_id in changed  # noqa: E731
    _regroup(draft.children_of_dataset, former, replaced, edges, attrgetter("parent_id"), by_child)
    sharing = changed | difference.of(ChangeKind.DATASET)
    parents = former | {
        edge.parent_id for dataset_id in sharing for edge in draft.parents_of_dataset.current.get(dataset_id, ())
    }
    for parent_id in parents:
        parent = draft.datasets.current.get(parent_id)
        # The id of the indexed row, so that the mapping finds it by identity.
        draft.sharers_of_dataset.put(parent.id if parent else parent_id, _sharers(draft, parent_id, sharing) or None)


def _sharers(draft: _Draft, parent_id: uuid.UUID, changed: Ids) -> Sequence[Sharer]:
    """The datasets that share a parent's numbers, in the order of their ids. Only `changed` ones are looked at."""
    former = draft.sharers_of_dataset.current.get(parent_id, ())
    found = [sharer for sharer in former if sharer.dataset_id not in changed]
    edges = draft.children_of_dataset.current.get(parent_id, ())
    datasets = [draft.datasets.current[edge.dataset_id] for edge in edges if edge.dataset_id in changed]
    # The id of the indexed row, so that set operations compare objects by identity.
    found += [Sharer(row.id, row.made_at or NOT_YET) for row in datasets if row.content != Content.UPLOADED]
    return tuple(sorted(found, key=attrgetter("dataset_id.int")))


def _put_campaigns(draft: _Draft, facts: FactIndex, difference: Difference) -> None:
    """A corrected campaign no longer counts, but keeps its own address in the API."""
    changed = difference.of(ChangeKind.CAMPAIGN)
    heads = _put_versions(draft.campaign_versions, draft.correction_of_campaign, changed, difference.rows.campaigns)
    of_campaign = difference.of(ChangeKind.CAMPAIGN_DATASET)
    uses: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for use in difference.rows.uses:
        uses[use.campaign_id].append(use.dataset_id)
    in_order = {campaign_id: tuple(sorted(found, key=attrgetter("int"))) for campaign_id, found in uses.items()}
    draft.datasets_of_version.put_all(of_campaign, in_order)
    chains = (_versions_from(draft.correction_of_campaign, head) for head in heads)
    concerned = {*changed, *of_campaign}.union(*chains)
    for campaign_id in concerned:
        counts = campaign_id not in draft.correction_of_campaign.current
        draft.campaigns.put(campaign_id, draft.campaign_versions.current.get(campaign_id) if counts else None)
        used = draft.datasets_of_version.current.get(campaign_id)
        draft.datasets_of_campaign.put(campaign_id, used if campaign_id in draft.campaigns.current else None)
    _put_campaigns_of_datasets(draft, facts, concerned)


def _put_campaigns_of_datasets(draft: _Draft, facts: FactIndex, concerned: Ids) -> None:
    pairs = [
        (dataset_id, draft.campaigns.current[campaign_id].id)
        for campaign_id in concerned
        for dataset_id in draft.datasets_of_campaign.current.get(campaign_id, ())
    ]
    former = {dataset_id for campaign_id in concerned for dataset_id in facts.datasets_of_campaign.get(campaign_id, ())}
    new: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for dataset_id, campaign_id in pairs:
        new[dataset_id].append(campaign_id)
    for dataset_id in {*former, *new}:
        kept = [row_id for row_id in draft.campaigns_of_dataset.current.get(dataset_id, ()) if row_id not in concerned]
        in_order = sorted([*kept, *new.get(dataset_id, ())], key=attrgetter("int"))
        draft.campaigns_of_dataset.put(dataset_id, tuple(in_order) or None)


def _put_counts(draft: _Draft, facts: FactIndex, difference: Difference) -> None:
    ancestors: dict[uuid.UUID, dict[uuid.UUID, int]] = defaultdict(dict)
    lost: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for row in difference.rows.ancestor_counts:
        ancestors[row.dataset_id][row.ancestor_id] = row.count_at_sealing
        if not row.count_left:
            lost[row.dataset_id].add(row.ancestor_id)
    draft.ancestor_counts.put_all(difference.of(ChangeKind.ANCESTOR_COUNT), ancestors)
    gone = {dataset_id: frozenset(ancestor_ids) for dataset_id, ancestor_ids in lost.items()}
    draft.lost_ancestors.put_all(difference.of(ChangeKind.ANCESTOR_COUNT), gone)
    changed = difference.of(ChangeKind.NOTICE_COUNT)
    notices: dict[uuid.UUID, dict[uuid.UUID, int]] = defaultdict(dict)
    for count in difference.rows.notice_counts:
        notices[count.dataset_id][count.notice_id] = count.count_at_sealing
    draft.notice_counts_of_dataset.put_all(changed, notices)
    by_notice: dict[uuid.UUID, dict[uuid.UUID, int]] = {}
    for dataset_id in changed:
        for notice_id in {*facts.notice_counts_of_dataset.get(dataset_id, ()), *notices.get(dataset_id, ())}:
            counts = by_notice.setdefault(notice_id, dict(facts.notice_counts.get(notice_id, {})))
            counts.pop(dataset_id, None)
            if (at_sealing := notices.get(dataset_id, {}).get(notice_id)) is not None:
                counts[dataset_id] = at_sealing
    for notice_id, counts in by_notice.items():
        draft.notice_counts.put(notice_id, counts or None)
