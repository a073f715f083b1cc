"""Tables of organisations, and of what is stated of their names and contacts."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ARRAY, DateTime, Index, Text, Uuid, text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_list_type
from service.core.facts import Fact
from service.core.ids import uuid7
from service.core.vocabulary import Role


class Detail(StrEnum):
    """What is stated of an organisation."""

    LEGAL_NAME = "legal_name"
    PRIVACY_CONTACT = "privacy_contact"
    COUNTRY = "country"
    REGISTRATION_NUMBER = "registration_number"
    ROLES = "roles"
    TIME_ZONE = "time_zone"
    ALIASES = "aliases"
    CLOSED_ON = "closed_on"
    SUCCEEDED_BY_ID = "succeeded_by_id"
    SUCCEEDED_ON = "succeeded_on"


_NO_TEXTS = {"server_default": text("'{}'")}


class Organisation(Fact, table=True):
    """A legal person. Without `admitted_at` it has no account here, and was named by another organisation.

    `legal_name` and `privacy_contact` are the statement that counts: of `stated_by_id`, which is its first namer until
    the organisation speaks for itself. It is null where the operator states them. `registration_key` is what all
    spellings of the registration number have in common, `name_keys` those of its name and aliases. `time_zone` is null
    unless it is stated. The organisation `succeeded_by_id`, its heir, answers since `succeeded_on` for what it held. Of
    each detail the row has the statement that counts.
    """

    __tablename__ = "organisation"
    __table_args__ = (
        Index("uq_organisation_registration", "country", "registration_key", unique=True),
        Index("ix_organisation_name_keys", "name_keys", postgresql_using="gin"),
    )

    legal_name: str = Field(sa_type=Text)
    country: str = Field(sa_type=Text)
    registration_number: str | None = Field(default=None, sa_type=Text)
    registration_key: str | None = Field(default=None, sa_type=Text)
    roles: list[Role] = Field(sa_type=enum_list_type(Role))
    privacy_contact: str | None = Field(default=None, sa_type=Text)
    time_zone: str | None = Field(default=None, sa_type=Text)
    aliases: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), sa_column_kwargs=_NO_TEXTS)
    name_keys: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), sa_column_kwargs=_NO_TEXTS)
    closed_on: date | None = None
    succeeded_by_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id", index=True)
    succeeded_on: date | None = None
    admitted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    stated_by_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    stated_at: datetime = Field(
        default_factory=now, sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")}
    )


class OrganisationStatement(SQLModel, table=True):
    """What an organisation, or the operator, states of an organisation. Never overwritten.

    It says nothing of what is not among `stated`. `effective` says that it took the place of what was stated before;
    otherwise it stands beside. `distinct_from_ids` are organisations of the same name that it says are others.
    """

    __tablename__ = "organisation_statement"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    asserted_by_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    asserted_through_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    stated: list[Detail] = Field(sa_type=enum_list_type(Detail))
    effective: bool
    legal_name: str | None = Field(default=None, sa_type=Text)
    privacy_contact: str | None = Field(default=None, sa_type=Text)
    country: str | None = Field(default=None, sa_type=Text)
    registration_number: str | None = Field(default=None, sa_type=Text)
    roles: list[Role] | None = Field(default=None, sa_type=enum_list_type(Role))
    time_zone: str | None = Field(default=None, sa_type=Text)
    aliases: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    closed_on: date | None = None
    succeeded_by_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    succeeded_on: date | None = None
    distinct_from_ids: list[uuid.UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    reason: str | None = Field(default=None, sa_type=Text)
