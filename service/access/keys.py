"""API keys: `fil_<prefix>_<secret>`. The secret has 256 random bits, so a plain SHA-256 of the key is a safe digest."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, LiteralString, NamedTuple

from psycopg.rows import tuple_row
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor, Scope
from service.core.clock import now
from service.core.db import Connection
from service.core.errors import Unauthenticated
from service.core.vocabulary import Role


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key. Its text is shown once and stored nowhere."""

    prefix: str
    text: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What is stored of the key."""
        return digest_of(self.text)


def new_key() -> NewKey:
    """Make a random key."""
    prefix = secrets.token_hex(6)
    return NewKey(prefix, f"fil_{prefix}_{secrets.token_urlsafe(32)}")


def digest_of(key: str) -> bytes:
    """SHA-256 of the key's text."""
    return hashlib.sha256(key.encode()).digest()


def _prefix_of(key: str) -> str:
    kind, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    # Letters and digits only: the prefix goes into a statement, and a database text cannot hold every character.
    if kind != "fil" or not prefix.isalnum() or not secret:
        raise refused_key()
    return prefix


def refused_key() -> Unauthenticated:
    """The refusal of a key, which does not say why."""
    return Unauthenticated(
        "key_refused",
        "The API key is missing, unknown, expired or revoked. Send a valid one as `Authorization: Bearer fil_…`. "
        "The operator of this registry issues keys.",
    )


class _StoredKey(NamedTuple):
    """A stored key, and the roles of its organisation."""

    id: uuid.UUID
    digest: bytes
    scopes: Sequence[str]
    organisation_id: uuid.UUID
    acts_for_id: uuid.UUID | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    roles: Sequence[str]
    as_heir: bool


_FIND: LiteralString = """
    SELECT key.id, key.digest, key.scopes, key.organisation_id, key.acts_for_id, key.expires_at, key.revoked_at,
           key.last_used_at, organisation.roles, key.as_heir
    FROM api_key AS key JOIN organisation ON organisation.id = key.organisation_id
    WHERE key.prefix = %s
"""

# Once a minute is enough to show that a key is in use, and saves all other requests a write.
_USE_RECORDED_EVERY: Final = timedelta(minutes=1)
_TOUCH: LiteralString = "UPDATE api_key SET last_used_at = %s WHERE id = %s AND last_used_at IS NOT DISTINCT FROM %s"


async def authenticate(connection: Connection, key: str | None) -> Actor:
    """The caller whose key this is. It is read for each request, so that a revoked key is refused at once.

    Raises:
        Unauthenticated: the key is missing, unknown, expired or revoked. The problem does not say which.
    """
    if not key:
        raise refused_key()
    stored = await _find(connection, _prefix_of(key))
    moment = now()
    if stored is None or not hmac.compare_digest(stored.digest, digest_of(key)) or _is_inactive(stored, moment):
        raise refused_key()
    if stored.last_used_at is None or moment - stored.last_used_at > _USE_RECORDED_EVERY:
        await connection.execute(_TOUCH, (moment, stored.id, stored.last_used_at))
    return Actor(
        key_id=stored.id,
        organisation_id=stored.acts_for_id or stored.organisation_id,
        through_id=stored.organisation_id if stored.acts_for_id and not stored.as_heir else None,
        heir_id=stored.organisation_id if stored.as_heir else None,
        roles=frozenset(map(Role, stored.roles)),
        scopes=frozenset(map(Scope, stored.scopes)),
    )


# Two statements: the second sees a rotation that the first has waited for.
_LOCK_OWN = text("SELECT id FROM api_key WHERE id = :id AND revoked_at IS NULL FOR SHARE")
_LOCK_HEIR = text("SELECT id FROM api_key WHERE id = heir_of_key(:id) AND revoked_at IS NULL FOR SHARE")


async def owning_key(session: AsyncSession, actor: Actor) -> uuid.UUID:
    """The key that owns what the caller makes: the caller's, or after a rotation the key that replaced it.

    Until the transaction ends, neither can be rotated or revoked.

    Raises:
        Unauthenticated: the caller's key was revoked since the request began.
    """
    own = {"id": actor.key_id}
    if await session.scalar(_LOCK_OWN, own) is None:
        raise refused_key()
    heir_id: uuid.UUID | None = await session.scalar(_LOCK_HEIR, own)
    return heir_id or actor.key_id


_IS_LIVING = text("""
    SELECT EXISTS (
        SELECT FROM api_key AS own JOIN living_key AS heir ON heir.id = heir_of_key(own.id)
        WHERE own.id = :id AND own.revoked_at IS NULL)
""")


async def is_living(session: AsyncSession, key_id: uuid.UUID) -> bool:
    """Whether a key is valid, or expired after a rotation that replaced it by a valid key.

    This is for what goes on after its request was admitted, such as an event stream. A revoked key ends it at once.
    """
    return bool(await session.scalar(_IS_LIVING, {"id": key_id}))


async def _find(connection: Connection, prefix: str) -> _StoredKey | None:
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_FIND, (prefix,))
        row = await cursor.fetchone()
    return None if row is None else _StoredKey(*row)


def _is_inactive(key: _StoredKey, moment: datetime) -> bool:
    ends = (key.expires_at, key.revoked_at)
    return any(end is not None and end <= moment for end in ends)
