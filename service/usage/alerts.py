"""Alerts: days on which an organisation did far more than usual, or reached a limit. The operator reads them."""

import logging
import uuid
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import run
from service.core.ids import uuid7
from service.core.retention import Rule, forget
from service.core.settings import Settings
from service.core.vocabulary import UsageKind
from service.usage.models import DailyUsage, UsageAlert

log = logging.getLogger(__name__)

_HABIT: Final = timedelta(days=28)
_KEPT: Final = timedelta(days=90)

_USUAL: Final = text("""
    SELECT coalesce(round(avg(count)), 0) FROM daily_usage
    WHERE organisation_id = :organisation_id AND kind = :kind AND day >= :first AND day < :day
""")

_IS_KNOWN: Final = text("""
    SELECT EXISTS (SELECT FROM usage_alert WHERE organisation_id IS NOT DISTINCT FROM CAST(:organisation_id AS uuid)
                   AND kind = :kind AND day = :day AND reached_limit IS NOT NULL)
""")

# Of an alert that is repeated, the first moment stays, and the limit once it is reached.
_ALERT: Final = text("""
    INSERT INTO usage_alert (id, organisation_id, kind, day, count, usual_count, reached_limit, recorded_at)
    VALUES (:id, :organisation_id, :kind, :day, :count, :usual_count, :reached_limit, :moment)
    ON CONFLICT (organisation_id, kind, day) DO UPDATE
    SET count = greatest(usage_alert.count, EXCLUDED.count),
        reached_limit = coalesce(EXCLUDED.reached_limit, usage_alert.reached_limit)
    RETURNING recorded_at = :moment
""")


async def alert_unusual(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, day: date, count: int
) -> None:
    """Alert the operator if an organisation has done many times more on a day than it usually does."""
    floor = _floor(settings, kind)
    if floor is None or count < floor:
        return
    of_day = {"organisation_id": organisation_id, "kind": kind, "day": day}
    usual = int((await run(session, _USUAL, of_day | {"first": day - _HABIT})).scalar_one())
    if count > settings.usage_jump_factor * usual and await _record(
        session, of_day | {"count": count, "usual_count": usual, "reached_limit": None}
    ):
        log.warning("Organisation %s exceeds its usual number of %s today.", organisation_id, kind)


async def alert_limit(
    session: AsyncSession, organisation_id: uuid.UUID | None, kind: UsageKind, day: date, count: int, limit: int
) -> None:
    """Alert the operator that an organisation has reached a limit; without an organisation, the registry has.

    Once a day: refusals that are repeated write nothing.
    """
    of_day = {"organisation_id": organisation_id, "kind": kind, "day": day}
    if await session.scalar(_IS_KNOWN, of_day):
        return
    usual = int((await run(session, _USUAL, of_day | {"first": day - _HABIT})).scalar_one())
    if await _record(session, of_day | {"count": count, "usual_count": usual, "reached_limit": limit}):
        who = "The registry" if organisation_id is None else f"Organisation {organisation_id}"
        log.warning("%s reaches its limit of %s: %d of %d.", who, kind, count, limit)


async def _record(session: AsyncSession, alert: dict[str, Any]) -> bool:
    """Record an alert; whether it is the first of its organisation, kind and day."""
    return bool((await run(session, _ALERT, alert | {"id": uuid7(), "moment": now()})).scalar_one())


def _floor(settings: Settings, kind: UsageKind) -> int | None:
    """From which count on a day may be unusual at all. None if the operator hears of this kind at its limit only."""
    match kind:
        case UsageKind.OBJECTIONS:
            return settings.usage_jump_objections
        case UsageKind.NUMBERS:
            return settings.usage_jump_numbers
        case _:
            return None


forget(
    "forget_usage",
    "41 3 * * *",
    Rule(
        table=DailyUsage,
        moment="recorded_at",
        kept=_KEPT,
        data="how much an organisation did on a day",
        since="the day",
    ),
    Rule(
        table=UsageAlert,
        moment="recorded_at",
        kept=_KEPT,
        data="an alert about an organisation's unusual day, or about a limit that was reached",
        since="the day",
    ),
)
