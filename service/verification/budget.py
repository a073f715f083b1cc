"""How many codes the registry sends in all: each costs money, whoever asks for it.

A fifth of each budget is a reserve for networks that have asked for few codes today. When the rest is spent, such a
network gets one code at a time, at an even pace. So strangers who spend the rest shut nobody out, and each turn that
they take of the reserve costs them a network that has asked for few.

Near the end of a budget the operator gets an alert, and readiness says so. Requests at the same moment are not counted
for each other, so that a budget may be exceeded by as many. Those for the reserve come one after the other.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final, LiteralString, NamedTuple

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core import locks
from service.core.db import Connection, instead
from service.core.errors import TooManyRequests
from service.core.locks import Lock
from service.core.readiness import Condition, Finding, look_at
from service.core.settings import Settings
from service.core.vocabulary import UsageKind
from service.usage.alerts import alert_limit
from service.verification.models import Verification

# From this part of a budget on, the operator hears of it.
_ALARM: Final = 0.8
_RESERVED: Final = 5
"""The reserve is one part in so many of a budget. A budget of fewer codes has none."""
FEW_CODES: Final = 3
"""A network that got fewer codes in a day has asked for few: enough for a person whose message is lost."""
_DAY: Final = timedelta(days=1)


class _Budget(NamedTuple):
    maximum: int
    window: timedelta

    @property
    def reserve(self) -> int:
        return self.maximum // _RESERVED

    @property
    def for_all(self) -> int:
        """The codes that are sent whoever asks for them."""
        return self.maximum - self.reserve


def _budgets(settings: Settings) -> tuple[_Budget, ...]:
    hour = timedelta(hours=1)
    return _Budget(settings.codes_per_hour, hour), _Budget(settings.codes_per_day, _DAY)


async def check_budgets(session: AsyncSession, settings: Settings, network: bytes, moment: datetime) -> bool:
    """Check that one more code may be sent on request of a network, given by its fingerprint.

    The operator gets an alert if few are left. Returns whether the code comes from the reserve.

    Raises:
        TooManyRequests: as many as it may have been sent; nothing of the transaction is kept but the alert.
    """
    budgets = _budgets(settings)
    waits = [await _wait(session, budget, moment) for budget in budgets]
    from_reserve = max(waits) > timedelta(0)
    if from_reserve:
        wait = min(max(waits), await _wait_for_reserve(session, budgets, network, moment))
        if wait > timedelta(0):
            spent = budgets[waits.index(max(waits))]
            await raise_alarm(session, spent.for_all, spent.maximum, moment)
            raise TooManyRequests(
                "code_budget",
                "This registry has sent as many codes as it may for now. Try again later.",
                retry_after=wait,
            )
    for maximum, window in budgets:
        # With this one.
        alarmed = ceil(_ALARM * maximum)
        if alarmed == 1 or await _sent_before(session, moment - window, alarmed - 1) is not None:
            await alert_limit(session, None, UsageKind.CODES, moment.date(), alarmed, maximum)
    return from_reserve


async def _wait(session: AsyncSession, budget: _Budget, moment: datetime) -> timedelta:
    """How long to wait until a budget has a code for everybody."""
    since = moment - budget.window
    used_up = await _sent_before(session, since, budget.for_all, col(Verification.from_reserve).is_(False))
    return timedelta(0) if used_up is None else used_up - since


async def _wait_for_reserve(
    session: AsyncSession, budgets: tuple[_Budget, ...], network: bytes, moment: datetime
) -> timedelta:
    """How long a network waits until it gets a code from the reserve; as good as for ever if it gets none."""
    of_network = col(Verification.network_fingerprint) == network
    if await _sent_before(session, moment - _DAY, FEW_CODES, of_network) or not all(of.reserve for of in budgets):
        return timedelta.max
    await locks.take_in(session, Lock.CODE_RESERVE)
    # At the slowest of the paces, the reserve of no budget ends within its window.
    pace = max(budget.window / budget.reserve for budget in budgets)
    latest = select(func.max(Verification.recorded_at)).where(
        col(Verification.from_reserve), col(Verification.recorded_at) > moment - pace
    )
    last: datetime | None = (await session.exec(latest)).one()
    return timedelta(0) if last is None else last + pace - moment


async def _sent_before(session: AsyncSession, since: datetime, count: int, *conditions: Any) -> datetime | None:
    """When the oldest of the latest `count` codes was sent; None if fewer were sent since a moment."""
    latest = select(Verification.recorded_at).where(col(Verification.recorded_at) > since, *conditions)
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
                "Most codes that may be sent to persons in an hour or a day have been sent. The others are kept for "
                "networks that asked for few. Look at who asks for them, or raise the limit.",
            )
    return Finding(Condition.OK, "Codes can be sent.")
