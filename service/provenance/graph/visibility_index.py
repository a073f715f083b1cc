"""What visibility depends on, taken from the recorded facts. Pure."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from service.access.visibility import DatasetLinks, TransferEnds, VisibilityIndex, holders_of_record
from service.provenance.graph.fact_index import FactIndex, is_denied, made_at
from service.provenance.graph.rows import TransferRow

Key = TypeVar("Key")


def build_visibility_index(facts: FactIndex) -> VisibilityIndex:
    """Index what visibility depends on."""
    transfers = facts.transfers.values()
    campaigns = facts.campaigns.values()
    holders_of = {dataset_id: _holders_of_record(facts, dataset_id) for dataset_id in facts.datasets}
    return VisibilityIndex(
        links={dataset_id: _links(facts, dataset_id) for dataset_id in facts.datasets},
        transfers={row.id: _ends(facts, row) for row in transfers},
        held_by=_sets((holder, dataset_id) for dataset_id, holders in holders_of.items() for holder in holders),
        spoken_for=_sets(
            (holder, dataset_id)
            for dataset_id, holders in holders_of.items()
            for holder in holders - {facts.datasets[dataset_id].holder_id}
        ),
        sent_by=_sets((row.sender_id, row.id) for row in transfers),
        received_by=_sets((row.recipient_id, row.id) for row in transfers),
        campaigns_of=_sets(((row.party_id, sender), row.id) for row in campaigns for sender in {None, row.sender_id}),
        campaigns_began={row.id: row.began_at for row in campaigns},
    )


def _sets(pairs: Iterable[tuple[Key, uuid.UUID]]) -> dict[Key, frozenset[uuid.UUID]]:
    groups: dict[Key, set[uuid.UUID]] = defaultdict(set)
    for key, value in pairs:
        groups[key].add(value)
    return {key: frozenset(values) for key, values in groups.items()}


def _links(facts: FactIndex, dataset_id: uuid.UUID) -> DatasetLinks:
    edges = facts.parents_of_dataset.get(dataset_id, ())
    arrival = facts.transfer_into_dataset.get(dataset_id)
    arrivals = frozenset({arrival.id} if arrival else ())
    sent = {row.id for row in facts.transfers_from_dataset.get(dataset_id, ())}
    used_in = facts.campaigns_of_dataset.get(dataset_id, ())
    return DatasetLinks(
        # Always the ids of the indexed rows, so that set operations compare objects by identity.
        parents=frozenset(
            facts.datasets[edge.parent_id].id for edge in edges if not is_denied(facts, edge.transfer_id)
        ),
        arrivals=frozenset(transfer_id for transfer_id in arrivals if not is_denied(facts, transfer_id)),
        touching=arrivals | sent,
        used_in=frozenset(facts.campaigns[campaign_id].id for campaign_id in used_in),
        made_at=made_at(facts, dataset_id),
    )


def _ends(facts: FactIndex, row: TransferRow) -> TransferEnds:
    received = facts.datasets[row.received_dataset_id].id
    return TransferEnds(
        facts.datasets[row.dataset_id].id,
        frozenset() if is_denied(facts, row.id) else frozenset({received}),
        row.recorded_at,
    )


def _holders_of_record(facts: FactIndex, dataset_id: uuid.UUID) -> frozenset[uuid.UUID]:
    dataset = facts.datasets[dataset_id]
    transfer = facts.transfer_into_dataset.get(dataset_id)
    return holders_of_record(
        dataset.holder_id,
        dataset.asserted_by_id,
        has_account=facts.organisations[dataset.holder_id].admitted_at is not None,
        denied=is_denied(facts, transfer.id if transfer else None),
    )
