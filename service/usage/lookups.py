"""Lookups are counted a few at a time: each would otherwise be a durable write in the most frequent request.

A process takes lookups of an organisation in advance, a thousandth of the daily limit and at most a hundred, and counts
down in memory. So no organisation ever exceeds its limit, however many processes there are. What a process has taken
and not used counts as used: with `n` processes, up to `n - 1` times as many lookups as it takes at once stay unused
when the limit is reached, and as many again for each restart.

The rate of a key is counted in each process for itself.
"""

import time
import uuid
from collections import OrderedDict
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, LiteralString, TypeVar

from service.access.actor import Actor
from service.core.clock import now
from service.core.db import Connection, Database
from service.core.errors import TooManyRequests
from service.core.settings import Settings
from service.core.vocabulary import UsageKind
from service.usage.alerts import alert_limit
from service.usage.quotas import quota_reached

Known = TypeVar("Known")

_MOST_AT_ONCE: Final = 100
# A key may use up at once what its rate allows in this time.
_BURST_SECONDS: Final = 10
# Keys and organisations beyond this are forgotten, those first that have not called for the longest time.
_REMEMBERED: Final = 10_000

# One statement, so that two processes cannot take the same lookups. It takes nothing if less is left.
_TAKE: LiteralString = """
    WITH quota AS (
        SELECT coalesce(
            (SELECT daily_limit FROM usage_limit WHERE organisation_id = %(organisation_id)s AND kind = 'lookups'
             ORDER BY recorded_at DESC, id DESC LIMIT 1), %(default)s) AS daily_limit),
    taken AS (
        INSERT INTO daily_usage (organisation_id, kind, day, count, recorded_at)
        SELECT %(organisation_id)s, 'lookups', %(day)s, %(amount)s, now() FROM quota WHERE daily_limit >= %(amount)s
        ON CONFLICT (organisation_id, kind, day) DO UPDATE SET count = daily_usage.count + EXCLUDED.count
        WHERE daily_usage.count + EXCLUDED.count <= (SELECT daily_limit FROM quota)
        RETURNING 1)
    SELECT daily_limit, EXISTS (SELECT FROM taken) FROM quota
"""


class LookupMeter:
    """What the keys and organisations have left of their lookups in this process."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._left: OrderedDict[uuid.UUID, tuple[date, int]] = OrderedDict()
        self._alerted: OrderedDict[uuid.UUID, date] = OrderedDict()
        self._tokens: OrderedDict[uuid.UUID, tuple[float, float]] = OrderedDict()

    async def count(self, actor: Actor) -> None:
        """Count a lookup. The supervisory authority has no daily limit.

        Raises:
            TooManyRequests: the key calls too often, or its organisation has looked up as many numbers as it may today.
        """
        self._spend_token(actor.key_id)
        if actor.is_regulator:
            return
        today = now().date()
        day, left = self._left.get(actor.organisation_id, (today, 0))
        if day != today or left == 0:
            left = await self._take(actor.organisation_id, today)
            # Others may have taken some in the meantime.
            day, before = self._left.get(actor.organisation_id, (today, 0))
            left += before if day == today else 0
        _remember(self._left, actor.organisation_id, (today, left - 1))

    def _spend_token(self, key_id: uuid.UUID) -> None:
        """A token bucket: it fills at the key's rate, and holds what that gives in some seconds."""
        rate, moment = self._settings.lookups_per_second, time.monotonic()
        filled_at, tokens = self._tokens.get(key_id, (moment, float(rate * _BURST_SECONDS)))
        tokens = min(float(rate * _BURST_SECONDS), tokens + (moment - filled_at) * rate)
        _remember(self._tokens, key_id, (moment, max(0.0, tokens - 1) if tokens >= 1 else tokens))
        if tokens < 1:
            raise TooManyRequests(
                "lookup_rate",
                f"This key may look up {rate:,} numbers a second, and some more at once after a pause. Look up fewer "
                "at a time, or ask the operator for a higher limit.",
                timedelta(seconds=1),
            )

    async def _take(self, organisation_id: uuid.UUID, today: date) -> int:
        limit = default = self._settings.lookups_per_day
        for amount in dict.fromkeys((max(1, min(_MOST_AT_ONCE, default // 1000)), 1)):
            values = {"organisation_id": organisation_id, "day": today, "amount": amount, "default": default}
            limit, taken = await self._database.without_transaction(partial(_take, values=values))
            if taken:
                return amount
        if self._alerted.get(organisation_id) != today:
            _remember(self._alerted, organisation_id, today)
            async with self._database.transaction() as session:
                await alert_limit(session, organisation_id, UsageKind.LOOKUPS, today, limit, limit)
        raise quota_reached(UsageKind.LOOKUPS, limit, now())


async def _take(connection: Connection, values: dict[str, Any]) -> tuple[int, bool]:
    """Take lookups for a process; returns the daily limit, and whether so many were left."""
    row = await (await connection.execute(_TAKE, values)).fetchone()
    assert row is not None
    return int(row[0]), bool(row[1])


def _remember(known: "OrderedDict[uuid.UUID, Known]", key: uuid.UUID, value: Known) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
