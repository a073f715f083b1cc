"""Deliveries: recorded in the transaction of what they tell of, sent after it, and sent again until they arrive.

A try is claimed in one transaction, made without any, and its outcome recorded in another. While it is made its next
one lies a minute ahead, so that a try whose worker was killed is made again by another.
"""

import asyncio
import logging
import ssl
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import SystemRandom
from typing import Any, Final

import orjson
from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, run
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.task_queue import defer, task
from service.number.keyring import KeyRing
from service.webhook.endpoints import good_secrets, locked, remove
from service.webhook.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from service.webhook.sending import Message, send

log = logging.getLogger(__name__)

Payload = Callable[[AsyncSession, KeyRing, uuid.UUID], Awaitable[dict[str, Any] | None]]

# What to send about a fact, by the event; None where there is nothing to tell any more. It is asked at each try, so
# that a number that it names is kept nowhere. A feature adds its own events when it is imported.
PAYLOADS: Final[dict[str, Payload]] = {}

Arrival = Callable[[AsyncSession, uuid.UUID], Awaitable[None]]

# What is noted about a fact, by the event, once its receiver was told of it.
ARRIVALS: Final[dict[str, Arrival]] = {}

TASK: Final = "deliver_webhooks"
_ASKED: Final = "webhooks_asked"


async def announce(
    session: AsyncSession, queue: App, organisation_id: uuid.UUID, event: str, *subject_ids: uuid.UUID
) -> None:
    """Tell an organisation's endpoints of an event, if the transaction of `session` commits. `event` has a payload.

    For each of the subjects it is an event of its own.
    """
    if event not in PAYLOADS:
        raise ValueError("an event without a payload")
    live = select(WebhookEndpoint.id).where(
        WebhookEndpoint.organisation_id == organisation_id, col(WebhookEndpoint.removed_at).is_(None)
    )
    endpoint_ids = (await session.exec(live)).all()
    session.add_all(
        WebhookDelivery(endpoint_id=endpoint_id, event=event, subject_id=subject_id)
        for subject_id in subject_ids
        for endpoint_id in endpoint_ids
    )
    if endpoint_ids:
        await ask_for_delivery(session, queue)


async def ask_for_delivery(session: AsyncSession, queue: App) -> None:
    """Have what is due delivered after this transaction; asked once, however much it announces."""
    if not session.info.get(_ASKED):
        session.info[_ASKED] = True
        await defer(session, queue, TASK)


# How long after a try that failed the next one is made: ten tries in three days and four hours.
DELAYS: Final = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
_JITTER: Final = 0.2
_chance: Final = SystemRandom()

NOTHING_TO_TELL: Final = "nothing to tell"
# By this status a receiver says that it does not want to be called any more.
GONE: Final = "status 410"


def delay_after(tries: int, chance: float) -> timedelta | None:
    """How long to wait after that many tries; None after the last. `chance`, from 0 to 1, moves it by up to a fifth.

    Without chance, all that failed together because a receiver was down would come back to it together.
    """
    if tries > len(DELAYS):
        return None
    return DELAYS[tries - 1] * (1 - _JITTER + 2 * _JITTER * chance)


def ending(outcome: str, tries: int, chance: float) -> tuple[DeliveryState, timedelta | None]:
    """What a delivery is after that many tries, of which the last went as `outcome` says, and when it is sent again."""
    if outcome == NOTHING_TO_TELL:
        return DeliveryState.WITHDRAWN, None
    if outcome.startswith("status 2"):
        return DeliveryState.DELIVERED, None
    delay = None if outcome == GONE else delay_after(tries, chance)
    return (DeliveryState.DEAD if delay is None else DeliveryState.PENDING), delay


@task("retry_webhooks", cron="* * * * *")
async def retry_webhooks(resources: Resources) -> None:
    """Ask for what has become due by the time."""
    database = resources.get(Database)
    async with database.transaction() as session:
        if await _waiting(session, (), 1):
            await ask_for_delivery(session, resources.get(App))


# As long as somebody may still ask what became of an event.
KEPT: Final = timedelta(days=90)
_FORGET: Final = text("DELETE FROM webhook_delivery WHERE ended_at < :before")


@task("forget_deliveries", cron="29 4 * * *")
async def forget_deliveries(resources: Resources) -> None:
    """Drop the deliveries that ended long ago, dead ones too: nobody asks for these again."""
    database = resources.get(Database)
    async with database.transaction() as session:
        await run(session, _FORGET, {"before": now() - KEPT})


@task(TASK, alone=True)
async def deliver_webhooks(resources: Resources) -> None:
    """Send what is due until nothing is. It runs alone, so that slow receivers take one place at the workers."""
    settings = resources.get(Settings)
    deliveries = _Run(
        database=resources.get(Database),
        ring=resources.get(KeyRing),
        private=settings.webhook_allow_private,
    )
    await deliveries.deliver_due()


# Endpoints that are served at once, and tries at once for each of them.
_ENDPOINTS: Final = 16
_TOGETHER: Final = 4
_LEASE: Final = timedelta(minutes=1)
_LOOK_SECONDS: Final = 1.0


async def _waiting(session: AsyncSession, but: Collection[uuid.UUID], limit: int) -> Sequence[uuid.UUID]:
    """Endpoints with something due, at most `limit` of them."""
    query = select(WebhookDelivery.endpoint_id).where(
        WebhookDelivery.state == DeliveryState.PENDING,
        col(WebhookDelivery.next_try_at) <= now(),
        col(WebhookDelivery.endpoint_id).not_in(but),
    )
    return (await session.exec(query.distinct().limit(limit))).all()


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the task: what it sends with."""

    database: Database
    ring: KeyRing
    private: bool
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def deliver_due(self) -> None:
        """Serve every endpoint that has something due, side by side; one that fails is left for a later run."""
        served: dict[asyncio.Task[bool], uuid.UUID] = {}
        failed: set[uuid.UUID] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                async with self.database.transaction() as session:
                    more = await _waiting(session, {*served.values(), *failed}, _ENDPOINTS - len(served))
                served |= {group.create_task(self._serve(one)): one for one in more}
                if not served:
                    return
                done, _ = await asyncio.wait(served, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                failed |= {served[one] for one in done if not one.result()}
                served = {one: endpoint_id for one, endpoint_id in served.items() if one not in done}

    async def _serve(self, endpoint_id: uuid.UUID) -> bool:
        """Send what is due to one endpoint; False as soon as a try fails."""
        while claimed := await self._claim(endpoint_id):
            if not all(await asyncio.gather(*map(self._try, claimed))):
                return False
        return True

    async def _claim(self, endpoint_id: uuid.UUID) -> list[uuid.UUID]:
        """Some of what is due to an endpoint, which nobody else tries before the lease is over."""
        moment = now()
        due = select(WebhookDelivery).where(
            WebhookDelivery.endpoint_id == endpoint_id,
            WebhookDelivery.state == DeliveryState.PENDING,
            col(WebhookDelivery.next_try_at) <= moment,
        )
        query = due.order_by(col(WebhookDelivery.next_try_at)).limit(_TOGETHER).with_for_update(skip_locked=True)
        async with self.database.transaction() as session:
            rows = (await session.exec(query)).all()
            for row in rows:
                row.tries, row.next_try_at = row.tries + 1, moment + _LEASE
            return [row.id for row in rows]

    async def _try(self, delivery_id: uuid.UUID) -> bool:
        """Send one delivery; False if that failed."""
        try:
            message = await self._message(delivery_id)
            outcome = await send(message, now(), self.tls, private=self.private) if message else NOTHING_TO_TELL
        except Exception as problem:  # noqa: BLE001 - one event that cannot be told must not hold up all others
            # Not its text, which may quote the payload.
            log.error("webhook delivery %s failed here: %s", delivery_id, type(problem).__name__)
            outcome = "failed here"
        return await self._record(delivery_id, outcome)

    async def _message(self, delivery_id: uuid.UUID) -> Message | None:
        async with self.database.transaction() as session:
            row = await session.get_one(WebhookDelivery, delivery_id)
            endpoint = await session.get_one(WebhookEndpoint, row.endpoint_id)
            payload = await PAYLOADS[row.event](session, self.ring, row.subject_id)
            if payload is None or endpoint.removed_at is not None:
                return None
            told = orjson.dumps({"type": row.event, "timestamp": row.recorded_at, "data": payload}).decode()
            return Message(row.id, endpoint.url, good_secrets(self.ring, endpoint, now()), told)

    async def _record(self, delivery_id: uuid.UUID, outcome: str) -> bool:
        """Note how a try went; False if it failed."""
        moment = now()
        async with self.database.transaction() as session:
            row = await session.get_one(WebhookDelivery, delivery_id)
            endpoint = await locked(session, row.endpoint_id)
            await session.refresh(row, with_for_update=True)
            if row.state == DeliveryState.PENDING:
                row.last_outcome = outcome
                row.state, delay = ending(outcome, row.tries, _chance.random())
                row.next_try_at, row.ended_at = (moment + delay, None) if delay else (None, moment)
                if row.state == DeliveryState.DELIVERED and row.event in ARRIVALS:
                    await ARRIVALS[row.event](session, row.subject_id)
            if outcome == GONE:
                await remove(session, endpoint)
            return row.state in (DeliveryState.DELIVERED, DeliveryState.WITHDRAWN)
