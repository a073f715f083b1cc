"""How many codes the registry sends in all: each costs money, whoever asks for it.

Near the end of a budget the operator gets an alert, and readiness says so. Requests at the same moment are not counted
for each other, so that a budget may be exceeded by as many.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Final, LiteralString, NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Connection, instead
from service.core.errors import TooManyRequests
from service.core.readiness import Condition, Finding, look_at
from service.core.settings import Settings
from service.core.vocabulary import UsageKind
from service.usage.alerts import alert_limit
from service.verification.models import Verification

# From this part of a budget on, the operator hears of it.
_ALARM: Final = 0.8


class _Budget(NamedTuple):
    maximum: int
    window: timedelta


def _budgets(settings: Settings) -> tuple[_Budget, ...]:
    hour, day = timedelta(hours=1), timedelta(days=1)
    return _Budget(settings.codes_per_hour, hour), _Budget(settings.codes_per_day, day)


async def check_budgets(session: AsyncSession, settings: Settings, moment: datetime) -> None:
    """Check that the registry may send one more code, and alert the operator if few are left.

    Raises:
        TooManyRequests: as many as it may have been sent; nothing of the transaction is kept but the alert.
    """
    for maximum, window in _budgets(settings):
        since = moment - window
        used_up = await _sent_before(session, since, maximum)
        if used_up is not None:
            await raise_alarm(session, maximum, maximum, moment)
            raise TooManyRequests(
                "code_budget",
                "This registry has sent as many codes as it may for now. Try again later.",
                retry_after=used_up - since,
            )
        # With this one.
        alarmed = ceil(_ALARM * maximum)
        if await _sent_before(session, since, alarmed - 1) is not None:
            await alert_limit(session, None, UsageKind.CODES, moment.date(), alarmed, maximum)


async def _sent_before(session: AsyncSession, since: datetime, count: int) -> datetime | None:
    """When the oldest of the latest `count` codes was sent; None if fewer were sent since a moment."""
    if count == 0:
        return since
    latest = select(Verification.recorded_at).where(col(Verification.recorded_at) > since)
    ordered = latest.order_by(col(Verification.recorded_at).desc())
    return (await session.exec(ordered.offset(count - 1).limit(1))).one_or_none()


async def raise_alarm(session: AsyncSession, count: int, limit: int, moment: datetime) -> None:
    """Alert the operator that a limit of codes is reached, although the request is refused."""
    async with instead(session):
        await alert_limit(session, None, UsageKind.CODES, moment.date(), count, limit)


_SENT: LiteralString = "SELECT count(*) FROM verification WHERE recorded_at > now() - %s"


@look_at("codes")
async def _look_at_codes(connection: Connection, settings: Settings) -> Finding:
    for maximum, window in _budgets(settings):
        cursor = await connection.execute(_SENT, (window,))
        ((sent,),) = await cursor.fetchall()
        if sent >= ceil(_ALARM * maximum):
            return Finding(
                Condition.WARNING,
                "Most codes that may be sent to persons in an hour or a day have been sent. Beyond that nobody gets "
                "any. Look at who asks for them, or raise the limit.",
            )
    return Finding(Condition.OK, "Codes can be sent.")
