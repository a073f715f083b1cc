"""The relays that are past their deadline (GDPR 12(3)), for the regulator."""

import uuid

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.paging import Page, read_slice
from service.objection.create import OPEN_STATES
from service.objection.models import Objection, Relay
from service.objection.recorder import recorders_in_full
from service.objection.schemas import OverdueRelay
from service.organisation.models import Organisation
from service.provenance.answer.references import OrganisationRef


async def list_overdue_relays(session: AsyncSession, after: uuid.UUID | None, limit: int) -> Page[OverdueRelay]:
    """List the relays that their holders have not ended in time, without numbers."""
    query = (
        select(Relay, Objection, Organisation)
        .join(Objection, col(Objection.id) == col(Relay.objection_id))
        .join(Organisation, col(Organisation.id) == col(Relay.holder_id))
        .where(col(Relay.state).in_(OPEN_STATES), col(Relay.due_at) <= now())
    )
    rows = await read_slice(session, query, after, limit, Relay.id)
    recorders = await recorders_in_full(session, [objection for _, objection, _ in rows])
    return rows.page(
        OverdueRelay(
            **recorder,
            **relay.model_dump(include={"id", "state", "recorded_at", "due_at"}),
            holder=OrganisationRef(id=holder.id, legal_name=holder.legal_name),
            kind=objection.kind,
        )
        for recorder, (relay, objection, holder) in zip(recorders, rows, strict=True)
    )
