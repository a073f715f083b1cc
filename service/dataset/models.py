"""Tables of datasets: their parents, parts and rejected lines, and the counts that sealing stores."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    column,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.facts import Fact, GraphRow
from service.core.ids import uuid7
from service.core.vocabulary import Content, DatasetState, DatasetStatementKind, EndReason
from service.number.rejection import RejectReason


class Dataset(Fact, table=True):
    """A set of numbers held by one organisation. The numbers themselves are in the tables of membership."""

    __tablename__ = "dataset"
    __table_args__ = (
        Index("ix_dataset_holder_id", "holder_id", "id"),
        Index("ix_dataset_recount_request", "recount_request", postgresql_where=text("recount_request IS NOT NULL")),
    )

    holder_id: uuid.UUID = Field(foreign_key="organisation.id")
    name: str = Field(sa_type=Text)
    content: Content = Field(sa_type=enum_type(Content))
    state: DatasetState = Field(sa_type=enum_type(DatasetState))
    collection_id: uuid.UUID | None = Field(default=None, foreign_key="collection.id", index=True)
    default_region: str = Field(default="FR", sa_type=Text)
    # None if none was stated and the region has several. Then no consent times are read.
    time_zone: str | None = Field(default=None, sa_type=Text)
    # The format of consent times that is stated for all parts, and the parts that were refused because their dates
    # have the month first, until they are sent again.
    date_format: str | None = Field(default=None, sa_type=Text)
    month_first_refused: list[int] = Field(
        default_factory=list, sa_type=ARRAY(Integer), sa_column_kwargs={"server_default": "{}"}
    )
    dialect: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    number_count: int | None = Field(default=None, sa_type=BigInteger)
    duplicate_count: int | None = Field(default=None, sa_type=BigInteger)
    rejected_count: int | None = Field(default=None, sa_type=BigInteger)
    unallocated_count: int | None = Field(default=None, sa_type=BigInteger)
    orphan_count: int | None = Field(default=None, sa_type=BigInteger)
    # What erasures by its holder left of the two counts above, which say what was sealed.
    numbers_left: int | None = Field(default=None, sa_type=BigInteger)
    orphans_left: int | None = Field(default=None, sa_type=BigInteger)
    # The first and the last known consent, encrypted.
    consent_span: bytes | None = Field(default=None, sa_type=LargeBinary)
    sealed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    # When a part was last sent, to the hour, and when the numbers of a dataset were deleted that nobody sealed.
    last_upload_at: datetime = Field(
        default_factory=now, sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")}
    )
    upload_removed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    # When the recipient acknowledged the transfer that delivered it, after it had denied it.
    taken_over_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    # Whether the recipient of a transfer is uploading its own file, or having it compared with what was declared.
    reconciling: bool = False
    # When its collection was last corrected. What the operator released before was not said to come from there.
    collection_stated_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    # When its stored copy was dropped, some years after its holding ended or it was withdrawn.
    copy_dropped_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    # The latest request to count again where its numbers come from; None if its counts hold (`dataset.recount`).
    recount_request: int | None = Field(default=None, sa_type=BigInteger)


class DatasetCorrection(SQLModel, table=True):
    """A correction of a dataset's name, date or collection: what counts since, and what counted before.

    `occurred_at` is the dataset's date, not the correction's.
    """

    __tablename__ = "dataset_correction"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    asserted_by_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    asserted_through_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", index=True, ondelete="CASCADE")
    name: str = Field(sa_type=Text)
    occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    collection_id: uuid.UUID | None = Field(default=None, foreign_key="collection.id")
    former_name: str = Field(sa_type=Text)
    former_occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    former_collection_id: uuid.UUID | None = Field(default=None, foreign_key="collection.id")
    reason: str | None = Field(default=None, sa_type=Text)


class DatasetStatement(Fact, table=True):
    """What its holder states of a sealed dataset: that its holding ended, or that it was never so, or neither.

    The latest of each pair counts (`dataset.standing`). `occurred_at` of an end is since when.
    """

    __tablename__ = "dataset_statement"
    __table_args__ = (
        CheckConstraint("(kind = 'ended') = (end_reason IS NOT NULL)", name="ck_dataset_statement_end"),
        CheckConstraint("kind <> 'withdrawn' OR reason IS NOT NULL", name="ck_dataset_statement_withdrawal"),
        Index("ix_dataset_statement_ended", "dataset_id", postgresql_where=text("kind = 'ended'")),
        Index("ix_dataset_statement_withdrawn", "dataset_id", postgresql_where=text("kind = 'withdrawn'")),
    )

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", index=True)
    kind: DatasetStatementKind = Field(sa_type=enum_type(DatasetStatementKind))
    end_reason: EndReason | None = Field(default=None, sa_type=enum_type(EndReason))
    reason: str | None = Field(default=None, sa_type=Text)


# A view: when each dataset took over the numbers of its parents.
DATASET_MADE_AT = table("dataset_made_at", column("dataset_id", Uuid), column("made_at", DateTime(timezone=True)))


class DatasetParent(GraphRow, table=True):
    """`dataset_id` comes from `parent_id`: by the transfer that is named, or derived by the same holder."""

    __tablename__ = "dataset_parent"
    __table_args__ = (CheckConstraint("dataset_id <> parent_id", name="ck_dataset_parent_not_itself"),)

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True)
    parent_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, index=True)
    transfer_id: uuid.UUID | None = Field(default=None, foreign_key="transfer.id")


class DatasetPart(SQLModel, table=True):
    """One uploaded part with its counts. A part can be sent again; `upload` names the upload that counts."""

    __tablename__ = "dataset_part"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, ondelete="CASCADE")
    number: int = Field(primary_key=True)
    upload: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_type=LargeBinary)
    byte_count: int = Field(sa_type=BigInteger)
    line_count: int = Field(sa_type=BigInteger)
    accepted_count: int = Field(sa_type=BigInteger)
    # How many of the accepted lines have a number that is possible, but not in use by its plan.
    unallocated_count: int = Field(sa_type=BigInteger)
    rejected_count: int = Field(sa_type=BigInteger)
    # Of how many rejected lines there is a row. Further ones are only counted.
    rejects_kept: int = Field(sa_type=BigInteger)
    # Of how many accepted lines the consent time is known.
    consent_count: int = Field(sa_type=BigInteger)
    # Whether its first or last line was rejected as half of one, and whether the last has no line end.
    begins_cut: bool
    ends_cut: bool
    ends_open: bool
    # Whether it begins with a header; None in a format that has none.
    has_header: bool | None = None
    hidden_rows: int | None = Field(default=None, sa_type=BigInteger)
    # Which columns were read, and which ones look relevant but were not. A name that may be a cell is not among these.
    read_columns: list[dict[str, Any]] = Field(sa_type=JSONB)
    ignored_columns: list[str] = Field(sa_type=JSONB)
    # The format that its consent times were read with, if it was stated: for the part itself, or for the dataset.
    date_format: str | None = Field(default=None, sa_type=Text)
    states_date_format: bool = False
    # Of how many lines the date shows or leaves open whether the day or the month is first.
    day_first_count: int = Field(default=0, sa_type=BigInteger)
    month_first_count: int = Field(default=0, sa_type=BigInteger)
    either_count: int = Field(default=0, sa_type=BigInteger)
    # The signs between day and month: of which a line shows the order, and which leave it open.
    decided_separators: str = Field(default="", sa_type=Text)
    open_separators: str = Field(default="", sa_type=Text)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class RejectedLine(SQLModel, table=True):
    """A line without a possible number. Its raw value is encrypted, and deleted after seven days."""

    __tablename__ = "rejected_line"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, ondelete="CASCADE")
    upload: int = Field(primary_key=True, sa_type=BigInteger)
    line: int = Field(primary_key=True, sa_type=BigInteger)
    part: int
    reason: RejectReason = Field(sa_type=enum_type(RejectReason))
    field_count: int | None = None
    usual_field_count: int | None = None
    raw: bytes | None = Field(default=None, sa_type=LargeBinary)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class AncestorCount(GraphRow, table=True):
    """How many numbers of a sealed dataset come from an ancestor, by a path of datasets that all hold them.

    `count_left` is how many of these the dataset still holds: its own holder's erasures lower it, an ancestor's do not.
    A trigger repeats here by whom the dataset is held and asserted, so that an index says who sees the ancestor.
    """

    __tablename__ = "ancestor_count"
    __table_args__ = (
        CheckConstraint("count_left BETWEEN 0 AND count_at_sealing", name="ck_ancestor_count_left"),
        Index("ix_ancestor_count_seen", "holder_id", "ancestor_id", postgresql_where=text("count_left > 0")),
        Index(
            "ix_ancestor_count_spoken_for",
            "asserted_by_id",
            "ancestor_id",
            postgresql_where=text("count_left > 0 AND asserted_by_id <> holder_id"),
        ),
    )

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True)
    ancestor_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, index=True)
    holder_id: uuid.UUID | None = Field(default=None, nullable=False)
    asserted_by_id: uuid.UUID | None = None
    count_at_sealing: int = Field(sa_type=BigInteger)
    count_left: int = Field(sa_type=BigInteger)


class NoticeCount(GraphRow, table=True):
    """How many numbers of a sealed dataset come from collections made under a notice, each counted once.

    `count_left` is how many of these the dataset still holds.
    """

    __tablename__ = "notice_count"
    __table_args__ = (CheckConstraint("count_left BETWEEN 0 AND count_at_sealing", name="ck_notice_count_left"),)

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True)
    notice_id: uuid.UUID = Field(foreign_key="notice.id", primary_key=True)
    count_at_sealing: int = Field(sa_type=BigInteger)
    count_left: int = Field(sa_type=BigInteger)


class Loss(SQLModel, table=True):
    """A number that a dataset lost because its holder erased it, until the counts of what is left are lowered.

    The row says from where the dataset had the number, without naming it: the datasets that stored it then, and its
    earlier erasures. So it can be counted when the stored copies are gone.
    """

    __tablename__ = "loss"

    id: int | None = Field(default=None, sa_type=BigInteger, primary_key=True)
    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", index=True)
    stored_in: list[uuid.UUID] = Field(sa_type=ARRAY(Uuid))
    erased_from: list[uuid.UUID] = Field(sa_type=ARRAY(Uuid))
    erased_at: list[datetime] = Field(sa_type=ARRAY(DateTime(timezone=True)))
