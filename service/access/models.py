"""Tables of access: API keys, inspections, responses stored for repeated requests."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from service.access.actor import Scope
from service.core.clock import now
from service.core.columns import enum_list_type
from service.core.ids import uuid7


class ApiKey(SQLModel, table=True):
    """An API key of an organisation. Only its digest is stored, so that the table gives nobody access.

    It acts for a party whose processor its organisation is or, `as_heir`, for an organisation that this one succeeded.
    `issued_by_id` is the operator whose key issued it; null if that was the operator's command line, or a rotation.
    `replaces_id` is the key that it replaced in a rotation. The moments of announcements are when its organisation was
    sent the events of its issue, of the coming expiry and of the end, or when nothing was left to announce.
    """

    __tablename__ = "api_key"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    acts_for_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id", index=True)
    as_heir: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    label: str | None = Field(default=None, sa_type=Text)
    prefix: str = Field(sa_type=Text, unique=True)
    digest: bytes = Field(sa_type=LargeBinary)
    scopes: list[Scope] = Field(sa_type=enum_list_type(Scope))
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    last_used_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    issued_by_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    replaces_id: uuid.UUID | None = Field(default=None, foreign_key="api_key.id", index=True)
    issue_announced_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    expiry_announced_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    end_announced_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Inspection(SQLModel, table=True):
    """What the regulator looked at, and why. Of a number only a keyed fingerprint is stored."""

    __tablename__ = "inspection"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    api_key_id: uuid.UUID = Field(foreign_key="api_key.id")
    operation: str = Field(sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    number_fingerprint: bytes | None = Field(default=None, sa_type=LargeBinary)
    reason: str | None = Field(default=None, sa_type=Text)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class IdempotentRequest(SQLModel, table=True):
    """The response to the first request with an `Idempotency-Key`, to be sent again if the request is repeated."""

    __tablename__ = "idempotent_request"

    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    request_fingerprint: bytes = Field(sa_type=LargeBinary)
    status: int | None = None
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
