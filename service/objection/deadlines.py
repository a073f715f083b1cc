"""How organisations keep their deadlines (GDPR 12(3)): a public table, and the overdue relays for the authority."""

import uuid

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import run
from service.core.paging import Page, cut
from service.core.vocabulary import ObjectionKind
from service.objection.create import OPEN
from service.objection.models import Objection, Relay
from service.objection.schemas import DeadlineRow, DeadlineTable, OverdueRelay
from service.organisation.models import Organisation
from service.provenance.answer.references import OrganisationRef
from service.wording.language import paris_midnight

# What cannot be delivered was asked of nobody. Two things keep organisations from reading in the table who else holds
# a number: what they record themselves does not count, or they could record it and see whose count goes up; and the
# table changes once a day, or they could look at the moment at which a person's objection reaches them.
_BY_ORGANISATION = text("""
    SELECT holder_id, legal_name, count(*) AS requests, count(ended.at) AS ended,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended.at - relay.recorded_at) / 86400)
               AS median_days,
           count(*) FILTER (WHERE ended.at IS NULL AND due_at < :as_of) AS overdue
    FROM relay
    JOIN objection ON objection.id = objection_id
    JOIN organisation ON organisation.id = holder_id
    CROSS JOIN LATERAL (SELECT CASE WHEN ended_at < :as_of THEN ended_at END AS at) AS ended
    WHERE state <> 'undeliverable' AND relay.recorded_at < :as_of AND objection.asserted_by_id IS NULL
    GROUP BY holder_id, legal_name ORDER BY legal_name, holder_id
""")


async def list_deadlines(session: AsyncSession) -> DeadlineTable:
    """Requests, median days to their end, and overdue ones of each organisation that a person's objection reached.

    As of the last midnight in Paris, and without what organisations recorded themselves.
    """
    as_of = paris_midnight(now())
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
            kind=ObjectionKind(objection.kind),
        )
        for relay, objection, holder in found
    ]
    return cut(rows, limit, "id")
