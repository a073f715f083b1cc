"""The table of organisations."""

from datetime import datetime

from sqlalchemy import DateTime, Index, Text
from sqlmodel import Field

from service.core.columns import enum_list_type
from service.core.facts import Fact
from service.core.vocabulary import Role


class Organisation(Fact, table=True):
    """A legal person. Without `admitted_at` it has no account here, and was named by another organisation."""

    __tablename__ = "organisation"
    __table_args__ = (Index("uq_organisation_registration", "country", "registration_number", unique=True),)

    legal_name: str = Field(sa_type=Text)
    country: str = Field(sa_type=Text)
    registration_number: str | None = Field(default=None, sa_type=Text)
    roles: list[Role] = Field(sa_type=enum_list_type(Role))
    privacy_contact: str | None = Field(default=None, sa_type=Text)
    admitted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
