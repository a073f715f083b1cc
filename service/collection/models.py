"""Tables of notices, partner lists, evidence, collections and what collectors state of them."""

import uuid
from datetime import date

from sqlalchemy import ARRAY, Date, LargeBinary, Text
from sqlmodel import Field, SQLModel

from service.core.columns import enum_list_type, enum_type
from service.core.facts import Fact, GraphRow
from service.core.vocabulary import Channel, CollectorStatus, Mechanism, Purpose


class Notice(Fact, table=True):
    """The wording shown, verbatim. It never changes: a new version is a new notice that names the one it replaces.

    A correction is a new notice too, which says what was shown in truth. It has the version of the one it corrects.
    `first_id` is the notice with which a row of corrections began. Numbers are counted by it, and lists and evidence
    belong to it.
    """

    __tablename__ = "notice"

    collector_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    code: str = Field(sa_type=Text)
    replaces_id: uuid.UUID | None = Field(default=None, foreign_key="notice.id")
    corrects_id: uuid.UUID | None = Field(default=None, foreign_key="notice.id", unique=True)
    first_id: uuid.UUID = Field(foreign_key="notice.id", index=True)
    version: int = 1
    language: str = Field(sa_type=Text)
    wording: str = Field(sa_type=Text)
    mechanism: Mechanism = Field(sa_type=enum_type(Mechanism))
    purposes: list[Purpose] = Field(sa_type=enum_list_type(Purpose))
    valid_from_on: date = Field(sa_type=Date)
    valid_until_on: date | None = Field(default=None, sa_type=Date)
    time_zone: str = Field(sa_type=Text)


class PartnerList(Fact, table=True):
    """The recipients named to a person from a day on, in force until the next list of the same notice."""

    __tablename__ = "partner_list"

    notice_id: uuid.UUID = Field(foreign_key="notice.id", index=True)
    valid_from_on: date = Field(sa_type=Date)
    categories: list[str] = Field(sa_type=ARRAY(Text))
    corrects_id: uuid.UUID | None = Field(default=None, foreign_key="partner_list.id", unique=True)


class Partner(GraphRow, table=True):
    """A name on a partner list, as printed there, and the organisation that it means, if known."""

    __tablename__ = "partner"

    partner_list_id: uuid.UUID = Field(foreign_key="partner_list.id", primary_key=True)
    position: int = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")


class NoticeEvidence(Fact, table=True):
    """A screenshot of the form. Its content is in another table, so that the graph loads without it."""

    __tablename__ = "notice_evidence"

    notice_id: uuid.UUID = Field(foreign_key="notice.id", index=True)
    media_type: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=Text)
    byte_count: int


class EvidenceWithdrawal(Fact, table=True):
    """The word of the organisation that uploaded a piece of evidence that it does not show the form as it was.

    The file stays and can be read: it is proof of what was claimed.
    """

    __tablename__ = "evidence_withdrawal"

    evidence_id: uuid.UUID = Field(foreign_key="notice_evidence.id", unique=True)
    reason: str = Field(sa_type=Text)


class EvidenceContent(SQLModel, table=True):
    """The bytes of a piece of evidence, encrypted in pieces (see `evidence_content`)."""

    __tablename__ = "evidence_content"

    evidence_id: uuid.UUID = Field(foreign_key="notice_evidence.id", primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)


class Collection(Fact, table=True):
    """The gathering of numbers: by which collector, where, under which notice, from when to when."""

    __tablename__ = "collection"

    collector_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    notice_id: uuid.UUID = Field(foreign_key="notice.id", index=True)
    channel: Channel = Field(sa_type=enum_type(Channel))
    address: str = Field(sa_type=Text)
    began_on: date = Field(sa_type=Date)
    ended_on: date | None = Field(default=None, sa_type=Date)
    corrects_id: uuid.UUID | None = Field(default=None, foreign_key="collection.id", unique=True)


class CollectorStatement(Fact, table=True):
    """What a collector states of a collection that another organisation asserts. The latest statement counts."""

    __tablename__ = "collector_statement"

    collection_id: uuid.UUID = Field(foreign_key="collection.id", index=True)
    status: CollectorStatus = Field(sa_type=enum_type(CollectorStatus))
    comment: str | None = Field(default=None, sa_type=Text)
