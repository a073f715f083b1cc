"""API keys: `fil_<prefix>_<secret>`. The secret is 256 random bits, so a plain SHA-256 of the key is a safe digest."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor, Scope
from service.core.clock import now
from service.core.db import run
from service.core.errors import Unauthenticated
from service.core.vocabulary import Role


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. Its text is shown once and kept nowhere."""

    prefix: str
    text: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What is stored of it."""
        return digest_of(self.text)


def new_key() -> NewKey:
    """A random key."""
    prefix = secrets.token_hex(6)
    return NewKey(prefix, f"fil_{prefix}_{secrets.token_urlsafe(32)}")


def digest_of(key: str) -> bytes:
    """SHA-256 of the key's text."""
    return hashlib.sha256(key.encode()).digest()


def _prefix_of(key: str) -> str:
    kind, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    # Letters and digits only: the prefix goes into a statement, and a text of the database cannot hold every character.
    if kind != "fil" or not prefix.isalnum() or not secret:
        raise _refusal()
    return prefix


def _refusal() -> Unauthenticated:
    return Unauthenticated(
        "key_refused",
        "The API key is missing, unknown, expired or revoked. Send it as `Authorization: Bearer fil_…`; "
        "the operator of this registry issues keys.",
    )


_FIND = text("""
    SELECT key.id, key.digest, key.scopes, key.organisation_id, key.acts_for_id, key.expires_at, key.revoked_at,
           key.last_used_at, organisation.roles
    FROM api_key AS key JOIN organisation ON organisation.id = key.organisation_id
    WHERE key.prefix = :prefix
""")

# Once a minute is enough to see that a key is in use, and spares every other request a write.
_TOUCH = text("""
    UPDATE api_key SET last_used_at = :now
    WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :now - interval '1 minute')
""")


async def authenticate(session: AsyncSession, key: str | None) -> Actor:
    """The caller that `key` stands for.

    Raises:
        Unauthenticated: the key is missing, unknown, expired or revoked; which of these is not told.
    """
    if not key:
        raise _refusal()
    found = (await run(session, _FIND, {"prefix": _prefix_of(key)})).one_or_none()
    moment = now()
    if found is None or not hmac.compare_digest(found.digest, digest_of(key)) or _is_over(found, moment):
        raise _refusal()
    if found.last_used_at is None or (moment - found.last_used_at).total_seconds() > 60:
        await run(session, _TOUCH, {"id": found.id, "now": moment})
    return Actor(
        key_id=found.id,
        organisation_id=found.acts_for_id or found.organisation_id,
        through_id=found.organisation_id if found.acts_for_id else None,
        roles=frozenset(Role(role) for role in found.roles),
        scopes=frozenset(Scope(scope) for scope in found.scopes),
    )


def _is_over(key: object, moment: datetime) -> bool:
    expires_at: datetime | None = getattr(key, "expires_at", None)
    revoked_at: datetime | None = getattr(key, "revoked_at", None)
    return (expires_at is not None and expires_at <= moment) or (revoked_at is not None and revoked_at <= moment)
