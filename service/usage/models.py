"""Tables of what organisations do in a day, and of the days on which they did far more than usual."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, UniqueConstraint
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
    """A day on which an organisation did far more than the usual count of its days before."""

    __tablename__ = "usage_alert"
    __table_args__ = (UniqueConstraint("organisation_id", "kind", "day"),)

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id")
    kind: UsageKind = Field(sa_type=enum_type(UsageKind))
    day: date
    count: int = Field(sa_type=BigInteger)
    usual_count: int = Field(sa_type=BigInteger)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True), index=True)
