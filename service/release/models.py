"""Tables of releases, of standing releases, and of how full the number blocks of what waits are."""

import uuid
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, DateTime, Text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.facts import GraphRow
from service.core.ids import uuid7


class DatasetRelease(GraphRow, table=True):
    """An act of the operator on a dataset: its release, or with `withdrawn` the end of it. The latest act counts.

    It counts for what the dataset held when it was recorded. A recipient's own file, which becomes the content later,
    has to be released again. `standing_id` names the standing release that did it by itself.
    """

    __tablename__ = "dataset_release"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", index=True)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    withdrawn: bool = False
    operator_id: uuid.UUID = Field(foreign_key="organisation.id")
    standing_id: uuid.UUID | None = Field(default=None, foreign_key="standing_release.id")
    comment: str | None = Field(default=None, sa_type=Text)


class StandingRelease(SQLModel, table=True):
    """The operator releases an organisation's files of up to so many numbers when they are sealed.

    The latest of an organisation counts. With a count of 0 there is none.
    """

    __tablename__ = "standing_release"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    up_to_count: int = Field(sa_type=BigInteger)
    operator_id: uuid.UUID = Field(foreign_key="organisation.id")
    comment: str | None = Field(default=None, sa_type=Text)


class NumberBlockFill(SQLModel, table=True):
    """How many number blocks a waiting dataset fills how far, in the order of `fill.BOUNDS`. No block is named."""

    __tablename__ = "number_block_fill"

    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", primary_key=True)
    block_counts: list[int] = Field(sa_type=ARRAY(BigInteger))


class OrganisationBlockFill(SQLModel, table=True):
    """The same for all datasets of an organisation that wait, together: a block in many small files is a full block."""

    __tablename__ = "organisation_block_fill"

    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", primary_key=True)
    block_counts: list[int] = Field(sa_type=ARRAY(BigInteger))
