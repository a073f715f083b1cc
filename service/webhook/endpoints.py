"""Endpoints: their secrets and their removal."""

import base64
import secrets
import uuid
from datetime import datetime

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import run
from service.number.keyring import KeyRing
from service.webhook.models import WebhookEndpoint


def new_secret() -> str:
    """A secret of Standard Webhooks: 256 random bits in base64, after `whsec_`."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def encrypted_secret(ring: KeyRing, endpoint_id: uuid.UUID, secret: str) -> bytes:
    """A secret as it is stored: encrypted and not hashed, since signing needs it again."""
    return ring.encrypt(secret.encode("ascii"), _context(endpoint_id))


def _context(endpoint_id: uuid.UUID) -> bytes:
    return b"webhook secret " + endpoint_id.bytes


def valid_secrets(ring: KeyRing, endpoint: WebhookEndpoint, moment: datetime) -> list[str]:
    """The secrets that sign at `moment`: the newest first, then the previous one until it expires."""
    encrypted = [endpoint.secret_encrypted]
    if endpoint.previous_secret_encrypted and endpoint.previous_until and endpoint.previous_until > moment:
        encrypted.append(endpoint.previous_secret_encrypted)
    return [ring.decrypt(secret, _context(endpoint.id)).decode("ascii") for secret in encrypted]


async def lock_endpoint(session: AsyncSession, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    """Lock an endpoint in order to change it. Always lock it before its deliveries; new deliveries do not wait."""
    return await session.get_one(WebhookEndpoint, endpoint_id, with_for_update={"key_share": True})


_CANCEL = text("""
    UPDATE webhook_delivery
    SET state = 'cancelled', last_outcome = 'endpoint removed', next_attempt_at = NULL, ended_at = :moment
    WHERE endpoint_id = :id AND next_attempt_at IS NOT NULL
""")


async def remove_endpoint(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """Remove a locked endpoint and cancel its pending deliveries. The row stays, so that these can still be listed."""
    moment = now()
    endpoint.removed_at = endpoint.removed_at or moment
    await session.flush()
    await run(session, _CANCEL, {"id": endpoint.id, "moment": moment})
