"""Inspections: a record of each time that the supervisory authority looks at something, and why."""

import uuid

from fastapi import Request
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.models import Inspection
from service.access.schemas import InspectionOut
from service.core.paging import Page, read_slice


def inspection_of(request: Request, actor: Actor) -> Inspection:
    """The record that the regulator sees what this GET returns. Path parameters are ids, never numbers."""
    route = request.scope["route"]
    subject = ",".join(str(value) for value in request.path_params.values()) or None
    return Inspection(
        organisation_id=actor.organisation_id, api_key_id=actor.key_id, operation=route.name, subject=subject
    )


async def list_inspections(
    session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int
) -> Page[InspectionOut]:
    """The inspections of the caller's authority."""
    query = select(Inspection).where(Inspection.organisation_id == actor.organisation_id)
    rows = await read_slice(session, query, after, limit, Inspection.id)
    return rows.page(map(_inspection_out, rows))


def _inspection_out(row: Inspection) -> InspectionOut:
    fingerprint = row.number_fingerprint.hex() if row.number_fingerprint else None
    return InspectionOut(**row.model_dump() | {"number_fingerprint": fingerprint})
