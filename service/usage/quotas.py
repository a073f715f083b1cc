"""How much an organisation may do in a day (UTC), and when the operator hears of it.

A key lets its holder speak for others: it records objections that bind them, names organisations, and seals numbers
that it may have guessed. The limits leave room for honest work on its largest days. What stays below them and is still
far above an organisation's own habit becomes an alert.

Usage is counted in the transaction that it is about, as its last step. Work in several transactions reserves the most
that it may use before the first, and settles after the last. Either way a call over the limit is refused whole.
"""

import logging
import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import run
from service.core.errors import TooManyRequests
from service.core.ids import uuid7
from service.core.retention import Rule, forget
from service.core.settings import Settings
from service.core.vocabulary import UsageKind
from service.usage.models import DailyUsage, UsageAlert

_log = logging.getLogger(__name__)

# Of the numbers that an organisation holds, one in a hundred may object on one day. Few campaigns get as many STOPs.
_OBJECTING_SHARE: Final = 100
_HABIT: Final = timedelta(days=28)
_KEPT: Final = timedelta(days=90)

_ADD: Final = text("""
    INSERT INTO daily_usage (organisation_id, kind, day, count, recorded_at)
    VALUES (:organisation_id, :kind, :day, :amount, :moment)
    ON CONFLICT (organisation_id, kind, day) DO UPDATE SET count = daily_usage.count + EXCLUDED.count
    RETURNING count
""")

# The largest file, because the same numbers are often in several. Files that wait for a release do not count: anybody
# can upload guessed numbers.
_HELD: Final = text("""
    SELECT coalesce(max(number_count), 0)
    FROM holder_of_record JOIN dataset ON dataset.id = holder_of_record.dataset_id
    WHERE holder_of_record.organisation_id = :organisation_id AND state = 'sealed'
      AND NOT EXISTS (SELECT FROM unreleased_dataset WHERE unreleased_dataset.dataset_id = dataset.id)
""")

_USUAL: Final = text("""
    SELECT coalesce(round(avg(count)), 0) FROM daily_usage
    WHERE organisation_id = :organisation_id AND kind = :kind AND day >= :first AND day < :day
""")

_ALERT: Final = text("""
    INSERT INTO usage_alert (id, organisation_id, kind, day, count, usual_count, recorded_at)
    VALUES (:id, :organisation_id, :kind, :day, :count, :usual_count, :moment)
    ON CONFLICT (organisation_id, kind, day) DO UPDATE SET count = EXCLUDED.count
    RETURNING recorded_at = :moment
""")


async def add_usage(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, amount: int
) -> None:
    """Count what an organisation does in this transaction. Call it last: the organisation's calls wait for each other.

    Raises:
        TooManyRequests: it would do more today than it may; nothing of the transaction must be kept.
    """
    day = await reserve(session, settings, organisation_id, kind, amount)
    await settle(session, settings, organisation_id, kind, day, 0)


async def reserve(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, amount: int
) -> date:
    """Count what an organisation is about to do at most, and return the day that it counts for.

    Raises:
        TooManyRequests: it would do more today than it may.
    """
    day = now().date()
    count = await _add(session, organisation_id, kind, day, amount)
    await _check(session, settings, organisation_id, kind, count)
    return day


async def settle(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, day: date, unused: int
) -> None:
    """Take back what of a reservation was not used, and alert the operator if the day has become unusual."""
    count = await _add(session, organisation_id, kind, day, -unused)
    floor = _floor(settings, kind)
    if floor is None or count < floor:
        return
    of_day = {"organisation_id": organisation_id, "kind": kind, "day": day}
    usual = int((await run(session, _USUAL, of_day | {"first": day - _HABIT})).scalar_one())
    if count > settings.usage_jump_factor * usual:
        alert = of_day | {"id": uuid7(), "count": count, "usual_count": usual, "moment": now()}
        if (await run(session, _ALERT, alert)).scalar_one():
            _log.warning("Organisation %s exceeds its usual number of %s today.", organisation_id, kind)


async def _add(session: AsyncSession, organisation_id: uuid.UUID, kind: UsageKind, day: date, amount: int) -> int:
    """Add to an organisation's count of a day, and return the count."""
    added = {"organisation_id": organisation_id, "kind": kind, "day": day, "amount": amount, "moment": now()}
    return int((await run(session, _ADD, added)).scalar_one())


async def _check(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, count: int
) -> None:
    wait = _next_day(now().date()) - now()
    match kind:
        case UsageKind.ORGANISATIONS:
            if count > settings.organisations_per_day:
                raise TooManyRequests(
                    "organisation_quota",
                    f"Your organisation may register {settings.organisations_per_day:,} organisations in a day (UTC). "
                    "Nothing of this call was recorded. Go on tomorrow, or ask the operator for a higher limit.",
                    wait,
                )
        case UsageKind.OBJECTIONS if count > settings.objections_per_day:
            held = int((await run(session, _HELD, {"organisation_id": organisation_id})).scalar_one())
            limit = max(settings.objections_per_day, held // _OBJECTING_SHARE)
            if count > limit:
                raise TooManyRequests(
                    "objection_quota",
                    f"Your organisation may record {limit:,} objections in a day (UTC). Nothing of this call was "
                    "recorded. Send the rest tomorrow, or ask the operator for a higher limit.",
                    wait,
                )
        case UsageKind.OBJECTIONS | UsageKind.NUMBERS:
            pass


def _next_day(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _floor(settings: Settings, kind: UsageKind) -> int | None:
    """From which count on a day may be unusual at all. None if the operator does not hear of this kind."""
    match kind:
        case UsageKind.OBJECTIONS:
            return settings.usage_jump_objections
        case UsageKind.NUMBERS:
            return settings.usage_jump_numbers
        case UsageKind.ORGANISATIONS:
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
        data="an alert about an organisation's unusual day",
        since="the day",
    ),
)
