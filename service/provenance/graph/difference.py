"""From one state of the facts to the next, by the facts that changed; the first state is made from none. Pure.

Each fact belongs to an object, such as a statement to its transfer. Of a changed object all rows of a kind are given
anew, and take the place of those before. What follows from several facts is found again for the objects concerned only,
so a small change costs no more than the copies of the mappings that it changes.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from service.core.erasures import NOT_YET
from service.core.vocabulary import ChangeKind, Content
from service.dataset.standing import end_of, withdrawal_of
from service.membership.descent.dependents import Sharer
from service.provenance.graph.campaign_facts import put_campaigns
from service.provenance.graph.draft import (
    IN_TIME,
    Difference,
    Draft,
    Ids,
    put_group,
    put_latest,
    put_rows,
    regroup,
)
from service.provenance.graph.edited import Edited
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.rows import (
    KINDS,
    DatasetStatementRow,
    ParentRow,
    Rows,
)
from service.transfer.status import standing_of

Touched = Mapping[str, frozenset[uuid.UUID]]
"""For each field of `FactIndex` the keys whose value changed."""


def next_facts(facts: FactIndex, difference: Difference) -> tuple[FactIndex, Touched]:
    """The facts after a difference, and which entries of the index it changed. `facts` itself stays as it is."""
    edited: dict[str, Any] = {field.name: Edited(getattr(facts, field.name)) for field in fields(FactIndex)}
    draft = Draft(**edited)
    _put_objects(draft, difference)
    _put_standings(draft, difference)
    _put_groups(draft, difference)
    _put_collections(draft, difference)
    _put_transfers(draft, facts, difference)
    _put_parents(draft, facts, difference)
    put_campaigns(draft, facts, difference)
    _put_counts(draft, facts, difference)
    values = {name: mapping.current for name, mapping in edited.items()}
    return FactIndex(**values), {name: frozenset(mapping.changed) for name, mapping in edited.items()}


def whole(rows: Rows) -> Difference:
    """All of `rows` as the difference to no facts at all."""
    objects = {
        kind: frozenset(map(attrgetter(spec.object_id), getattr(rows, spec.field))) for kind, spec in KINDS.items()
    }
    return Difference(objects, rows)


def _put_objects(draft: Draft, difference: Difference) -> None:
    rows = difference.rows
    put_rows(draft.organisations, difference.of(ChangeKind.ORGANISATION), rows.organisations)
    changed = difference.of(ChangeKind.DATASET)
    put_rows(draft.datasets, changed, rows.datasets)
    recounting = [draft.datasets.current[row.id] for row in rows.datasets if row.recount_request is not None]
    draft.recounting.put_all(changed, {row.id: row for row in recounting})


def _put_standings(draft: Draft, difference: Difference) -> None:
    """Put which datasets' holdings ended, and which were withdrawn."""
    statements: dict[uuid.UUID, list[DatasetStatementRow]] = defaultdict(list)
    for row in difference.rows.dataset_statements:
        statements[row.dataset_id].append(row)
    for dataset_id in difference.of(ChangeKind.DATASET_STATEMENT):
        draft.ended.put(dataset_id, end_of(statements[dataset_id]))
        draft.withdrawn.put(dataset_id, withdrawal_of(statements[dataset_id]))


def _put_groups(draft: Draft, difference: Difference) -> None:
    rows, of = difference.rows, difference.of
    put_group(draft.partner_lists_of_notice, of(ChangeKind.PARTNER_LIST), rows.partner_lists, "notice_id")
    by_place = attrgetter("position")
    put_group(draft.partners_of_list, of(ChangeKind.PARTNER), rows.partners, "partner_list_id", by_place)
    put_group(draft.evidence_of_notice, of(ChangeKind.NOTICE_EVIDENCE), rows.evidence, "notice_id")
    withdrawals = {row.evidence_id: row for row in rows.evidence_withdrawals}
    draft.withdrawal_of_evidence.put_all(of(ChangeKind.EVIDENCE_WITHDRAWAL), withdrawals)
    stated = of(ChangeKind.COLLECTOR_STATEMENT)
    put_group(draft.statements_of_collection, stated, rows.collector_statements, "collection_id")
    put_group(draft.statements_of_transfer, of(ChangeKind.TRANSFER_STATEMENT), rows.statements, "transfer_id")
    put_group(draft.releases_of_dataset, of(ChangeKind.DATASET_RELEASE), rows.releases, "dataset_id")


def _put_collections(draft: Draft, difference: Difference) -> None:
    """Every version of a notice or collection leads to its latest correction: others keep the id of an earlier one."""
    rows, of = difference.rows, difference.of
    put_latest(draft.notices, draft.notice_versions, draft.correction_of_notice, of(ChangeKind.NOTICE), rows.notices)
    versions, corrections = draft.collection_versions, draft.correction_of_collection
    put_latest(draft.collections, versions, corrections, of(ChangeKind.COLLECTION), rows.collections)


def _put_transfers(draft: Draft, facts: FactIndex, difference: Difference) -> None:
    changed = difference.of(ChangeKind.TRANSFER)
    former = [facts.transfers[row_id] for row_id in changed if row_id in facts.transfers]
    put_rows(draft.transfers, changed, difference.rows.transfers)
    rows = [draft.transfers.current[row.id] for row in difference.rows.transfers]
    into = {row.received_dataset_id: row for row in rows}
    draft.transfer_into_dataset.put_all({*(row.received_dataset_id for row in former), *into}, into)
    regroup(
        draft.transfers_from_dataset,
        {row.dataset_id for row in former},
        lambda row: row.id in changed,
        rows,
        attrgetter("dataset_id"),
        IN_TIME,
    )
    for transfer_id in changed | difference.of(ChangeKind.TRANSFER_STATEMENT):
        row = draft.transfers.current.get(transfer_id)
        statements = draft.statements_of_transfer.current.get(transfer_id, ())
        draft.status_of_transfer.put(transfer_id, standing_of(row, statements).status if row else None)


def _put_parents(draft: Draft, facts: FactIndex, difference: Difference) -> None:
    """Put the edges between datasets, from both ends; and which datasets share the numbers of another."""
    changed = difference.of(ChangeKind.DATASET_PARENT)
    edges = difference.rows.parents
    by_parent, by_child = attrgetter("parent_id.int"), attrgetter("dataset_id.int")
    put_group(draft.parents_of_dataset, changed, edges, "dataset_id", by_parent)
    former = {edge.parent_id for dataset_id in changed for edge in facts.parents_of_dataset.get(dataset_id, ())}
    replaced: Callable[[ParentRow | Sharer], bool] = lambda row: row.dataset_id in changed  # noqa: E731
    regroup(draft.children_of_dataset, former, replaced, edges, attrgetter("parent_id"), by_child)
    sharing = changed | difference.of(ChangeKind.DATASET)
    parents = former | {
        edge.parent_id for dataset_id in sharing for edge in draft.parents_of_dataset.current.get(dataset_id, ())
    }
    for parent_id in parents:
        parent = draft.datasets.current.get(parent_id)
        # The id of the indexed row, so that the mapping finds it by identity.
        draft.sharers_of_dataset.put(parent.id if parent else parent_id, _sharers(draft, parent_id, sharing) or None)


def _sharers(draft: Draft, parent_id: uuid.UUID, changed: Ids) -> Sequence[Sharer]:
    """The datasets that share a parent's numbers, in the order of their ids. Only `changed` ones are looked at."""
    former = draft.sharers_of_dataset.current.get(parent_id, ())
    found = [sharer for sharer in former if sharer.dataset_id not in changed]
    edges = draft.children_of_dataset.current.get(parent_id, ())
    datasets = [draft.datasets.current[edge.dataset_id] for edge in edges if edge.dataset_id in changed]
    # The id of the indexed row, so that set operations compare objects by identity.
    found += [Sharer(row.id, row.made_at or NOT_YET) for row in datasets if row.content != Content.UPLOADED]
    return tuple(sorted(found, key=attrgetter("dataset_id.int")))


def _put_counts(draft: Draft, facts: FactIndex, difference: Difference) -> None:
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
