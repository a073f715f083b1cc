"""What visibility depends on, taken from the recorded facts. Pure."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import fields
from typing import Any, Final, TypeVar

from service.access.visibility import DatasetLinks, IdSet, TransferEnds, VisibilityIndex, holders_of_record
from service.core.vocabulary import TransferStatus
from service.provenance.graph.difference import Touched
from service.provenance.graph.edited import Edited
from service.provenance.graph.fact_index import FactIndex, carries, is_void, made_at
from service.provenance.graph.rows import CampaignRow, TransferRow

Key = TypeVar("Key")
Pairs = Iterable[tuple[Key, uuid.UUID]]

_EMPTY: Final[dict[str, Any]] = {field.name: {} for field in fields(VisibilityIndex)} | {"cut_off": frozenset()}
NO_VISIBILITY: Final = VisibilityIndex(**_EMPTY)

# What is found by dataset, and of which its links or holders may depend.
_OF_DATASET: Final = (
    "datasets",
    "parents_of_dataset",
    "transfers_from_dataset",
    "transfer_into_dataset",
    "campaigns_of_dataset",
    "ancestor_counts",
    "lost_ancestors",
)


def next_visibility_index(
    index: VisibilityIndex, before: FactIndex, facts: FactIndex, touched: Touched
) -> VisibilityIndex:
    """What visibility depends on after a change of the facts `before`."""
    transfer_ids = touched["transfers"] | touched["status_of_transfer"]
    former, now = _rows(before.transfers, transfer_ids), _rows(facts.transfers, transfer_ids)
    dataset_ids = frozenset().union(*(touched[name] for name in _OF_DATASET))
    dataset_ids |= {dataset_id for row in (*former, *now) for dataset_id in (row.dataset_id, row.received_dataset_id)}
    dataset_ids |= _held_by_any(index, touched["organisations"])
    withdrawals = touched["withdrawn"]
    dataset_ids |= _below(facts, {row.received_dataset_id for row in now} | withdrawals)
    cut_off = index.cut_off.difference((row.received_dataset_id for row in former), withdrawals)
    cut_off = cut_off.union(row.received_dataset_id for row in now if is_void(facts, row.id))
    cut_off = cut_off.union(facts.datasets[dataset_id].id for dataset_id in withdrawals & facts.withdrawn.keys())
    campaigns = touched["campaigns"]
    ended, begun = _rows(before.campaigns, campaigns), _rows(facts.campaigns, campaigns)
    held_before, held_now = _held(before, dataset_ids), _held(facts, dataset_ids)
    spoken_before, spoken_now = _spoken_for(before, held_before), _spoken_for(facts, held_now)
    links = {row.id: _links(facts, row.id, cut_off) for row in _rows(facts.datasets, dataset_ids)}
    return VisibilityIndex(
        links=_replaced(index.links, dataset_ids, links),
        transfers=_replaced(index.transfers, transfer_ids, {row.id: _ends(facts, row) for row in now}),
        held_by=_regrouped(index.held_by, held_before, held_now),
        spoken_for=_regrouped(index.spoken_for, spoken_before, spoken_now),
        sent_by=_regrouped(index.sent_by, _by_sender(former), _by_sender(now)),
        received_by=_regrouped(index.received_by, _by_recipient(former), _by_recipient(now)),
        campaigns_of=_regrouped(index.campaigns_of, _by_party(ended), _by_party(begun)),
        cut_off=cut_off,
        campaigns_began=_replaced(index.campaigns_began, campaigns, {row.id: row.began_at for row in begun}),
    )


Row = TypeVar("Row")
Value = TypeVar("Value")


def _rows(rows: Mapping[uuid.UUID, Row], ids: Iterable[uuid.UUID]) -> list[Row]:
    return [rows[row_id] for row_id in ids if row_id in rows]


def _replaced(
    mapping: Mapping[uuid.UUID, Value], keys: Iterable[uuid.UUID], values: Mapping[uuid.UUID, Value]
) -> Mapping[uuid.UUID, Value]:
    edited = Edited(mapping)
    edited.put_all(keys, values)
    return edited.current


def _regrouped(groups: Mapping[Key, IdSet], former: Pairs[Key], now: Pairs[Key]) -> Mapping[Key, IdSet]:
    """The groups of ids, without the pairs that are no longer so, and with the new ones."""
    before, after = frozenset(former), frozenset(now)
    removed, added = _sets(before - after), _sets(after - before)
    edited = Edited(groups)
    for key in removed.keys() | added.keys():
        kept = edited.current.get(key, frozenset()) - removed.get(key, frozenset())
        edited.put(key, kept | added.get(key, frozenset()) or None)
    return edited.current


def _sets(pairs: Pairs[Key]) -> dict[Key, frozenset[uuid.UUID]]:
    groups: dict[Key, set[uuid.UUID]] = defaultdict(set)
    for key, value in pairs:
        groups[key].add(value)
    return {key: frozenset(values) for key, values in groups.items()}


def _held_by_any(index: VisibilityIndex, organisation_ids: Iterable[uuid.UUID]) -> IdSet:
    """What organisations count as holding. With an account, a holder no longer has anybody speak for it."""
    return frozenset().union(*(index.held_by.get(organisation_id, ()) for organisation_id in organisation_ids))


def _held(facts: FactIndex, dataset_ids: Iterable[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    return [
        (holder_id, row.id)
        for row in _rows(facts.datasets, dataset_ids)
        for holder_id in _holders_of_record(facts, row.id)
    ]


def _spoken_for(facts: FactIndex, held: Pairs[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    return [(holder, dataset_id) for holder, dataset_id in held if holder != facts.datasets[dataset_id].holder_id]


def _by_sender(rows: Iterable[TransferRow]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    return [(row.sender_id, row.id) for row in rows]


def _by_recipient(rows: Iterable[TransferRow]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    return [(row.recipient_id, row.id) for row in rows]


def _by_party(rows: Iterable[CampaignRow]) -> list[tuple[tuple[uuid.UUID, uuid.UUID | None], uuid.UUID]]:
    return [((row.party_id, sender), row.id) for row in rows for sender in {None, row.sender_id}]


def _below(facts: FactIndex, dataset_ids: Iterable[uuid.UUID]) -> IdSet:
    """Datasets with their descendants."""
    found: set[uuid.UUID] = set()
    waiting = list(dataset_ids)
    while waiting:
        dataset_id = waiting.pop()
        if dataset_id not in found:
            found.add(dataset_id)
            waiting += [edge.dataset_id for edge in facts.children_of_dataset.get(dataset_id, ())]
    return frozenset(found)


def _came_from(facts: FactIndex, dataset_id: uuid.UUID, cut_off: frozenset[uuid.UUID]) -> Set[uuid.UUID]:
    """The ancestors that at least one number left in a dataset came from, by a path that none cuts.

    Counts say it for all datasets but those below a cut, for which the paths are walked. The view `came_from_below_cut`
    says the same in SQL.
    """
    if dataset_id in facts.withdrawn:
        return frozenset()
    counted = facts.ancestor_counts.get(dataset_id, {}).keys()
    lost = facts.lost_ancestors.get(dataset_id)
    left: Set[uuid.UUID] = frozenset(counted) - lost if lost else counted
    if dataset_id not in cut_off and cut_off.isdisjoint(counted):
        return left
    found: set[uuid.UUID] = set()
    waiting = [dataset_id]
    while waiting:
        edges = facts.parents_of_dataset.get(waiting.pop(), ())
        parents = {edge.parent_id for edge in edges if carries(facts, edge.parent_id, edge.transfer_id)}
        new = left & parents - found
        found |= new
        waiting += new
    return frozenset(found)


def _links(facts: FactIndex, dataset_id: uuid.UUID, cut_off: frozenset[uuid.UUID]) -> DatasetLinks:
    edges = facts.parents_of_dataset.get(dataset_id, ())
    arrival = facts.transfer_into_dataset.get(dataset_id)
    arrivals = frozenset({arrival.id} if arrival else ())
    sent = {row.id for row in facts.transfers_from_dataset.get(dataset_id, ())}
    used_in = facts.campaigns_of_dataset.get(dataset_id, ())
    return DatasetLinks(
        came_from=_came_from(facts, dataset_id, cut_off),
        # Always the ids of the indexed rows, so that set operations compare objects by identity.
        parents=frozenset(facts.datasets[edge.parent_id].id for edge in edges if not is_void(facts, edge.transfer_id)),
        arrivals=frozenset(transfer_id for transfer_id in arrivals if not is_void(facts, transfer_id)),
        touching=arrivals | sent,
        used_in=frozenset(facts.campaigns[campaign_id].id for campaign_id in used_in),
        made_at=made_at(facts, dataset_id),
    )


def _ends(facts: FactIndex, row: TransferRow) -> TransferEnds:
    received = facts.datasets[row.received_dataset_id].id
    return TransferEnds(
        facts.datasets[row.dataset_id].id,
        frozenset() if is_void(facts, row.id) else frozenset({received}),
        row.recorded_at,
        received,
        facts.status_of_transfer[row.id] is TransferStatus.RETRACTED,
    )


def _holders_of_record(facts: FactIndex, dataset_id: uuid.UUID) -> frozenset[uuid.UUID]:
    dataset = facts.datasets[dataset_id]
    transfer = facts.transfer_into_dataset.get(dataset_id)
    return holders_of_record(
        dataset.holder_id,
        dataset.asserted_by_id,
        has_account=facts.organisations[dataset.holder_id].admitted_at is not None,
        void=is_void(facts, transfer.id if transfer else None),
    )
