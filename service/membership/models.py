"""Tables of memberships: which dataset holds which number. They contain pseudonyms, never numbers."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Index, Integer, LargeBinary, SmallInteger
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type


class SegmentState(StrEnum):
    """The stage of a segment. Lookups read the blocks of live segments only."""

    LOADING = "loading"
    LIVE = "live"
    MERGING = "merging"
    RETIRED = "retired"


class MembershipSegment(SQLModel, table=True):
    """Blocks that were written together: those of one dataset or, after compaction, of several small datasets.

    A dataset is in one live segment. `level` is that of the coarsest blocks. While a merge into this segment is in
    progress, its sources name it in `merged_into`, and `next_lead` is the merge's progress in the key space.
    """

    __tablename__ = "membership_segment"

    id: int | None = Field(default=None, sa_type=Integer, primary_key=True)
    state: SegmentState = Field(sa_type=enum_type(SegmentState))
    level: int | None = Field(default=None, sa_type=SmallInteger)
    merged_into: int | None = Field(default=None, foreign_key="membership_segment.id", index=True)
    next_lead: int | None = Field(default=None, sa_type=Integer)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class SegmentMember(SQLModel, table=True):
    """A dataset whose numbers a segment holds, and its place in the list that the segment's blocks refer to.

    `number_count` and the encrypted `digest` describe what the blocks hold for the dataset now: erasure updates them.
    """

    __tablename__ = "segment_member"

    segment_id: int = Field(foreign_key="membership_segment.id", primary_key=True, ondelete="CASCADE")
    place: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", index=True)
    number_count: int = Field(default=0, sa_type=BigInteger)
    digest: bytes = Field(default=b"", sa_type=LargeBinary)


class MembershipBlock(SQLModel, table=True):
    """The memberships of one segment in one range of the key space. `membership.blocks` defines the bytes.

    Consent times and record ids are encrypted: see `membership.encryption`.

    The bytes are kept in the row itself, so that a lookup reads one page per segment. Blocks of several datasets
    (`merged`) are kept apart from blocks of a single dataset. So merged blocks leave their room at the end of a file,
    which is then returned. There is no foreign key to the segment, because it would be checked again for each of a
    hundred thousand rows. `filiation fsck` checks it instead.
    """

    __tablename__ = "membership_block"
    __table_args__ = (
        Index("ix_membership_block_segment_id_lead", "segment_id", "lead"),
        {"postgresql_partition_by": "LIST (merged)"},
    )

    shard: int = Field(sa_type=SmallInteger, primary_key=True)
    level: int = Field(sa_type=SmallInteger, primary_key=True)
    lead: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    segment_id: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    merged: bool = Field(primary_key=True)
    keys: bytes = Field(sa_type=LargeBinary)
    holders: bytes | None = Field(default=None, sa_type=LargeBinary)
    consented_at: bytes | None = Field(default=None, sa_type=LargeBinary)
    record_ids: bytes | None = Field(default=None, sa_type=LargeBinary)


class StagedRun(SQLModel, table=True):
    """A page of what one chunk of an uploaded part has in one shard, in the order of the file, until sealing.

    The content is encrypted with that order, which would tell which line of the file a pseudonym comes from.
    """

    __tablename__ = "staged_run"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, ondelete="CASCADE")
    shard: int = Field(sa_type=SmallInteger, primary_key=True)
    upload: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    run: int = Field(primary_key=True)
    number_count: int = Field(sa_type=Integer)
    content: bytes = Field(sa_type=LargeBinary)


class Exclusion(SQLModel, table=True):
    """A dataset that no longer holds a number, because its holder erased it, though the stored copy has dependents.

    It is dropped together with the last stored copy of the number.
    """

    __tablename__ = "exclusion"

    key: bytes = Field(sa_type=LargeBinary, primary_key=True)
    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, index=True)
    erased_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
