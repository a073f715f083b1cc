"""Tables of objections, of their relays to holders, and of flagged datasets and campaigns.

A number is stored as a mark, its pseudonym under a second key, for as long as the objection applies. The pseudonym
itself is not stored beside it: the moment of an objection would tell the person who knows it which pseudonym it is.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource, Purpose, RelayState


class Objection(SQLModel, table=True):
    """A person's objection. `asserted_by_id` is null if the person made it here or by STOP to our own gateway.

    `received_by_id` is the organisation that the person turned to instead: the holder that records the objection, or
    the party whose campaign a STOP answers. It is bound at once, the others since `relayed_at`: from the recording on,
    or from the moment at which the number counts for that organisation. Until then the others have no relay.

    A contest is about the origin that the collected dataset `dataset_id` gives the number. The person can take it back.

    It is a fact but not part of the provenance graph, so that recording it makes no process load the graph again.
    """

    __tablename__ = "objection"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    asserted_by_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id", index=True)
    asserted_through_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    kind: ObjectionKind = Field(sa_type=enum_type(ObjectionKind))
    scope: ObjectionScope = Field(sa_type=enum_type(ObjectionScope))
    organisation_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    purpose: Purpose | None = Field(default=None, sa_type=enum_type(Purpose))
    source: ObjectionSource = Field(sa_type=enum_type(ObjectionSource))
    campaign_id: uuid.UUID | None = Field(default=None, foreign_key="campaign.id", index=True)
    received_by_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id", index=True)
    relayed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    mark: bytes = Field(sa_type=LargeBinary, index=True)
    closed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    dataset_id: uuid.UUID | None = Field(default=None, foreign_key="dataset.id")
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class ContestAnswer(SQLModel, table=True):
    """A collector's answer to a contest, with its reference for the record of the agreement. Answers are all kept."""

    __tablename__ = "contest_answer"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    objection_id: uuid.UUID = Field(foreign_key="objection.id", index=True)
    asserted_by_id: uuid.UUID = Field(foreign_key="organisation.id")
    asserted_through_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    answer_text: str = Field(sa_type=Text)
    consent_record_id: str | None = Field(default=None, sa_type=Text)


class Relay(SQLModel, table=True):
    """An objection's task for one holder. `cursor` is its place in the holder's list, from the first reading on.

    `received_at` is the moment from which the holder's month runs, which `due_at` ends. Both are null while it waits.
    At `extended_at` the holder took two more months, with the reasons for the delay.
    """

    __tablename__ = "relay"
    __table_args__ = (
        UniqueConstraint("holder_id", "cursor"),
        Index("ix_relay_without_cursor", "holder_id", postgresql_where=text("cursor IS NULL")),
    )

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    cursor: int | None = Field(default=None, sa_type=BigInteger)
    objection_id: uuid.UUID = Field(foreign_key="objection.id", index=True)
    holder_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    state: RelayState = Field(default=RelayState.PENDING, sa_type=enum_type(RelayState))
    refusal: str | None = Field(default=None, sa_type=Text)
    delay: str | None = Field(default=None, sa_type=Text)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    received_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True), index=True)
    due_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True), index=True)
    delivered_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    acknowledged_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    extended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class RelayFeed(SQLModel, table=True):
    """The last cursor in a holder's list of relays. Whoever gives cursors locks this row."""

    __tablename__ = "relay_feed"

    holder_id: uuid.UUID = Field(primary_key=True, foreign_key="organisation.id")
    last_cursor: int = Field(sa_type=BigInteger)


class ObjectionFlag(SQLModel, table=True):
    """A sealed dataset or a registered campaign that contains a number objected to before.

    Its holder sees it since `shown_at`: if the objection reaches the holder, and the number counts for it.
    """

    __tablename__ = "objection_flag"
    __table_args__ = (
        UniqueConstraint("objection_id", "dataset_id", "campaign_id", postgresql_nulls_not_distinct=True),
    )

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    objection_id: uuid.UUID = Field(foreign_key="objection.id")
    holder_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    dataset_id: uuid.UUID | None = Field(default=None, foreign_key="dataset.id", index=True)
    campaign_id: uuid.UUID | None = Field(default=None, foreign_key="campaign.id", index=True)
    shown_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class DeadlinePublication(SQLModel, table=True):
    """The figures of a closed quarter as they were published, in JSON. A correction is a new version."""

    __tablename__ = "deadline_publication"
    __table_args__ = (UniqueConstraint("quarter", "version"),)

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    quarter: str = Field(sa_type=Text)
    version: int
    published_on: date
    correction_reason: str | None = Field(default=None, sa_type=Text)
    document: str = Field(sa_type=Text)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class DeadlineCount(SQLModel, table=True):
    """The exact counts of an organisation behind a publication, for itself and the regulator."""

    __tablename__ = "deadline_count"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    publication_id: uuid.UUID = Field(foreign_key="deadline_publication.id", index=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    received: int
    in_time: int
    late: int
    refused: int
    withdrawn: int
    open: int
    median_days: float | None = None
    mean_days: float | None = None
