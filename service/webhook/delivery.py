"""Deliveries: recorded in the transaction of their event, sent after it, and sent again until they arrive.

One transaction claims an attempt and another records its outcome; the attempt itself is made without any. Claiming sets
the next attempt a minute ahead, so that another worker repeats the attempt of one that was killed.
"""

import asyncio
import logging
import ssl
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any, Final

import orjson
from procrastinate import App
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.keys import is_living
from service.core.clock import now
from service.core.db import Database
from service.core.ids import uuid7
from service.core.new_rows import insert_rows
from service.core.readiness import Condition, look_for
from service.core.resources import Resources
from service.core.retention import Rule, forget
from service.core.settings import Settings
from service.core.task_queue import TaskName, defer, task
from service.number.keyring import KeyRing
from service.webhook.endpoints import lock_endpoint, remove_endpoint, valid_secrets
from service.webhook.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from service.webhook.sending import Message, send

log = logging.getLogger(__name__)

Payload = Callable[[Resources, AsyncSession, uuid.UUID], Awaitable[dict[str, Any] | None]]

# For each event, the function that builds what is sent about a fact; it returns None if nothing is left to send. It
# is called at each attempt, so that no number has to be stored. A feature adds its events when it is imported.
PAYLOADS: Final[dict[str, Payload]] = {}

OnDelivery = Callable[[AsyncSession, uuid.UUID], Awaitable[None]]

# For each event, what to record about a fact once a receiver has accepted the delivery.
ON_DELIVERY: Final[dict[str, OnDelivery]] = {}

UNTIL_DELIVERED: Final[set[str]] = set()
"""Events that are attempted once a day after the last of the usual attempts, for as long as there is a payload."""

_REQUESTED: Final = "webhook_delivery_requested"


async def announce(
    session: AsyncSession,
    queue: App,
    event: str,
    subject_ids: Mapping[uuid.UUID, Collection[uuid.UUID]],
    *,
    moment: datetime,
) -> None:
    """Send an event about each subject to the endpoints of its organisation, if the transaction of `session` commits.

    `subject_ids` has the subjects by organisation. `moment` is that of the act, the same for every organisation:
    deliveries made one after the other would show each how many others the act concerns.

    Raises:
        ValueError: `event` has no entry in `PAYLOADS`.
    """
    if event not in PAYLOADS:
        raise ValueError("this event has no payload")
    if not subject_ids:
        return
    in_use = select(WebhookEndpoint.id, WebhookEndpoint.organisation_id).where(
        col(WebhookEndpoint.organisation_id).in_(subject_ids), col(WebhookEndpoint.removed_at).is_(None)
    )
    endpoints = (await session.exec(in_use)).all()
    of_endpoints = {endpoint_id: subject_ids[organisation_id] for endpoint_id, organisation_id in endpoints}
    await announce_to(session, queue, event, of_endpoints, moment=moment)


async def announce_to(
    session: AsyncSession,
    queue: App,
    event: str,
    subject_ids: Mapping[uuid.UUID, Collection[uuid.UUID]],
    *,
    moment: datetime,
) -> None:
    """Send an event about each subject to its endpoint, as `announce` does. `subject_ids` has them by endpoint."""
    rows = [
        {
            "id": uuid7(moment),
            "endpoint_id": endpoint_id,
            "event": event,
            "subject_id": subject_id,
            "state": DeliveryState.PENDING,
            "attempts": 0,
            "recorded_at": moment,
            "next_attempt_at": moment,
        }
        for endpoint_id, of_endpoint in subject_ids.items()
        for subject_id in of_endpoint
    ]
    await insert_rows(session, WebhookDelivery, rows)
    if rows:
        await request_delivery(session, queue)


async def request_delivery(session: AsyncSession, queue: App) -> None:
    """Start a delivery run after this transaction: one, however many events it announces."""
    if not session.info.get(_REQUESTED):
        session.info[_REQUESTED] = True
        await defer(session, queue, TaskName.DELIVER_WEBHOOKS)


# The wait after each failed attempt: ten attempts within three days and four hours.
DELAYS: Final = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]
_DAILY: Final = DELAYS[-1]
_JITTER: Final = 0.2
_random: Final = SystemRandom()

NOTHING_TO_SEND: Final = "nothing to send"
# With this status a receiver asks for its webhook to be removed.
GONE: Final = "status 410"


def delay_after(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after so many attempts; None after the last. `chance`, from 0 to 1, shifts it by up to a fifth.

    Without this jitter, deliveries that failed together because a receiver was down would all return to it together.
    """
    if attempts > len(DELAYS):
        return None
    return DELAYS[attempts - 1] * (1 - _JITTER + 2 * _JITTER * chance)


def next_state(event: str, outcome: str, attempts: int, chance: float) -> tuple[DeliveryState, timedelta | None]:
    """The state of a delivery after that many attempts and the last one's outcome, and the wait before the next."""
    if outcome == NOTHING_TO_SEND:
        return DeliveryState.CANCELLED, None
    if outcome.startswith("status 2"):
        return DeliveryState.DELIVERED, None
    if outcome == GONE:
        return DeliveryState.FAILED, None
    delay = delay_after(attempts, chance)
    if delay is None:
        return DeliveryState.FAILED, _DAILY if event in UNTIL_DELIVERED else None
    return DeliveryState.PENDING, delay


@task("retry_webhooks", cron="* * * * *")
async def retry_webhooks(resources: Resources) -> None:
    """Start a delivery run if a delivery has become due."""
    database = resources.get(Database)
    async with database.transaction() as session:
        if await _endpoints_due(session, (), 1):
            await request_delivery(session, resources.get(App))


# As long as somebody may still ask what became of an event.
forget(
    "forget_deliveries",
    "29 4 * * *",
    Rule(
        table=WebhookDelivery,
        moment="ended_at",
        kept=timedelta(days=90),
        data="a webhook delivery and its attempts, without payload",
        since="its end, failed ones too",
    ),
)


@task(TaskName.DELIVER_WEBHOOKS, alone=True)
async def deliver_webhooks(resources: Resources) -> None:
    """Send everything that is due. One run at a time, so that slow receivers occupy one worker slot only."""
    settings = resources.get(Settings)
    delivery_run = _DeliveryRun(
        resources=resources,
        database=resources.get(Database),
        ring=resources.get(KeyRing),
        private=settings.webhook_allow_private,
    )
    await delivery_run.deliver_due()


# How many endpoints are served at once, and how many attempts are made at once for each.
_CONCURRENT_ENDPOINTS: Final = 16
_CONCURRENT_ATTEMPTS: Final = 4
_LEASE: Final = timedelta(minutes=1)
_POLL_SECONDS: Final = 1.0


async def _endpoints_due(session: AsyncSession, excluded: Collection[uuid.UUID], limit: int) -> Sequence[uuid.UUID]:
    """At most `limit` endpoints with a delivery that is due, without those excluded."""
    query = select(WebhookDelivery.endpoint_id).where(
        col(WebhookDelivery.next_attempt_at) <= now(),
        col(WebhookDelivery.endpoint_id).not_in(excluded),
    )
    return (await session.exec(query.distinct().limit(limit))).all()


@dataclass(frozen=True, slots=True)
class _DeliveryRun:
    """One run of the task, with what it needs for sending."""

    resources: Resources
    database: Database
    ring: KeyRing
    private: bool
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def deliver_due(self) -> None:
        """Serve all endpoints with due deliveries concurrently; one that fails is left for a later run."""
        serving: dict[asyncio.Task[bool], uuid.UUID] = {}
        failed: set[uuid.UUID] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                async with self.database.transaction() as session:
                    busy = {*serving.values(), *failed}
                    due = await _endpoints_due(session, busy, _CONCURRENT_ENDPOINTS - len(serving))
                serving |= {group.create_task(self._serve(endpoint_id)): endpoint_id for endpoint_id in due}
                if not serving:
                    return
                done, _ = await asyncio.wait(serving, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for finished in done:
                    endpoint_id = serving.pop(finished)
                    if not finished.result():
                        failed.add(endpoint_id)

    async def _serve(self, endpoint_id: uuid.UUID) -> bool:
        """Send what is due to one endpoint; False as soon as an attempt fails."""
        while claimed := await self._claim(endpoint_id):
            if not all(await asyncio.gather(*map(self._attempt, claimed))):
                return False
        return True

    async def _claim(self, endpoint_id: uuid.UUID) -> list[uuid.UUID]:
        """Claim some due deliveries of an endpoint: no other worker attempts them before the lease is over."""
        moment = now()
        due = select(WebhookDelivery).where(
            WebhookDelivery.endpoint_id == endpoint_id,
            col(WebhookDelivery.next_attempt_at) <= moment,
        )
        query = due.order_by(col(WebhookDelivery.next_attempt_at)).limit(_CONCURRENT_ATTEMPTS)
        async with self.database.transaction() as session:
            rows = (await session.exec(query.with_for_update(skip_locked=True))).all()
            for row in rows:
                row.attempts, row.next_attempt_at = row.attempts + 1, moment + _LEASE
            return [row.id for row in rows]

    async def _attempt(self, delivery_id: uuid.UUID) -> bool:
        """Send one delivery; False if that failed."""
        try:
            message = await self._message(delivery_id)
            outcome = await send(message, now(), self.tls, private=self.private) if message else NOTHING_TO_SEND
        except Exception as problem:  # noqa: BLE001 - an event whose payload fails must not hold up all others
            # Without its text, which may quote the payload.
            log.error("Webhook delivery %s failed with an internal error: %s", delivery_id, type(problem).__name__)
            outcome = "internal error"
        return await self._record(delivery_id, outcome)

    async def _message(self, delivery_id: uuid.UUID) -> Message | None:
        async with self.database.transaction() as session:
            row = await session.get_one(WebhookDelivery, delivery_id)
            endpoint = await session.get_one(WebhookEndpoint, row.endpoint_id)
            payload = await PAYLOADS[row.event](self.resources, session, row.subject_id)
            # The key may have expired since the worker last looked for webhooks to end.
            ended = endpoint.removed_at is not None or not await is_living(session, endpoint.api_key_id)
            if payload is None or ended:
                return None
            body = orjson.dumps({"type": row.event, "timestamp": row.recorded_at, "data": payload}).decode()
            return Message(row.id, endpoint.url, valid_secrets(self.ring, endpoint, now()), body)

    async def _record(self, delivery_id: uuid.UUID, outcome: str) -> bool:
        """Record how an attempt ended; False if it failed."""
        moment = now()
        async with self.database.transaction() as session:
            row = await session.get_one(WebhookDelivery, delivery_id)
            endpoint = await lock_endpoint(session, row.endpoint_id)
            await session.refresh(row, with_for_update=True)
            if row.next_attempt_at is not None:
                row.last_outcome = outcome
                row.state, delay = next_state(row.event, outcome, row.attempts, _random.random())
                row.next_attempt_at, row.ended_at = (moment + delay, None) if delay else (None, moment)
                if row.state == DeliveryState.DELIVERED and row.event in ON_DELIVERY:
                    await ON_DELIVERY[row.event](session, row.subject_id)
            if outcome == GONE:
                await remove_endpoint(session, endpoint)
            return row.state in (DeliveryState.DELIVERED, DeliveryState.CANCELLED)


look_for(
    "webhooks",
    """
    SELECT EXISTS (SELECT FROM webhook_delivery WHERE next_attempt_at IS NOT NULL GROUP BY endpoint_id
        HAVING min(next_attempt_at) < now() - interval '1 hour'
           AND NOT bool_or(attempts > 0 AND next_attempt_at >= now() - interval '1 hour'))
    """,
    Condition.WARNING,
    "Deliveries to a webhook have been due for more than an hour. `filiation fsck` names it.",
    "No delivery is late.",
)
