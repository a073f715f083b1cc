"""API keys: `fil_<prefix>_<secret>`. The secret is 256 random bits, so a plain SHA-256 of the key is a safe digest."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, LiteralString, NamedTuple

from psycopg.rows import tuple_row

from service.access.actor import Actor, Scope
from service.core.clock import now
from service.core.db import Connection
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


class _Known(NamedTuple):
    """A key as it is stored, and the roles of its organisation."""

    id: uuid.UUID
    digest: bytes
    scopes: Sequence[str]
    organisation_id: uuid.UUID
    acts_for_id: uuid.UUID | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    roles: Sequence[str]


_FIND: LiteralString = """
    SELECT key.id, key.digest, key.scopes, key.organisation_id, key.acts_for_id, key.expires_at, key.revoked_at,
           key.last_used_at, organisation.roles
    FROM api_key AS key JOIN organisation ON organisation.id = key.organisation_id
    WHERE key.prefix = %s
"""

# Once a minute is enough to see that a key is in use, and spares every other request a write.
_USE_IS_OLD: Final = timedelta(minutes=1)
_TOUCH: LiteralString = "UPDATE api_key SET last_used_at = %s WHERE id = %s AND last_used_at IS NOT DISTINCT FROM %s"


async def authenticate(connection: Connection, key: str | None) -> Actor:
    """The caller that `key` stands for. The key is read anew each time: one that is revoked is refused at once.

    Raises:
        Unauthenticated: the key is missing, unknown, expired or revoked; which of these is not told.
    """
    if not key:
        raise _refusal()
    known = await _find(connection, _prefix_of(key))
    moment = now()
    if known is None or not hmac.compare_digest(known.digest, digest_of(key)) or _is_over(known, moment):
        raise _refusal()
    if known.last_used_at is None or moment - known.last_used_at > _USE_IS_OLD:
        await connection.execute(_TOUCH, (moment, known.id, known.last_used_at))
    return Actor(
        key_id=known.id,
        organisation_id=known.acts_for_id or known.organisation_id,
        through_id=known.organisation_id if known.acts_for_id else None,
        roles=frozenset(map(Role, known.roles)),
        scopes=frozenset(map(Scope, known.scopes)),
    )


async def _find(connection: Connection, prefix: str) -> _Known | None:
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(_FIND, (prefix,))
        row = await cursor.fetchone()
    return None if row is None else _Known(*row)


def _is_over(key: _Known, moment: datetime) -> bool:
    ends = (key.expires_at, key.revoked_at)
    return any(end is not None and end <= moment for end in ends)
