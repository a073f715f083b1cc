"""One function per operation on webhooks."""

import asyncio
import uuid
from datetime import timedelta
from typing import Final

from procrastinate import App
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

import service.webhook.key_events  # noqa: F401  (its task)
from service.access.actor import Actor
from service.access.keys import owning_key
from service.core.clock import now
from service.core.errors import Conflict, NotFound, Unprocessable
from service.core.ids import uuid7
from service.core.paging import Page, read_slice
from service.core.settings import Settings
from service.core.task_queue import TaskName, defer
from service.core.vocabulary import UsageKind
from service.number.keyring import KeyRing
from service.usage.quotas import add_usage
from service.webhook.addresses import ADVICE, AddressProblem, RefusedAddressError, webhook_url
from service.webhook.delivery import request_delivery
from service.webhook.endpoints import encrypted_secret, lock_endpoint, new_secret, remove_endpoint
from service.webhook.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from service.webhook.schemas import DeliveryOut, IssuedWebhook, WebhookOut
from service.webhook.sending import REGISTERING, resolve

# Every event is sent to each endpoint, so their number multiplies the deliveries.
MAX_ENDPOINTS: Final = 10
# After a rotation the previous secret still signs for this long, so that a running receiver can change over.
ROTATION_OVERLAP: Final = timedelta(hours=24)
# Longer than name servers take that a delivery could use.
_RESOLVE_SECONDS: Final = 3


async def register_webhook(
    session: AsyncSession, settings: Settings, queue: App, ring: KeyRing, actor: Actor, checked_url: str
) -> IssuedWebhook:
    """Register an address that `check_address` let through. It is sent what nobody has read yet.

    The address is checked again before each attempt.

    Raises:
        Conflict: the organisation has as many webhooks as it may have.
        TooManyRequests: the organisation has registered as many today as it may.
    """
    live = (WebhookEndpoint.organisation_id == actor.organisation_id, col(WebhookEndpoint.removed_at).is_(None))
    if (await session.exec(select(func.count()).select_from(WebhookEndpoint).where(*live))).one() >= MAX_ENDPOINTS:
        raise Conflict("too_many_webhooks", f"You have {MAX_ENDPOINTS} webhooks, the maximum. Remove one first.")
    secret, endpoint_id = new_secret(), uuid7()
    row = WebhookEndpoint(
        id=endpoint_id,
        organisation_id=actor.organisation_id,
        through_id=actor.through_id,
        api_key_id=await owning_key(session, actor),
        url=checked_url,
        secret_encrypted=encrypted_secret(ring, endpoint_id, secret),
    )
    session.add(row)
    await session.flush()
    await defer(session, queue, TaskName.SEND_UNREAD_RELAYS, endpoint_id=str(endpoint_id))
    await add_usage(session, settings, actor.organisation_id, UsageKind.WEBHOOKS, 1)
    return IssuedWebhook(**row.model_dump(), secret=secret)


async def check_address(settings: Settings, text: str) -> str:
    """An address in its normal form, after its name was resolved. Not for use in a transaction: it waits for others.

    Raises:
        Unprocessable: the address must not be called, or its name is not found.
        Overloaded: many others are registering addresses whose names are found slowly or not at all.
    """
    private = settings.webhook_allow_private
    try:
        url = webhook_url(text, private=private)
        async with asyncio.timeout(_RESOLVE_SECONDS):
            await resolve(url, private=private, threads=REGISTERING)
    except RefusedAddressError as problem:
        raise _refused(problem.problem) from None
    except TimeoutError:
        raise _refused(AddressProblem.UNRESOLVED) from None
    return str(url)


def _refused(problem: AddressProblem) -> Unprocessable:
    return Unprocessable(problem.value, ADVICE[problem])


async def list_webhooks(session: AsyncSession, actor: Actor, after: uuid.UUID | None, limit: int) -> Page[WebhookOut]:
    """The endpoints of the caller's organisation, removed ones too. A processor sees those of its own keys."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.organisation_id == actor.organisation_id)
    if actor.through_id is not None:
        query = query.where(WebhookEndpoint.through_id == actor.through_id)
    rows = await read_slice(session, query, after, limit, WebhookEndpoint.id)
    return rows.page(WebhookOut(**row.model_dump()) for row in rows)


async def rotate_webhook(session: AsyncSession, ring: KeyRing, actor: Actor, webhook_id: uuid.UUID) -> IssuedWebhook:
    """Replace the secret. The previous one signs for another day; an older one stops at once.

    Raises:
        NotFound: the organisation has no such webhook.
        Conflict: the webhook was removed.
    """
    row = await _lock_own_endpoint(session, actor, webhook_id)
    if row.removed_at is not None:
        raise _removed()
    secret = new_secret()
    row.previous_secret_encrypted, row.previous_until = row.secret_encrypted, now() + ROTATION_OVERLAP
    row.secret_encrypted = encrypted_secret(ring, row.id, secret)
    await session.flush()
    return IssuedWebhook(**row.model_dump(), secret=secret)


def _removed() -> Conflict:
    return Conflict("webhook_removed", "This webhook was removed. Register a new one.")


async def remove_webhook(session: AsyncSession, actor: Actor, webhook_id: uuid.UUID) -> WebhookOut:
    """Stop calling an endpoint. Removing it again changes nothing.

    Raises:
        NotFound: the organisation has no such webhook.
    """
    row = await _lock_own_endpoint(session, actor, webhook_id)
    await remove_endpoint(session, row)
    return WebhookOut(**row.model_dump())


def _is_own(actor: Actor, row: WebhookEndpoint) -> bool:
    """Whether the caller may see and change an endpoint: a processor only those that its own keys registered."""
    return row.organisation_id == actor.organisation_id and actor.through_id in (None, row.through_id)


async def _lock_own_endpoint(session: AsyncSession, actor: Actor, webhook_id: uuid.UUID) -> WebhookEndpoint:
    """Lock an endpoint of the caller's organisation in order to change it."""
    row = await session.get(WebhookEndpoint, webhook_id)
    if row is None or not _is_own(actor, row):
        raise NotFound("webhook")
    return await lock_endpoint(session, webhook_id)


async def list_webhook_deliveries(
    session: AsyncSession,
    actor: Actor,
    webhook_id: uuid.UUID,
    state: DeliveryState | None,
    after: uuid.UUID | None,
    limit: int,
) -> Page[DeliveryOut]:
    """The deliveries of one endpoint of the caller's organisation.

    Raises:
        NotFound: the organisation has no such webhook.
    """
    endpoint = await session.get(WebhookEndpoint, webhook_id)
    if endpoint is None or not _is_own(actor, endpoint):
        raise NotFound("webhook")
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == webhook_id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    rows = await read_slice(session, query, after, limit, WebhookDelivery.id)
    return rows.page(DeliveryOut.model_validate(row.model_dump()) for row in rows)


async def retry_webhook_delivery(
    session: AsyncSession, queue: App, actor: Actor, delivery_id: uuid.UUID
) -> DeliveryOut:
    """Attempt a failed delivery again from the start.

    Raises:
        NotFound: the organisation has no such delivery.
        Conflict: its webhook was removed, or it has not failed.
    """
    row = await session.get(WebhookDelivery, delivery_id)
    if row is None:
        raise NotFound("delivery")
    endpoint = await lock_endpoint(session, row.endpoint_id)
    if not _is_own(actor, endpoint):
        raise NotFound("delivery")
    await session.refresh(row, with_for_update=True)
    if endpoint.removed_at is not None:
        raise _removed()
    if row.state != DeliveryState.FAILED:
        raise Conflict("delivery_not_failed", f"This delivery is {row.state}. Only a failed one can be retried.")
    row.state, row.attempts, row.next_attempt_at, row.ended_at = DeliveryState.PENDING, 0, now(), None
    await session.flush()
    await request_delivery(session, queue)
    return DeliveryOut.model_validate(row.model_dump())
