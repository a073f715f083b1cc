"""Sessions of persons: `fis_<secret>`. The secret is 256 random bits, so a plain SHA-256 of the token is a safe digest.

Tokens are only created here, after a code was confirmed. A token that a browser makes up opens nothing.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.bounded_route import Gate
from service.core.clock import now
from service.core.db import Connection, Database
from service.core.errors import Unauthenticated
from service.core.ids import uuid7
from service.core.personal_responses import mark_personal
from service.core.resources import resources_of
from service.core.retention import Rule, forget
from service.number.keyring import KeyRing
from service.verification.models import PersonSession
from service.verification.schemas import SessionOut
from service.wording.language import paris_day

LIFETIME: Final = timedelta(minutes=30)
_PREFIX: Final = "fis_"


@dataclass(frozen=True, slots=True)
class Person:
    """A person who proved that a number is theirs. `number` is E.164 digits, `key` its pseudonym.

    `owned_since` is since when they own it, None if they have not stated it.
    """

    session_id: uuid.UUID
    number: int
    key: bytes
    owned_since: date | None

    def owned_at(self, moment: datetime) -> bool:
        """Whether the person already owned the number at a moment, by what they state."""
        return self.owned_since is None or paris_day(moment) >= self.owned_since

    def __repr__(self) -> str:
        return f"Person(session_id={self.session_id!r})"


async def begin_session(session: AsyncSession, ring: KeyRing, number: int, since_on: date | None) -> SessionOut:
    """Open a session for the owner of a number. Its token is not stored."""
    token = _PREFIX + secrets.token_urlsafe(32)
    session_id = uuid7()
    row = PersonSession(
        id=session_id,
        token_digest=_digest(token),
        number_encrypted=ring.encrypt(str(number).encode(), _context(session_id)),
        owned_since=since_on,
        expires_at=now() + LIFETIME,
    )
    session.add(row)
    return SessionOut(token=token, expires_at=row.expires_at)


_FIND: Final = """
    SELECT id, number_encrypted, owned_since FROM person_session
    WHERE token_digest = %(digest)s AND expires_at > %(moment)s
"""


async def person_of(database: Database, ring: KeyRing, token: str) -> Person:
    """The person that a token belongs to.

    Raises:
        Unauthenticated: the token is unknown, expired or revoked. The error does not say which.
    """
    values = {"digest": _digest(token), "moment": now()}

    async def find(connection: Connection) -> tuple[uuid.UUID, bytes, date | None] | None:
        return await (await connection.execute(_FIND, values)).fetchone()

    found = await database.without_transaction(find)
    if found is None:
        raise session_refused()
    session_id, number_encrypted, owned_since = found
    number = int(ring.decrypt(number_encrypted, _context(session_id)))
    return Person(session_id, number, ring.pseudonym(number), owned_since)


_bearer = HTTPBearer(
    auto_error=False, scheme_name="PersonSession", description="The token of a confirmed verification."
)


class _PersonGate(Gate):
    """Lets a person with a session through."""

    async def admit_before_body(self, request: Request) -> None:
        """Find the person before the body is read."""
        await self(request, await _bearer(request))

    async def __call__(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Person:
        """The calling person, or a 401 problem. A session is looked up once for each request."""
        if credentials is None:
            raise session_refused()
        found: Person | None = getattr(request.state, "person", None)
        if found is None:
            get = resources_of(request).get
            found = request.state.person = await person_of(get(Database), get(KeyRing), credentials.credentials)
            mark_personal(request)
        return found


person: Final = _PersonGate()

PersonDep = Annotated[Person, Depends(person)]


def session_refused() -> Unauthenticated:
    """The error for a token that has no session."""
    return Unauthenticated(
        "session_refused",
        "The session token is missing, unknown, expired or revoked. Confirm a verification, and send its token as "
        "`Authorization: Bearer fis_…`.",
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _context(session_id: uuid.UUID) -> bytes:
    return b"person session/" + session_id.bytes


forget(
    "forget_sessions",
    "*/5 * * * *",
    Rule(
        table=PersonSession,
        moment="expires_at",
        kept=timedelta(0),
        data="a person's session, with the encrypted number and the encrypted answers to requests with a key",
        since="its end",
    ),
)
