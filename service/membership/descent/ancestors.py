"""Reads datasets with their ancestors: to count at sealing, to list orphans, to reconcile a transfer."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from graphlib import TopologicalSorter

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import run
from service.core.erasures import NOT_YET
from service.core.vocabulary import Content
from service.membership.descent.dag import Dag, Node

# OFFSET 0 has each dataset looked up by its id. PostgreSQL expects many more of them, and would read the whole table.
_ANCESTORS = text("""
    WITH RECURSIVE up (id) AS (
        SELECT unnest(CAST(:ids AS uuid[]))
        UNION
        SELECT edge.parent_id FROM up JOIN dataset_parent AS edge ON edge.dataset_id = up.id
        WHERE NOT EXISTS (SELECT FROM withdrawn_dataset WHERE withdrawn_dataset.dataset_id = edge.parent_id))
    SELECT up.id, content, notice_id, made_at, counted_parent_ids AS parents
    FROM up CROSS JOIN LATERAL (SELECT * FROM dataset_node WHERE dataset_id = up.id OFFSET 0) AS node
""")


@dataclass(frozen=True, slots=True)
class Ancestors:
    """Some datasets with all their ancestors, and the notice of each collected dataset among them.

    What was withdrawn, and what only it came from, is no ancestor. Copies for the persons stay, as `descendants` say.
    """

    dag: Dag
    notices: dict[uuid.UUID, uuid.UUID]

    def datasets_by_notice(self) -> dict[uuid.UUID, list[uuid.UUID]]:
        """The collected datasets by notice."""
        found: dict[uuid.UUID, list[uuid.UUID]] = {}
        for dataset_id, notice_id in self.notices.items():
            found.setdefault(notice_id, []).append(dataset_id)
        return found

    def once_stored_in(self, stored_in: Collection[uuid.UUID], erased_from: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """The datasets that store a number, and those that stored it until it was erased from them."""
        uploaded = (id_ for id_ in erased_from if id_ in self.dag and self.dag[id_].content is Content.UPLOADED)
        return {*stored_in, *uploaded}


async def read_ancestors(session: AsyncSession, dataset_ids: Collection[uuid.UUID]) -> Ancestors:
    """The datasets and all their ancestors, every parent before its children."""
    rows = {row.id: row for row in await run(session, _ANCESTORS, {"ids": list(dataset_ids)})}
    order = TopologicalSorter({row.id: row.parents for row in rows.values()}).static_order()
    nodes = {
        dataset_id: Node(Content(row.content), tuple(row.parents), row.made_at or NOT_YET)
        for dataset_id, row in rows.items()
    }
    dag = {dataset_id: nodes[dataset_id] for dataset_id in order}
    return Ancestors(dag, {row.id: row.notice_id for row in rows.values() if row.notice_id is not None})
