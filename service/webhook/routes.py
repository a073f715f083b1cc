"""Routes of webhooks."""

import uuid
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Path

from service.access.idempotency import IdempotentRoute
from service.access.permit import HoldersReader, NumbersWriter
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.settings import SettingsDep
from service.core.task_queue import QueueDep
from service.number.app_keyring import RingDep
from service.webhook import operations
from service.webhook.schemas import DeliveryOut, IssuedWebhook, StateFilter, WebhookIn, WebhookOut


class SecretRoute(IdempotentRoute):
    """Keeps the response for repeated requests, but without the secret, which is stored encrypted only."""

    def stored_body(self, body: bytes) -> bytes:
        """The response with its `secret`, if any, set to null."""
        answer = orjson.loads(body)
        return orjson.dumps(answer | {"secret": None}) if "secret" in answer else body


router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=SecretRoute)

WebhookId = Annotated[uuid.UUID, Path(description="The id of a webhook.")]


async def _checked_address(body: WebhookIn, settings: SettingsDep) -> str:
    return await operations.check_address(settings, body.url)


# Named before the session: the name is resolved before the transaction begins.
CheckedAddress = Annotated[str, Depends(_checked_address)]


@router.post("", status_code=201, summary="Register a webhook", responses=responses(*JSON_BODY, 409, 429, 503))
async def register_webhook(
    address: CheckedAddress,
    session: SessionDep,
    settings: SettingsDep,
    queue: QueueDep,
    ring: RingDep,
    actor: NumbersWriter,
) -> IssuedWebhook:
    """From now on every event that concerns you is sent to this address as a POST, signed as Standard Webhooks 1.0.

    So is the `relay.created` of every relay that you have not received yet, also from before your account.

    Verify it with the `secret`, which is shown only here, and any library of standardwebhooks.com. By hand:
    `webhook-signature` holds signatures separated by spaces, and one of them must match. Each is `v1,` and the base64
    of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`. The key is the secret after `whsec_`, decoded
    from base64. Reject a `webhook-timestamp` more than five minutes away from your clock. Ignore a `webhook-id` that
    you have already processed: it stays the same when an event is sent again.

    Respond with a status from 200 to 299 within 15 seconds. Otherwise the event is sent again: ten attempts within
    about three days. Redirects are not followed. Respond with 410 to have the webhook removed.

    The webhook belongs to your key. It ends when that is revoked or expires, and a rotation hands it to the new key.
    """
    return await operations.register_webhook(session, settings, queue, ring, actor, address)


@router.get("", summary="List webhooks")
async def list_webhooks(
    session: SessionDep, actor: HoldersReader, after: After = None, limit: Limit = 100
) -> Page[WebhookOut]:
    """The webhooks of your organisation, removed ones too, each with the API key that it belongs to.

    A processor sees those of its own keys. A party sees the processors' too, and can remove them.
    """
    return await operations.list_webhooks(session, actor, after, limit)


@router.delete("/{webhook_id}", summary="Remove a webhook", responses=responses(404))
async def remove_webhook(webhook_id: WebhookId, session: SessionDep, actor: NumbersWriter) -> WebhookOut:
    """The address is no longer called, and its pending deliveries are cancelled."""
    return await operations.remove_webhook(session, actor, webhook_id)


@router.post(
    "/{webhook_id}/rotate", status_code=201, summary="Rotate a webhook's secret", responses=responses(404, 409, 413)
)
async def rotate_webhook(
    webhook_id: WebhookId, session: SessionDep, ring: RingDep, actor: NumbersWriter
) -> IssuedWebhook:
    """Creates a new secret. The previous one also signs for 24 hours; an older one stops signing at once."""
    return await operations.rotate_webhook(session, ring, actor, webhook_id)


@router.get("/{webhook_id}/deliveries", summary="List a webhook's deliveries", responses=responses(404))
async def list_webhook_deliveries(
    webhook_id: WebhookId,
    session: SessionDep,
    actor: HoldersReader,
    state: StateFilter = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[DeliveryOut]:
    """What was sent to this webhook or will be. Use `state=failed` to find events that never arrived."""
    return await operations.list_webhook_deliveries(session, actor, webhook_id, state, after, limit)


@router.post(
    "/deliveries/{delivery_id}/retry",
    status_code=202,
    summary="Retry a failed delivery",
    responses=responses(404, 409, 413),
)
async def retry_webhook_delivery(
    delivery_id: Annotated[uuid.UUID, Path(description="The id of a delivery.")],
    session: SessionDep,
    queue: QueueDep,
    actor: NumbersWriter,
) -> DeliveryOut:
    """The event is sent at once, with the data of that moment, and up to ten attempts are made again."""
    return await operations.retry_webhook_delivery(session, queue, actor, delivery_id)
