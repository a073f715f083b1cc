"""Sessions of persons: `fis_<secret>`. The secret is 256 random bits, so a plain SHA-256 of the token is a safe digest.

A token is only ever made here, after a code was confirmed: whatever a browser brings along gets no rights by it.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.clock import now
from service.core.db import Database, DatabaseDep
from service.core.errors import Unauthenticated
from service.core.ids import uuid7
from service.core.retention import Rule, forget
from service.number.app_keyring import RingDep
from service.number.keyring import KeyRing
from service.verification.models import PersonSession
from service.verification.schemas import SessionOut
from service.wording.language import paris_day

LIFETIME: Final = timedelta(minutes=30)
_KIND: Final = "fis_"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who proved that a number is theirs. `number` is E.164 digits, `key` its pseudonym.

    `owned_since` is since when it is theirs, as they say; None: they did not.
    """

    session_id: uuid.UUID
    number: int
    key: bytes
    owned_since: date | None

    def owned_at(self, moment: datetime) -> bool:
        """Whether the number was this person's already, as they say."""
        return self.owned_since is None or paris_day(moment) >= self.owned_since

    def __repr__(self) -> str:
        return f"Person(session_id={self.session_id!r})"


async def begin_session(session: AsyncSession, ring: KeyRing, number: int, since_on: date | None) -> SessionOut:
    """A new session for the owner of a number, and its token, which is kept nowhere."""
    token = _KIND + secrets.token_urlsafe(32)
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


async def person_of(database: Database, ring: KeyRing, token: str) -> Person:
    """Whom a token speaks for.

    Raises Unauthenticated: it is unknown, expired or ended; which of these is not told.
    """
    query = select(PersonSession).where(PersonSession.token_digest == _digest(token))
    async with database.transaction() as session:
        row = (await session.exec(query.where(col(PersonSession.expires_at) > now()))).one_or_none()
    if row is None:
        raise session_refused()
    number = int(ring.decrypt(row.number_encrypted, _context(row.id)))
    return Person(row.id, number, ring.pseudonym(number), row.owned_since)


_bearer = HTTPBearer(
    auto_error=False, scheme_name="PersonSession", description="The token of a confirmed verification."
)


async def person(
    database: DatabaseDep,
    ring: RingDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Person:
    """The person who calls, or a 401 problem."""
    if credentials is None:
        raise session_refused()
    return await person_of(database, ring, credentials.credentials)


PersonDep = Annotated[Person, Depends(person)]


def session_refused() -> Unauthenticated:
    """The refusal of whatever is no session, or none any more."""
    return Unauthenticated(
        "session_refused",
        "The session is missing, unknown, expired or ended. Confirm a verification, and send the token that it gives "
        "as `Authorization: Bearer fis_…`.",
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
        data="a person's session, with the encrypted number",
        since="its end",
    ),
)
