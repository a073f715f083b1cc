"""Datasets and whatever was made of them, in whose hands: read from the tables, to tell who draws on a stored copy."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final, LiteralString

from service.core.ended import NOT_YET
from service.core.vocabulary import Content
from service.membership.ancestry import Dag, Node

# A dataset that came by a transfer took over what its parent had when that was recorded: when it was sealed says how
# long its recipient waited to send a file of its own. Transfers stand above memberships and are named in plain SQL.
DESCENDANTS: Final[LiteralString] = """
    WITH RECURSIVE down (id) AS (
        SELECT unnest(%(ids)s::uuid[])
        UNION
        SELECT edge.dataset_id FROM down JOIN dataset_parent AS edge ON edge.parent_id = down.id)
    SELECT dataset.id, content, ARRAY(SELECT parent_id FROM dataset_parent WHERE dataset_id = dataset.id),
           CASE WHEN transfer.id IS NULL THEN sealed_at ELSE dataset.recorded_at END, holder_id,
           state = 'sealed' AND coalesce('denied' <> (
               SELECT word FROM transfer_statement AS said WHERE said.transfer_id = transfer.id AND side = 'recipient'
               ORDER BY said.recorded_at DESC, said.id DESC LIMIT 1), true)
    FROM down JOIN dataset USING (id) LEFT JOIN transfer ON transfer.received_dataset_id = dataset.id
"""


@dataclass(frozen=True, slots=True)
class Family:
    """Some datasets with whatever was made of them, and the holder of each. `held` are those that count as holdings."""

    dag: Dag
    holders: Mapping[uuid.UUID, uuid.UUID]
    held: frozenset[uuid.UUID]


def family_of(rows: Iterable[tuple[Any, ...]]) -> Family:
    """What the rows of `DESCENDANTS` tell."""
    found = {row[0]: row[1:] for row in rows}
    order = TopologicalSorter({dataset: row[1] for dataset, row in found.items()}).static_order()
    dag = {
        dataset: Node(Content(found[dataset][0]), tuple(found[dataset][1]), found[dataset][2] or NOT_YET)
        for dataset in order
        if dataset in found
    }
    return Family(
        dag,
        {dataset: row[3] for dataset, row in found.items()},
        frozenset(dataset for dataset, row in found.items() if row[4]),
    )
