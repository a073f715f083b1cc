"""Reads datasets with their descendants from the tables, to find the dependents of a stored copy."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
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
    SELECT node.dataset_id, content, parent_ids, made_at, first_made_at, holder_id, is_holding
    FROM down CROSS JOIN LATERAL (SELECT * FROM dataset_node WHERE dataset_id = down.id OFFSET 0) AS node
"""


@dataclass(frozen=True)
class Descendants:
    """Some datasets with all their descendants, and the holder of each.

    `holdings` are those that count as holdings. `first_made_at` is when a dataset took over its parents' numbers for
    the first time: before its recipient denied the transfer that delivered it, if it has acknowledged it since.
    """

    dag: Dag
    holders: Mapping[uuid.UUID, uuid.UUID]
    holdings: frozenset[uuid.UUID]
    first_made_at: Mapping[uuid.UUID, datetime]

    @cached_property
    def sharers(self) -> Sharers:
        """The datasets that share the numbers of each dataset."""
        return sharers_in(self.dag)

    def datasets_holding(self, stored_in: Collection[uuid.UUID], erasures: Erasures) -> set[uuid.UUID]:
        """The datasets that hold a number now, given the datasets that store it and its erasures."""
        return (dependents_of(stored_in, self.sharers, erasures) & self.holdings) - erasures.keys()

    def copies_no_longer_needed(self, stored_in: Collection[uuid.UUID], erasures: Erasures) -> frozenset[uuid.UUID]:
        """The datasets whose stored copy of a number no longer has a dependent.

        A holder without an account cannot erase, so its holdings need their copies until it has an account and erases.
        """
        return copies_no_longer_needed(self.dag, self.datasets_holding(stored_in, erasures), stored_in, erasures)

    def datasets_without_copy(self, stored_in: Collection[uuid.UUID], erasures: Erasures) -> set[uuid.UUID]:
        """The datasets that should hold a number, but whose stored copy is gone. There are none unless data is damaged.

        An uploaded dataset from which a number was erased stored it until then, so that those that had taken it over
        from there before hold it, unless it was erased from them too.
        """
        once_stored_in = {*stored_in, *self.uploaded_among(erasures)}
        return self.datasets_holding(once_stored_in, erasures) - dependents_of(stored_in, self.sharers, erasures)

    def datasets_once_holding(self, stored_in: Collection[uuid.UUID], erasures: Erasures) -> set[uuid.UUID]:
        """The datasets that hold a number or ever held it, as far as its stored copies and its erasures tell."""
        firsts = {
            dataset_id: replace(node, made_at=self.first_made_at[dataset_id]) for dataset_id, node in self.dag.items()
        }
        return dependents_of({*stored_in, *self.uploaded_among(erasures)}, sharers_in(firsts), erasures)

    def uploaded_among(self, dataset_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """Those of some datasets that store numbers of their own."""
        return {
            dataset_id
            for dataset_id in dataset_ids
            if dataset_id in self.dag and self.dag[dataset_id].content is Content.UPLOADED
        }


def descendants_from_rows(rows: Iterable[tuple[Any, ...]]) -> Descendants:
    """The descendants in the rows of `DESCENDANTS_QUERY`."""
    nodes, holders, firsts, holdings = {}, {}, {}, set()
    for dataset_id, content, parents, made_at, first_made_at, holder_id, is_holding in rows:
        nodes[dataset_id] = Node(Content(content), tuple(parents), made_at or NOT_YET)
        firsts[dataset_id] = first_made_at or NOT_YET
        holders[dataset_id] = holder_id
        if is_holding:
            holdings.add(dataset_id)
    # Parents that are not among the rows are ordered too, and left out.
    order = TopologicalSorter({dataset_id: node.parents for dataset_id, node in nodes.items()}).static_order()
    dag = {dataset_id: nodes[dataset_id] for dataset_id in order if dataset_id in nodes}
    return Descendants(dag, holders, frozenset(holdings), firsts)
