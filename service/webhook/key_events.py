"""What becomes of webhooks when keys end, and the events about that for the organisation's other webhooks.

The worker looks once a minute. What a revocation ends has ended by then, in its own transaction. What expires is ended
here, and gets no event from its expiry on.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.models import ApiKey
from service.core.clock import now
from service.core.db import Database, run
from service.core.ids import uuid7
from service.core.resources import Resources
from service.core.task_queue import task
from service.webhook.delivery import PAYLOADS, request_delivery
from service.webhook.models import WebhookDelivery, WebhookEndpoint

KEY_ISSUED: Final = "key.issued"
KEY_EXPIRING: Final = "key.expiring"
KEY_EXPIRED: Final = "key.expired"
KEY_REVOKED: Final = "key.revoked"

ANNOUNCED_BEFORE: Final = timedelta(days=14)
"""How long before its expiry a key that nobody has rotated is announced as expiring."""


async def key_payload(_resources: Resources, session: AsyncSession, key_id: uuid.UUID) -> dict[str, Any]:
    """What is sent about a key: whose it is, who issued it and when it ends, and which webhooks belong to it."""
    key = await session.get_one(ApiKey, key_id)
    endpoints = select(WebhookEndpoint.id).where(WebhookEndpoint.api_key_id == key_id)
    return {
        "api_key_id": key.id,
        **key.model_dump(include={"organisation_id", "acts_for_id", "issued_by_id", "expires_at", "revoked_at"}),
        "webhook_ids": sorted((await session.exec(endpoints)).all()),
    }


PAYLOADS.update(dict.fromkeys((KEY_ISSUED, KEY_EXPIRING, KEY_EXPIRED, KEY_REVOKED), key_payload))


@task("watch_keys", cron="* * * * *")
async def watch_keys(resources: Resources) -> None:
    """End what has expired, and announce each issue, each end and each coming expiry once."""
    async with resources.get(Database).transaction() as session:
        moment = now()
        queue = resources.get(App)
        for key in await _lock_issued(session):
            key.issue_announced_at = moment
            # Who registered a webhook with this key knows of it.
            await _announce(session, queue, key, KEY_ISSUED, moment, registered_before=key.created_at)
        for key in await _lock_ended(session, moment):
            key.end_announced_at = moment
            if key.revoked_at is not None:
                await _announce(session, queue, key, KEY_REVOKED, moment)
            else:
                await run(session, _END_WEBHOOKS, {"id": key.id})
                await _announce_unless_replaced(session, queue, key, KEY_EXPIRED, moment)
        for key in await _lock_expiring(session, moment):
            key.expiry_announced_at = moment
            await _announce_unless_replaced(session, queue, key, KEY_EXPIRING, moment)


_END_WEBHOOKS: Final = text("SELECT end_webhooks_of_key(:id)")
_HEIR: Final = text("SELECT heir_of_key(:id)")


async def _lock_issued(session: AsyncSession) -> Iterable[ApiKey]:
    query = select(ApiKey).where(col(ApiKey.issue_announced_at).is_(None)).order_by(col(ApiKey.id))
    return (await session.exec(query.with_for_update())).all()


async def _lock_ended(session: AsyncSession, moment: datetime) -> Iterable[ApiKey]:
    has_ended = or_(col(ApiKey.revoked_at).is_not(None), col(ApiKey.expires_at) <= moment)
    query = select(ApiKey).where(has_ended, col(ApiKey.end_announced_at).is_(None)).order_by(col(ApiKey.id))
    return (await session.exec(query.with_for_update())).all()


async def _lock_expiring(session: AsyncSession, moment: datetime) -> Iterable[ApiKey]:
    query = select(ApiKey).where(
        col(ApiKey.revoked_at).is_(None),
        col(ApiKey.expires_at) > moment,
        col(ApiKey.expires_at) <= moment + ANNOUNCED_BEFORE,
        col(ApiKey.expiry_announced_at).is_(None),
    )
    return (await session.exec(query.order_by(col(ApiKey.id)).with_for_update())).all()


async def _announce_unless_replaced(
    session: AsyncSession, queue: App, key: ApiKey, event: str, moment: datetime
) -> None:
    if await session.scalar(_HEIR, {"id": key.id}) == key.id:
        await _announce(session, queue, key, event, moment)


async def _announce(
    session: AsyncSession,
    queue: App,
    key: ApiKey,
    event: str,
    moment: datetime,
    registered_before: datetime | None = None,
) -> None:
    """Send an event about a key to those webhooks whose own keys may see that key.

    These are the organisation's own and, of a processor's key, the party's and that processor's for the party. An
    heir's key counts as one of the organisation that it succeeded.
    """
    through_id = key.organisation_id if key.acts_for_id and not key.as_heir else None
    query = select(WebhookEndpoint.id).where(
        WebhookEndpoint.organisation_id == (key.acts_for_id or key.organisation_id),
        or_(col(WebhookEndpoint.through_id).is_(None), WebhookEndpoint.through_id == through_id),
        col(WebhookEndpoint.removed_at).is_(None),
        WebhookEndpoint.recorded_at < (registered_before or moment),
    )
    endpoint_ids = (await session.exec(query)).all()
    session.add_all(
        WebhookDelivery(
            id=uuid7(moment),
            endpoint_id=endpoint_id,
            event=event,
            subject_id=key.id,
            recorded_at=moment,
            next_attempt_at=moment,
        )
        for endpoint_id in endpoint_ids
    )
    if endpoint_ids:
        await request_delivery(session, queue)
