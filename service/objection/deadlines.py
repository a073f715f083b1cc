"""How organisations keep their deadlines (GDPR 12(3)): a public table, and the overdue relays for the authority."""

import uuid

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import run
from service.core.paging import Page, cut
from service.objection.filing import OPEN
from service.objection.models import Kind, Objection, Relay
from service.objection.schemas import DeadlineRow, DeadlineTable, OverdueRelay
from service.organisation.models import Organisation
from service.provenance.references import OrganisationRef

# What cannot be delivered was asked of nobody.
_BY_ORGANISATION = text("""
    SELECT holder_id, legal_name, count(*) AS requests, count(ended_at) AS ended,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - relay.recorded_at) / 86400)
               AS median_days,
           count(*) FILTER (WHERE ended_at IS NULL AND due_at < :as_of) AS overdue
    FROM relay JOIN organisation ON organisation.id = holder_id
    WHERE state <> 'undeliverable'
    GROUP BY holder_id, legal_name ORDER BY legal_name, holder_id
""")


async def list_deadlines(session: AsyncSession) -> DeadlineTable:
    """Requests, median days to their end, and overdue ones of each organisation that was told of any."""
    as_of = now()
    rows = [
        DeadlineRow(
            organisation=OrganisationRef(id=row.holder_id, legal_name=row.legal_name),
            requests=row.requests,
            ended=row.ended,
            median_days=None if row.median_days is None else round(row.median_days, 1),
            overdue=row.overdue,
        )
        for row in await run(session, _BY_ORGANISATION, {"as_of": as_of})
    ]
    return DeadlineTable(as_of=as_of, organisations=rows)


async def list_overdue_relays(session: AsyncSession, after: uuid.UUID | None, limit: int) -> Page[OverdueRelay]:
    """The relays that their holders have not ended in time; no numbers."""
    query = (
        select(Relay, Objection, Organisation)
        .join(Objection, col(Objection.id) == col(Relay.objection_id))
        .join(Organisation, col(Organisation.id) == col(Relay.holder_id))
        .where(col(Relay.state).in_(OPEN), col(Relay.due_at) < now())
    )
    if after is not None:
        query = query.where(col(Relay.id) > after)
    found = (await session.exec(query.order_by(col(Relay.id)).limit(limit + 1))).all()
    rows = [
        OverdueRelay(
            **relay.model_dump(include={"id", "state", "recorded_at", "due_at"}),
            holder=OrganisationRef(id=holder.id, legal_name=holder.legal_name),
            kind=Kind(objection.kind),
        )
        for relay, objection, holder in found
    ]
    return cut(rows, limit, "id")
