"""Tables of datasets, what they come from, their parts and rejected lines, and the counts that sealing stores."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, LargeBinary, Text, Uuid, column, table
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.facts import Fact, GraphRow
from service.core.vocabulary import Content, DatasetState
from service.number.normalisation import RejectReason


class Dataset(Fact, table=True):
    """A set of numbers held by one organisation; what the numbers are is the membership store's business."""

    __tablename__ = "dataset"

    holder_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    name: str = Field(sa_type=Text)
    content: Content = Field(sa_type=enum_type(Content))
    state: DatasetState = Field(sa_type=enum_type(DatasetState))
    collection_id: uuid.UUID | None = Field(default=None, foreign_key="collection.id", index=True)
    default_region: str = Field(default="FR", sa_type=Text)
    time_zone: str = Field(default="Europe/Paris", sa_type=Text)
    dialect: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    number_count: int | None = Field(default=None, sa_type=BigInteger)
    duplicate_count: int | None = Field(default=None, sa_type=BigInteger)
    rejected_count: int | None = Field(default=None, sa_type=BigInteger)
    orphan_count: int | None = Field(default=None, sa_type=BigInteger)
    first_consented_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    last_consented_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    sealed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    # The recipient of a transfer uploads its own file, or that is being compared with what the sender declares.
    reconciling: bool = False


# The view of when each dataset took over what its parents had, for queries that are not written by hand.
DATASET_MADE_AT = table("dataset_made_at", column("dataset_id", Uuid), column("made_at", DateTime(timezone=True)))


class DatasetParent(GraphRow, table=True):
    """`dataset_id` comes from `parent_id`: by a transfer if one is named, else by the same holder's own work."""

    __tablename__ = "dataset_parent"
    __table_args__ = (CheckConstraint("dataset_id <> parent_id", name="ck_dataset_parent_not_itself"),)

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True)
    parent_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, index=True)
    transfer_id: uuid.UUID | None = Field(default=None, foreign_key="transfer.id")


class DatasetPart(SQLModel, table=True):
    """One uploaded part: its counts, and which upload of it counts (a part can be sent again)."""

    __tablename__ = "dataset_part"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, ondelete="CASCADE")
    number: int = Field(primary_key=True)
    upload: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_type=LargeBinary)
    byte_count: int = Field(sa_type=BigInteger)
    line_count: int = Field(sa_type=BigInteger)
    accepted_count: int = Field(sa_type=BigInteger)
    rejected_count: int = Field(sa_type=BigInteger)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class RejectedLine(SQLModel, table=True):
    """A line that holds no possible number. Its raw value is sealed and goes after seven days."""

    __tablename__ = "rejected_line"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, ondelete="CASCADE")
    upload: int = Field(primary_key=True, sa_type=BigInteger)
    line: int = Field(primary_key=True, sa_type=BigInteger)
    part: int
    reason: RejectReason = Field(sa_type=enum_type(RejectReason))
    raw: bytes | None = Field(default=None, sa_type=LargeBinary)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class AncestorCount(GraphRow, table=True):
    """How many numbers of a sealed dataset come from an ancestor by a path on which every dataset holds them."""

    __tablename__ = "ancestor_count"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True)
    ancestor_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True)
    number_count: int = Field(sa_type=BigInteger)


class NoticeCount(GraphRow, table=True):
    """How many numbers of a sealed dataset come from any collection made under a notice, each counted once."""

    __tablename__ = "notice_count"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True)
    notice_id: uuid.UUID = Field(foreign_key="notice.id", primary_key=True)
    number_count: int = Field(sa_type=BigInteger)
