"""The operations on usage."""

import uuid
from collections.abc import Sequence

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.errors import NotFound, Unprocessable
from service.core.paging import Page, read_slice
from service.core.settings import Settings
from service.usage.models import DailyUsage, UsageAlert, UsageLimit
from service.usage.quotas import QUOTAS, is_organisation, limit_of, next_day
from service.usage.schemas import UsageAlertOut, UsageLimitIn, UsageLimitOut, UsageOut


async def get_usage(session: AsyncSession, settings: Settings, actor: Actor) -> Sequence[UsageOut]:
    """What the caller's organisation has done today, by kind, and how much it may do."""
    today = now().date()
    query = select(DailyUsage).where(DailyUsage.organisation_id == actor.organisation_id, DailyUsage.day == today)
    counts = {row.kind: row.count for row in (await session.exec(query)).all()}
    return [
        UsageOut(
            kind=kind,
            count=counts.get(kind, 0),
            daily_limit=await limit_of(session, settings, actor.organisation_id, kind),
            until=next_day(today),
        )
        for kind in QUOTAS
    ]


async def list_usage_alerts(session: AsyncSession, after: uuid.UUID | None, limit: int) -> Page[UsageAlertOut]:
    """The days on which organisations did far more than usual, in the order in which this was noticed."""
    rows = await read_slice(session, select(UsageAlert), after, limit, UsageAlert.id)
    return rows.page(UsageAlertOut.model_validate(row.model_dump()) for row in rows)


async def set_usage_limit(session: AsyncSession, actor: Actor, wanted: UsageLimitIn) -> UsageLimitOut:
    """Set how much an organisation may do in a day, from its next call on.

    Raises:
        NotFound: no organisation has this id.
        Unprocessable: nothing of this kind is limited.
    """
    if wanted.kind not in QUOTAS:
        raise Unprocessable("usage_not_limited", f"There is no limit of {wanted.kind} for an organisation.")
    if not await is_organisation(session, wanted.organisation_id):
        raise NotFound("organisation")
    row = UsageLimit(**wanted.model_dump(), operator_id=actor.organisation_id)
    session.add(row)
    await session.flush()
    return UsageLimitOut.model_validate(row.model_dump())


async def list_usage_limits(session: AsyncSession, after: uuid.UUID | None, limit: int) -> Page[UsageLimitOut]:
    """The limits that the operator has set, in the order in which it did."""
    rows = await read_slice(session, select(UsageLimit), after, limit, UsageLimit.id)
    return rows.page(UsageLimitOut.model_validate(row.model_dump()) for row in rows)
