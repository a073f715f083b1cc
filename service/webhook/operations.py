"""One function per operation on webhooks."""

import asyncio
import uuid
from datetime import timedelta
from typing import Final

from procrastinate import App
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.errors import Conflict, NotFound, Unprocessable
from service.core.ids import uuid7
from service.core.paging import Page, cut
from service.core.settings import Settings
from service.number.keyring import KeyRing
from service.webhook.addresses import ADVICE, Refusal, RefusedAddressError, webhook_url
from service.webhook.delivery import ask_for_delivery
from service.webhook.endpoints import encrypted_secret, locked, new_secret, remove
from service.webhook.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from service.webhook.schemas import DeliveryOut, IssuedWebhook, WebhookIn, WebhookOut
from service.webhook.sending import resolve

# Every event goes to each of them.
MOST_ENDPOINTS: Final = 10
# The secret before a rotation signs this much longer, so that a running receiver can change over.
ROTATION_OVERLAP: Final = timedelta(hours=24)
# A connection to the database waits meanwhile.
_RESOLVE_SECONDS: Final = 3


async def register_webhook(
    session: AsyncSession, ring: KeyRing, settings: Settings, actor: Actor, wanted: WebhookIn
) -> IssuedWebhook:
    """Register an address, which must be one that may be called now. It is looked at again at each sending."""
    live = (WebhookEndpoint.organisation_id == actor.organisation_id, col(WebhookEndpoint.removed_at).is_(None))
    if (await session.exec(select(func.count()).select_from(WebhookEndpoint).where(*live))).one() >= MOST_ENDPOINTS:
        raise Conflict("too_many_webhooks", f"There are {MOST_ENDPOINTS} already: remove one that you need no more.")
    url = await _checked(wanted.url, private=settings.webhook_allow_private)
    secret, endpoint_id = new_secret(), uuid7()
    row = WebhookEndpoint(
        id=endpoint_id,
        organisation_id=actor.organisation_id,
        url=url,
        secret_encrypted=encrypted_secret(ring, endpoint_id, secret),
    )
    session.add(row)
    await session.flush()
    return IssuedWebhook(**row.model_dump(), secret=secret)


async def _checked(text: str, *, private: bool) -> str:
    try:
        url = webhook_url(text, private=private)
        async with asyncio.timeout(_RESOLVE_SECONDS):
            await resolve(url, private=private)
    except RefusedAddressError as problem:
        raise _refused(problem.refusal) from None
    except TimeoutError:
        raise _refused(Refusal.UNRESOLVED) from None
    return str(url)


def _refused(refusal: Refusal) -> Unprocessable:
    return Unprocessable(refusal.value, ADVICE[refusal])


async def list_webhooks(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[WebhookOut]:
    """The endpoints of the caller's organisation."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.organisation_id == actor.organisation_id)
    if after is not None:
        query = query.where(col(WebhookEndpoint.id) > after)
    rows = (await session.exec(query.order_by(col(WebhookEndpoint.id)).limit(limit + 1))).all()
    return cut([WebhookOut(**row.model_dump()) for row in rows], limit, "id")


async def rotate_webhook(session: AsyncSession, ring: KeyRing, actor: Actor, webhook_id: uuid.UUID) -> IssuedWebhook:
    """A new secret; the old one signs for a day more, and one that is older than that no longer."""
    row = await _own(session, actor, webhook_id)
    if row.removed_at is not None:
        raise Conflict("webhook_removed", "This webhook is not called any more: register the address anew.")
    secret = new_secret()
    row.previous_secret_encrypted, row.previous_until = row.secret_encrypted, now() + ROTATION_OVERLAP
    row.secret_encrypted = encrypted_secret(ring, row.id, secret)
    await session.flush()
    return IssuedWebhook(**row.model_dump(), secret=secret)


async def remove_webhook(session: AsyncSession, actor: Actor, webhook_id: uuid.UUID) -> WebhookOut:
    """Call an endpoint no more. Removing it again changes nothing."""
    row = await _own(session, actor, webhook_id)
    await remove(session, row)
    return WebhookOut(**row.model_dump())


async def _own(session: AsyncSession, actor: Actor, webhook_id: uuid.UUID) -> WebhookEndpoint:
    """An endpoint of the caller's organisation, to be changed."""
    row = await session.get(WebhookEndpoint, webhook_id)
    if row is None or row.organisation_id != actor.organisation_id:
        raise NotFound("webhook")
    return await locked(session, webhook_id)


async def list_webhook_deliveries(
    session: AsyncSession,
    actor: Actor,
    webhook_id: uuid.UUID,
    state: DeliveryState | None,
    after: uuid.UUID | None,
    limit: int,
) -> Page[DeliveryOut]:
    """The deliveries of one endpoint of the caller's organisation."""
    endpoint = await session.get(WebhookEndpoint, webhook_id)
    if endpoint is None or endpoint.organisation_id != actor.organisation_id:
        raise NotFound("webhook")
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == webhook_id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    if after is not None:
        query = query.where(col(WebhookDelivery.id) > after)
    rows = (await session.exec(query.order_by(col(WebhookDelivery.id)).limit(limit + 1))).all()
    return cut([DeliveryOut.model_validate(row.model_dump()) for row in rows], limit, "id")


async def retry_webhook_delivery(
    session: AsyncSession, queue: App, actor: Actor, delivery_id: uuid.UUID
) -> DeliveryOut:
    """Begin anew with a dead delivery."""
    row = await session.get(WebhookDelivery, delivery_id)
    if row is None:
        raise NotFound("delivery")
    endpoint = await locked(session, row.endpoint_id)
    if endpoint.organisation_id != actor.organisation_id:
        raise NotFound("delivery")
    await session.refresh(row, with_for_update=True)
    if endpoint.removed_at is not None:
        raise Conflict("webhook_removed", "This webhook is not called any more: register the address anew.")
    if row.state != DeliveryState.DEAD:
        raise Conflict("delivery_not_dead", "Only a dead delivery is asked for again: this one's `state` is another.")
    row.state, row.tries, row.next_try_at, row.ended_at = DeliveryState.PENDING, 0, now(), None
    await session.flush()
    await ask_for_delivery(session, queue)
    return DeliveryOut.model_validate(row.model_dump())
