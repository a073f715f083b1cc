"""What collectors state of collections that others assert in their name, and what of it counts."""

import uuid
from collections.abc import Collection as Several
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.collection.models import CollectorStatement
from service.core.db import run
from service.core.vocabulary import CollectorStatus

# Each collection with what it corrects; and since when the collection and its notice are what they are, as far as
# another organisation than the collector says so.
_VERSIONS: Final = text("""
    WITH RECURSIVE version (id, version_id, corrects_id) AS (
        SELECT id, id, corrects_id FROM collection WHERE id = ANY(:ids)
        UNION ALL
        SELECT version.id, former.id, former.corrects_id
        FROM version JOIN collection AS former ON former.id = version.corrects_id)
    SELECT version.id, version_id, greatest(
        (SELECT recorded_at FROM collection WHERE id = version.id),
        (SELECT max(said.recorded_at)
         FROM collection JOIN notice AS named ON named.id = notice_id JOIN notice AS said USING (first_id)
         WHERE collection.id = version.id AND said.asserted_by_id IS DISTINCT FROM collection.collector_id)) AS since
    FROM version
""")


@dataclass(frozen=True, slots=True)
class CollectorWord:
    """All statements of a collection and of what it corrects, in order, and what counts of them; None if nothing does.

    `provenance.graph.fact_index` says the same of the facts in memory.
    """

    statements: list[CollectorStatement]
    status: CollectorStatus | None


async def read_collector_words(
    session: AsyncSession, collection_ids: Several[uuid.UUID]
) -> dict[uuid.UUID, CollectorWord]:
    """What their collectors state of some collections, by the ids of these."""
    versions = (await run(session, _VERSIONS, {"ids": list(collection_ids)})).all()
    ids = {row.version_id for row in versions}
    query = select(CollectorStatement).where(col(CollectorStatement.collection_id).in_(ids))
    query = query.order_by(col(CollectorStatement.recorded_at), col(CollectorStatement.id))
    rows = (await session.exec(query)).all()
    since = {row.id: row.since for row in versions}
    of_version = {(row.id, row.version_id) for row in versions}
    found = {id_: [row for row in rows if (id_, row.collection_id) in of_version] for id_ in collection_ids}
    return {id_: CollectorWord(statements, _counting(statements, since[id_])) for id_, statements in found.items()}


def _counting(statements: list[CollectorStatement], since: datetime) -> CollectorStatus | None:
    """What counts: the latest statement. An attestation confirms only what was recorded by then."""
    if not statements or statements[-1].status == CollectorStatus.WITHDRAWN:
        return None
    status = CollectorStatus(statements[-1].status)
    return None if status is CollectorStatus.ATTESTED and statements[-1].recorded_at < since else status
