"""Endpoints: their secrets, and their end."""

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
    """A secret as it is stored. It has to be read again to sign, so that a digest would not do."""
    return ring.encrypt(secret.encode("ascii"), _context(endpoint_id))


def _context(endpoint_id: uuid.UUID) -> bytes:
    return b"webhook secret " + endpoint_id.bytes


def good_secrets(ring: KeyRing, endpoint: WebhookEndpoint, moment: datetime) -> list[str]:
    """The secrets that sign at `moment`: the newest first, and the one before it until its time is over."""
    sealed = [endpoint.secret_encrypted]
    if endpoint.previous_secret_encrypted and endpoint.previous_until and endpoint.previous_until > moment:
        sealed.append(endpoint.previous_secret_encrypted)
    return [ring.decrypt(one, _context(endpoint.id)).decode("ascii") for one in sealed]


async def locked(session: AsyncSession, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    """An endpoint, to be changed. It is locked before its deliveries, everywhere; new ones need not wait for that."""
    return await session.get_one(WebhookEndpoint, endpoint_id, with_for_update={"key_share": True})


_WITHDRAW = text("""
    UPDATE webhook_delivery
    SET state = 'withdrawn', last_outcome = 'endpoint removed', next_try_at = NULL, ended_at = :moment
    WHERE endpoint_id = :id AND state = 'pending'
""")


async def remove(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """End a locked endpoint, and what waits for it. The row stays: its deliveries can still be looked at."""
    moment = now()
    endpoint.removed_at = endpoint.removed_at or moment
    await session.flush()
    await run(session, _WITHDRAW, {"id": endpoint.id, "moment": moment})
