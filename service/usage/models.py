"""Tables of what organisations do in a day, what they may do, and the days that the operator should look at."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7
from service.core.vocabulary import UsageKind


class DailyUsage(SQLModel, table=True):
    """How much of something an organisation did on a day (UTC). `recorded_at` is when it began."""

    __tablename__ = "daily_usage"

    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", primary_key=True)
    kind: UsageKind = Field(sa_type=enum_type(UsageKind), primary_key=True)
    day: date = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)


class UsageAlert(SQLModel, table=True):
    """A day on which an organisation did far more than the usual count of its days before, or reached a limit.

    Without an organisation it is about the registry as a whole.
    """

    __tablename__ = "usage_alert"
    __table_args__ = (UniqueConstraint("organisation_id", "kind", "day", postgresql_nulls_not_distinct=True),)

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    kind: UsageKind = Field(sa_type=enum_type(UsageKind))
    day: date
    count: int = Field(sa_type=BigInteger)
    usual_count: int = Field(sa_type=BigInteger)
    reached_limit: int | None = Field(default=None, sa_type=BigInteger)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)


class UsageLimit(SQLModel, table=True):
    """How much of something an organisation may do in a day, as the operator set it. The latest one counts."""

    __tablename__ = "usage_limit"
    __table_args__ = (Index("ix_usage_limit_organisation_id_kind", "organisation_id", "kind"),)

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id")
    kind: UsageKind = Field(sa_type=enum_type(UsageKind))
    daily_limit: int = Field(sa_type=BigInteger)
    operator_id: uuid.UUID = Field(foreign_key="organisation.id")
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
