"""Whether a number counts for its holders: the barrier before numbers in clear and objections for others. Pure.

Anybody can seal guessed numbers, also in the name of an invented collector. So a holding alone gives its holder neither
the number of a person who objects, nor the right to record objections that bind others. The operator looks at a
*first upload*, a dataset whose numbers come from nobody with an account here, and releases it. A number counts in a
dataset if, on a path of holdings from a collection, the last first upload has been released and every transfer after it
was declared by its sender. A number without such a path counts once its own dataset has been released.

Every rule that asks this calls `datasets_counting`: relays, flags and webhooks, reports of objections, and later
assessments and screenings, for which such a number is unknown.
"""

import uuid
from collections.abc import Collection

from service.core.erasures import Erasures
from service.core.vocabulary import Side
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.graph import Graph, sources
from service.provenance.graph.rows import ParentRow
from service.transfer.status import standing_of


def datasets_counting(graph: Graph, datasets: Collection[uuid.UUID], erasures: Erasures) -> frozenset[uuid.UUID]:
    """Those of the `datasets` holding a number, or holding it until its erasure, in which the number counts.

    `datasets` and `erasures` are those of `datasets_holding`. An erased dataset still leads on to what was made from it
    before. The work is one look at each dataset and its parents.
    """
    facts = graph.facts
    with_origin: set[uuid.UUID] = set()
    by_path: set[uuid.UUID] = set()
    without_path: set[uuid.UUID] = set()
    for dataset_id in sorted(datasets, key=graph.rank.__getitem__):
        edges = [edge for edge in sources(facts, dataset_id, erasures) if edge.parent_id in with_origin]
        released = is_released(facts, dataset_id)
        if not edges and facts.datasets[dataset_id].collection_id is None:
            if released:
                without_path.add(dataset_id)
            continue
        with_origin.add(dataset_id)
        came_on = any(edge.parent_id in by_path and _is_vouched(facts, edge) for edge in edges)
        if came_on or (released and is_first_upload(facts, dataset_id)):
            by_path.add(dataset_id)
    return frozenset(by_path | without_path)


def is_first_upload(facts: FactIndex, dataset_id: uuid.UUID) -> bool:
    """Whether a dataset's numbers come from nobody with an account, by the word of who asserts it.

    It was collected, also by its holder itself, or a transfer brought it that its sender did not register, or that it
    retracted. The view `first_upload` says the same in SQL.
    """
    if facts.datasets[dataset_id].collection_id is not None:
        return True
    transfer = facts.transfer_into_dataset.get(dataset_id)
    if transfer is None or transfer.asserted_by_id != transfer.sender_id:
        return transfer is not None
    return standing_of(transfer, facts.statements_of_transfer.get(transfer.id, ())).retraction is not None


def is_released(facts: FactIndex, dataset_id: uuid.UUID) -> bool:
    """Whether the operator's latest act released what a dataset holds. The view `released_dataset` says the same.

    A recipient's own file that became the content later was not there when the operator looked, and neither was a
    collection that was stated later.
    """
    latest = max(facts.releases_of_dataset.get(dataset_id, ()), key=lambda act: (act.recorded_at, act.id), default=None)
    dataset = facts.datasets[dataset_id]
    if latest is None or latest.withdrawn or dataset.sealed_at is None:
        return False
    return latest.recorded_at >= max(dataset.sealed_at, dataset.collection_stated_at or dataset.sealed_at)


def _is_vouched(facts: FactIndex, edge: ParentRow) -> bool:
    """Whether a hop carries on what counts: within one holder, or by a transfer that its sender declared itself.

    The sender's dataset holds the number, or this hop would not be on a path of holdings. A supplier that confirms a
    code which the recipient stated will have declared the transfer alike.
    """
    if edge.transfer_id is None:
        return True
    transfer = facts.transfers[edge.transfer_id]
    statements = facts.statements_of_transfer.get(edge.transfer_id, ())
    return Side.SENDER in standing_of(transfer, statements).vouching(transfer)
