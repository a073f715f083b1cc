"""HTTP of webhooks."""

import uuid
from typing import Annotated

import orjson
from fastapi import APIRouter, Path

from service.access.idempotency import OnceRoute
from service.access.permit import HoldersReader, NumbersWriter
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.settings import SettingsDep
from service.core.task_queue import QueueDep
from service.number.app_keyring import RingDep
from service.webhook import operations
from service.webhook.schemas import DeliveryOut, IssuedWebhook, OfState, WebhookIn, WebhookOut


class SecretRoute(OnceRoute):
    """Keeps the answer without the secret, which is stored sealed only."""

    def kept(self, body: bytes) -> bytes:
        """The answer, with `secret` null where it has one."""
        answer = orjson.loads(body)
        return orjson.dumps(answer | {"secret": None}) if "secret" in answer else body


router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=SecretRoute)

WebhookId = Annotated[uuid.UUID, Path(description="The id of a webhook.")]


@router.post("", status_code=201, summary="Register a webhook", responses=responses(*JSON_BODY, 409))
async def register_webhook(
    body: WebhookIn, session: SessionDep, ring: RingDep, settings: SettingsDep, actor: NumbersWriter
) -> IssuedWebhook:
    """From now on every event that concerns you is sent to this address: a POST, signed after Standard Webhooks 1.0.

    Verify it with any library of standardwebhooks.com and the `secret`, which is shown only here, or by hand:
    `webhook-signature` holds, apart by spaces, `v1,` and the base64 of the HMAC-SHA256 of
    `{webhook-id}.{webhook-timestamp}.{body}` under the base64-decoded rest of the secret after `whsec_`; one that is
    right will do. Refuse a `webhook-timestamp` that is more than five minutes away from your clock, and a
    `webhook-id` that you have dealt with: it stays the same when an event is sent again.

    Answer with a status from 200 to 299 within 15 seconds. Otherwise it is sent again, ten times in some three days.
    A redirect is not followed. The status 410 says that you want no more: the webhook is removed.
    """
    return await operations.register_webhook(session, ring, settings, actor, body)


@router.get("", summary="List webhooks")
async def list_webhooks(
    session: SessionDep, actor: HoldersReader, after: After = None, limit: Limit = 100
) -> Page[WebhookOut]:
    """Your own, those included that were removed."""
    return await operations.list_webhooks(session, actor, after, limit)


@router.delete("/{webhook_id}", summary="Remove a webhook", responses=responses(404))
async def remove_webhook(webhook_id: WebhookId, session: SessionDep, actor: NumbersWriter) -> WebhookOut:
    """The address is not called any more, and what waits for it is withdrawn."""
    return await operations.remove_webhook(session, actor, webhook_id)


@router.post(
    "/{webhook_id}/rotate", status_code=201, summary="Rotate a webhook's secret", responses=responses(404, 409, 413)
)
async def rotate_webhook(
    webhook_id: WebhookId, session: SessionDep, ring: RingDep, actor: NumbersWriter
) -> IssuedWebhook:
    """A new secret. For 24 hours the old one signs beside it; one that was rotated before that no longer does."""
    return await operations.rotate_webhook(session, ring, actor, webhook_id)


@router.get("/{webhook_id}/deliveries", summary="List a webhook's deliveries", responses=responses(404))
async def list_webhook_deliveries(
    webhook_id: WebhookId,
    session: SessionDep,
    actor: HoldersReader,
    state: OfState = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[DeliveryOut]:
    """What was sent there, or is about to be; with `state=dead`, what never arrived."""
    return await operations.list_webhook_deliveries(session, actor, webhook_id, state, after, limit)


@router.post(
    "/deliveries/{delivery_id}/retry",
    status_code=202,
    summary="Ask for a dead delivery again",
    responses=responses(404, 409, 413),
)
async def retry_webhook_delivery(
    delivery_id: Annotated[uuid.UUID, Path(description="The id of a delivery.")],
    session: SessionDep,
    queue: QueueDep,
    actor: NumbersWriter,
) -> DeliveryOut:
    """Sent at once and, if need be, ten times more. What it tells is as things are then."""
    return await operations.retry_webhook_delivery(session, queue, actor, delivery_id)
