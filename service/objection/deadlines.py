"""How organisations keep their deadlines (GDPR 12(3)): a public table, and the overdue relays for the regulator."""

import uuid

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import run
from service.core.paging import Page, read_slice
from service.objection.create import OPEN_STATES
from service.objection.models import Objection, Relay
from service.objection.schemas import DeadlineRow, DeadlineTable, OverdueRelay
from service.organisation.models import Organisation
from service.provenance.answer.references import OrganisationRef
from service.wording.language import paris_midnight

# An undeliverable relay was never a request to the holder. Two rules keep organisations from learning from the table
# who else holds a number. Objections that organisations record do not count: they could record one and see whose count
# rises. The table changes once a day only: they could look at it when a person's objection reaches them.
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
    """Count requests, median days to their end and overdue requests for each holder with relays from persons.

    The counts are as of the last midnight in Paris, and leave out objections that organisations recorded.
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
    """List the relays that their holders have not ended in time, without numbers."""
    query = (
        select(Relay, Objection, Organisation)
        .join(Objection, col(Objection.id) == col(Relay.objection_id))
        .join(Organisation, col(Organisation.id) == col(Relay.holder_id))
        .where(col(Relay.state).in_(OPEN_STATES), col(Relay.due_at) < now())
    )
    rows = await read_slice(session, query, after, limit, Relay.id)
    return rows.page(
        OverdueRelay(
            **relay.model_dump(include={"id", "state", "recorded_at", "due_at"}),
            holder=OrganisationRef(id=holder.id, legal_name=holder.legal_name),
            kind=objection.kind,
        )
        for relay, objection, holder in rows
    )
