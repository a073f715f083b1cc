"""Tables of memberships: which dataset holds which number. The numbers are pseudonyms here."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, Integer, LargeBinary, SmallInteger, Text
from sqlmodel import Field, SQLModel

from service.core.clock import now


class MembershipBlock(SQLModel, table=True):
    """The sorted keys of one dataset in one range of the key space, with what the dataset says of each.

    `bucket` is the leading `level` bits of every key here, `shard` the leading 5. The bytes are kept in the
    row itself (STORAGE PLAIN), so that a lookup reads one page of each dataset.
    """

    __tablename__ = "membership_block"
    # Not the whole key again: rows that are equal in an index share an entry there, 6 bytes a row and not 40.
    __table_args__ = (Index("ix_membership_block_dataset_id_shard", "dataset_id", "shard"),)

    shard: int = Field(sa_type=SmallInteger, primary_key=True)
    level: int = Field(sa_type=SmallInteger, primary_key=True)
    bucket: int = Field(sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, ondelete="CASCADE")
    keys: bytes = Field(sa_type=LargeBinary)
    consented_at: bytes | None = Field(default=None, sa_type=LargeBinary)
    record_ids: bytes | None = Field(default=None, sa_type=LargeBinary)


class StagedRun(SQLModel, table=True):
    """One shard of a sorted chunk of an uploaded part, until its dataset is sealed. Duplicates are still in it."""

    __tablename__ = "staged_run"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True, ondelete="CASCADE")
    shard: int = Field(sa_type=SmallInteger, primary_key=True)
    upload: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    run: int = Field(primary_key=True)
    keys: bytes = Field(sa_type=LargeBinary)
    consented_at: bytes | None = Field(default=None, sa_type=LargeBinary)
    record_ids: bytes | None = Field(default=None, sa_type=LargeBinary)


class PseudonymKey(SQLModel, table=True):
    """Under which master secret the keys here were made: its public fingerprint, never the secret."""

    __tablename__ = "pseudonym_key"

    id: str = Field(sa_type=Text, primary_key=True)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
