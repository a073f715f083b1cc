"""Datasets and whatever was made of them, in whose hands: read from the tables, to tell who draws on a stored copy."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final, LiteralString

from service.core.erasures import NOT_YET, Erasures
from service.core.vocabulary import Content
from service.membership.descent.dag import Dag, Node
from service.membership.descent.dependents import drawing, unneeded

DESCENDANTS_QUERY: Final[LiteralString] = """
    WITH RECURSIVE down (id) AS (
        SELECT unnest(%(ids)s::uuid[])
        UNION
        SELECT edge.dataset_id FROM down JOIN dataset_parent AS edge ON edge.parent_id = down.id)
    SELECT dataset.id, content, ARRAY(SELECT parent_id FROM dataset_parent WHERE dataset_id = dataset.id),
           made_at, holder_id,
           CASE WHEN admitted_at IS NULL THEN nullif(dataset.asserted_by_id, holder_id) END,
           EXISTS (SELECT FROM held_dataset WHERE dataset_id = dataset.id)
    FROM down JOIN dataset USING (id) JOIN organisation AS holder ON holder.id = holder_id
    JOIN dataset_made_at ON dataset_id = dataset.id
"""


@dataclass(frozen=True, slots=True)
class Descendants:
    """Some datasets with whatever was made of them, and the holder of each. `held` are those that count as holdings.

    For a holder without an account `speakers` has who asserts the dataset.
    """

    dag: Dag
    holders: Mapping[uuid.UUID, uuid.UUID]
    speakers: Mapping[uuid.UUID, uuid.UUID]
    held: frozenset[uuid.UUID]

    def datasets_holding(self, stored: Collection[uuid.UUID], ended: Erasures) -> set[uuid.UUID]:
        """The datasets that hold a number now, given those that store it and those that it was erased from."""
        return (drawing(self.dag, stored, ended) & self.held) - ended.keys()

    def copies_no_longer_needed(self, stored: Collection[uuid.UUID], ended: Erasures) -> frozenset[uuid.UUID]:
        """Those of the datasets storing a number of which the stored copy serves nobody any more (see `drawing`).

        Nor does it serve a holder without an account once whoever tells of its dataset erased the number: nobody here
        answers for that holding then, and the holder itself cannot end it.
        """
        left = self.datasets_holding(stored, ended)
        gone = {self.holders[one] for one in ended if one in self.holders} - {self.holders[one] for one in left}
        return unneeded(self.dag, {one for one in left if self.speakers.get(one) not in gone}, stored, ended)


def descendants_from_rows(rows: Iterable[tuple[Any, ...]]) -> Descendants:
    """What the rows of `DESCENDANTS_QUERY` tell."""
    found = {row[0]: row[1:] for row in rows}
    order = TopologicalSorter({dataset: row[1] for dataset, row in found.items()}).static_order()
    dag = {
        dataset: Node(Content(found[dataset][0]), tuple(found[dataset][1]), found[dataset][2] or NOT_YET)
        for dataset in order
        if dataset in found
    }
    return Descendants(
        dag,
        {dataset: row[3] for dataset, row in found.items()},
        {dataset: row[4] for dataset, row in found.items() if row[4] is not None},
        frozenset(dataset for dataset, row in found.items() if row[5]),
    )
