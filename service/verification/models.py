"""Tables of verifications and of the sessions that they open.

Numbers are encrypted with a random nonce, so that no row can be found by its number. Keyed fingerprints allow counting
the rows of a number, a number block or an address. Rows that are over are deleted from both tables.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import Date, DateTime, LargeBinary, Text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.ids import uuid7


class Verification(SQLModel, table=True):
    """A code that was sent to a number. The code is stored as an HMAC. `budget` tells what the reserve is."""

    __tablename__ = "verification"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    number_encrypted: bytes = Field(sa_type=LargeBinary)
    number_fingerprint: bytes = Field(sa_type=LargeBinary, index=True)
    address_fingerprint: bytes = Field(sa_type=LargeBinary, index=True)
    network_fingerprint: bytes = Field(sa_type=LargeBinary, index=True)
    block_fingerprint: bytes = Field(sa_type=LargeBinary, index=True)
    code_mac: bytes = Field(sa_type=LargeBinary)
    attempts_left: int
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    from_reserve: bool
    confirmed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class PersonRequest(SQLModel, table=True):
    """A request of a person with an `Idempotency-Key`, and its response once it has one. It goes with the session."""

    __tablename__ = "person_request"

    session_id: uuid.UUID = Field(foreign_key="person_session.id", primary_key=True, ondelete="CASCADE")
    key: str = Field(sa_type=Text, primary_key=True)
    request_fingerprint: bytes = Field(sa_type=LargeBinary)
    status: int | None = None
    media_type: str | None = Field(default=None, sa_type=Text)
    disposition: str | None = Field(default=None, sa_type=Text)
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class PersonSession(SQLModel, table=True):
    """A session of a person who proved that a number is theirs. `owned_since` is what the person states."""

    __tablename__ = "person_session"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    token_digest: bytes = Field(sa_type=LargeBinary, unique=True)
    number_encrypted: bytes = Field(sa_type=LargeBinary)
    owned_since: date | None = Field(default=None, sa_type=Date)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True), index=True)
