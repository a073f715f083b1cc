"""How much an organisation may do in a day (UTC): what is counted, the limits, and what a refusal says.

A key lets its holder speak for others, and each call costs everybody. The limits leave room for honest work on its
largest days, and the operator can raise an organisation's. What stays below them and is still far above an
organisation's own habit becomes an alert (`alerts`), and so does a limit that is reached.

Usage is counted in the transaction that it is about, as its last step. Work in several transactions reserves the most
that it may use before the first, and settles after the last. Either way a call over the limit is refused whole, and a
request that is sent again with its `Idempotency-Key` counts once. Files and lookups are counted in advance, in
`uploads` and `lookups`.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import instead, run
from service.core.errors import TooManyRequests
from service.core.settings import Settings
from service.core.vocabulary import UsageKind
from service.usage.alerts import alert_limit, alert_unusual

# Of the numbers that an organisation holds, one in a hundred may object on one day. Few campaigns get as many STOPs.
_OBJECTING_SHARE: Final = 100


class Quota(NamedTuple):
    """A daily limit: the setting of its default, the slug of the refusal, and in words what the organisation may do."""

    setting: str
    slug: str
    what: str


QUOTAS: Final[Mapping[UsageKind, Quota]] = {
    UsageKind.BYTES: Quota("bytes_per_day", "byte_quota", "upload {limit:,} bytes"),
    UsageKind.LINES: Quota("lines_per_day", "line_quota", "upload {limit:,} lines"),
    UsageKind.LOOKUPS: Quota("lookups_per_day", "lookup_quota", "look up {limit:,} numbers"),
    UsageKind.DATASETS: Quota("datasets_per_day", "dataset_quota", "register {limit:,} datasets"),
    UsageKind.ORGANISATIONS: Quota("organisations_per_day", "organisation_quota", "register {limit:,} organisations"),
    UsageKind.WEBHOOKS: Quota("webhooks_per_day", "webhook_quota", "register {limit:,} webhooks"),
    UsageKind.REPORTS: Quota("reports_per_day", "report_quota", "report {limit:,} numbers that object"),
    UsageKind.OBJECTIONS: Quota("objections_per_day", "objection_quota", "record {limit:,} objections"),
}
"""Numbers that are sealed have no limit of their own: those of lines hold for them."""

_ADD: Final = text("""
    INSERT INTO daily_usage (organisation_id, kind, day, count, recorded_at)
    VALUES (:organisation_id, :kind, :day, :amount, :moment)
    ON CONFLICT (organisation_id, kind, day) DO UPDATE SET count = daily_usage.count + EXCLUDED.count
    RETURNING count
""")

_LIMIT: Final = text("""
    SELECT daily_limit FROM usage_limit WHERE organisation_id = :organisation_id AND kind = :kind
    ORDER BY recorded_at DESC, id DESC LIMIT 1
""")

_IS_ORGANISATION: Final = text("SELECT EXISTS (SELECT FROM organisation WHERE id = :id)")

# The largest file, because the same numbers are often in several. Files that wait for a release do not count: anybody
# can upload guessed numbers.
_HELD: Final = text("""
    SELECT coalesce(max(number_count), 0)
    FROM holder_of_record JOIN dataset ON dataset.id = holder_of_record.dataset_id
    WHERE holder_of_record.organisation_id = :organisation_id AND state = 'sealed'
      AND NOT EXISTS (SELECT FROM unreleased_dataset WHERE unreleased_dataset.dataset_id = dataset.id)
""")


async def add_usage(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, amount: int
) -> None:
    """Count what an organisation does in this transaction. Call it last: the organisation's calls wait for each other.

    Raises:
        TooManyRequests: it would do more today than it may; nothing of the transaction is kept.
    """
    day, count = await _reserve(session, settings, organisation_id, kind, amount)
    await alert_unusual(session, settings, organisation_id, kind, day, count)


async def reserve(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, amount: int
) -> date:
    """Count what an organisation is about to do at most, and return the day that it counts for.

    Raises:
        TooManyRequests: it would do more today than it may; nothing of the transaction is kept but the alert.
    """
    day, _ = await _reserve(session, settings, organisation_id, kind, amount)
    return day


async def _reserve(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, amount: int
) -> tuple[date, int]:
    """Like `reserve`; also how much the organisation has done that day with it."""
    moment = now()
    count = await _add(session, organisation_id, kind, moment.date(), amount)
    if kind in QUOTAS:
        limit = await limit_of(session, settings, organisation_id, kind, count)
        if count > limit:
            async with instead(session):
                await alert_limit(session, organisation_id, kind, moment.date(), count - amount, limit)
            raise quota_reached(kind, limit, moment)
    return moment.date(), count


async def settle(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, day: date, unused: int
) -> None:
    """Take back what of a reservation was not used, and alert the operator if the day has become unusual."""
    count = await _add(session, organisation_id, kind, day, -unused)
    await alert_unusual(session, settings, organisation_id, kind, day, count)


async def is_organisation(session: AsyncSession, organisation_id: uuid.UUID) -> bool:
    """Whether an organisation has this id."""
    return bool(await session.scalar(_IS_ORGANISATION, {"id": organisation_id}))


async def limit_of(
    session: AsyncSession, settings: Settings, organisation_id: uuid.UUID, kind: UsageKind, count: int | None = None
) -> int:
    """How much of a kind an organisation may do in a day: as the operator has set it, or as the settings say.

    What takes long to find out is left out if the `count` is below the limit anyway.
    """
    of_kind = {"organisation_id": organisation_id, "kind": kind}
    chosen = await session.scalar(_LIMIT, of_kind)
    limit = int(getattr(settings, QUOTAS[kind].setting) if chosen is None else chosen)
    if kind is UsageKind.OBJECTIONS and (count is None or count > limit):
        held = int((await run(session, _HELD, of_kind)).scalar_one())
        limit = max(limit, held // _OBJECTING_SHARE)
    return limit


def quota_reached(kind: UsageKind, limit: int, moment: datetime) -> TooManyRequests:
    """The refusal of a call that would exceed a daily limit."""
    quota, midnight = QUOTAS[kind], next_day(moment.date())
    return TooManyRequests(
        quota.slug,
        f"Your organisation may {quota.what.format(limit=limit)} in a day (UTC). Nothing of this call was recorded. "
        f"Go on from {midnight:%Y-%m-%dT%H:%MZ}, or ask the operator for a higher limit.",
        midnight - moment,
    )


def next_day(day: date) -> datetime:
    """When the day after `day` begins."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


async def _add(session: AsyncSession, organisation_id: uuid.UUID, kind: UsageKind, day: date, amount: int) -> int:
    """Add to an organisation's count of a day, and return the count."""
    added: dict[str, Any] = {"organisation_id": organisation_id, "kind": kind, "day": day, "amount": amount}
    return int((await run(session, _ADD, added | {"moment": now()})).scalar_one())
