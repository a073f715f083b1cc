"""The operation on usage."""

import uuid

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.paging import Page, read_slice
from service.usage.models import UsageAlert
from service.usage.schemas import UsageAlertOut


async def list_usage_alerts(session: AsyncSession, after: uuid.UUID | None, limit: int) -> Page[UsageAlertOut]:
    """The days on which organisations did far more than usual, in the order in which this was noticed."""
    rows = await read_slice(session, select(UsageAlert), after, limit, UsageAlert.id)
    return rows.page(UsageAlertOut.model_validate(row.model_dump()) for row in rows)
