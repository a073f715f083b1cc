"""Reads datasets with their descendants from the tables, to find the dependents of a stored copy."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any, Final, LiteralString

from service.core.erasures import NOT_YET, Erasures
from service.core.vocabulary import Content
from service.membership.descent.dag import Dag, Node
from service.membership.descent.dependents import Sharers, copies_no_longer_needed, dependents_of, sharers_in

# OFFSET 0 has each dataset looked up by its id. PostgreSQL expects many more of them, and would read the whole table.
DESCENDANTS_QUERY: Final[LiteralString] = """
    WITH RECURSIVE down (id) AS (
        SELECT unnest(%(ids)s::uuid[])
        UNION
        SELECT edge.dataset_id FROM down JOIN dataset_parent AS edge ON edge.parent_id = down.id)
    SELECT node.dataset_id, content, parent_ids, made_at, holder_id, speaker_id, is_holding
    FROM down CROSS JOIN LATERAL (SELECT * FROM dataset_node WHERE dataset_id = down.id OFFSET 0) AS node
"""


@dataclass(frozen=True)
class Descendants:
    """Some datasets with all their descendants, and the holder of each.

    `holdings` are those that count as holdings. `asserted_by` names who asserted a dataset whose holder has no account.
    """

    dag: Dag
    holders: Mapping[uuid.UUID, uuid.UUID]
    asserted_by: Mapping[uuid.UUID, uuid.UUID]
    holdings: frozenset[uuid.UUID]

    @cached_property
    def sharers(self) -> Sharers:
        """The datasets that share the numbers of each dataset."""
        return sharers_in(self.dag)

    def datasets_holding(self, stored_in: Collection[uuid.UUID], erasures: Erasures) -> set[uuid.UUID]:
        """The datasets that hold a number now, given the datasets that store it and its erasures."""
        return (dependents_of(stored_in, self.sharers, erasures) & self.holdings) - erasures.keys()

    def copies_no_longer_needed(self, stored_in: Collection[uuid.UUID], erasures: Erasures) -> frozenset[uuid.UUID]:
        """The datasets whose stored copy of a number no longer has a dependent.

        A holder without an account cannot erase. Its dataset stops being a dependent once the organisation that
        asserted it has erased the number: from then on nobody here answers for that holding.
        """
        holding = self.datasets_holding(stored_in, erasures)
        erasers = {self.holders[dataset_id] for dataset_id in erasures if dataset_id in self.holders}
        erasers -= {self.holders[dataset_id] for dataset_id in holding}
        answered_for = {dataset_id for dataset_id in holding if self.asserted_by.get(dataset_id) not in erasers}
        return copies_no_longer_needed(self.dag, answered_for, stored_in, erasures)


def descendants_from_rows(rows: Iterable[tuple[Any, ...]]) -> Descendants:
    """The descendants in the rows of `DESCENDANTS_QUERY`."""
    nodes, holders, asserted_by, holdings = {}, {}, {}, set()
    for dataset_id, content, parents, made_at, holder_id, asserted_by_id, is_holding in rows:
        nodes[dataset_id] = Node(Content(content), tuple(parents), made_at or NOT_YET)
        holders[dataset_id] = holder_id
        if asserted_by_id is not None:
            asserted_by[dataset_id] = asserted_by_id
        if is_holding:
            holdings.add(dataset_id)
    # Parents that are not among the rows are ordered too, and left out.
    order = TopologicalSorter({dataset_id: node.parents for dataset_id, node in nodes.items()}).static_order()
    dag = {dataset_id: nodes[dataset_id] for dataset_id in order if dataset_id in nodes}
    return Descendants(dag, holders, asserted_by, frozenset(holdings))
