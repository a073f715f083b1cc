"""Tables of transfers and of the statements that each side makes of them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.facts import Fact
from service.core.vocabulary import LawfulBasis, ProcessingRole, Purpose, Side, TransferStatus


class Transfer(Fact, table=True):
    """A sender's sealed dataset handed to a recipient, which gets a dataset of its own by it."""

    __tablename__ = "transfer"

    sender_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    recipient_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    dataset_id: uuid.UUID = Field(foreign_key="dataset.id", index=True)
    received_dataset_id: uuid.UUID = Field(foreign_key="dataset.id", unique=True)
    purpose: Purpose = Field(sa_type=enum_type(Purpose))
    lawful_basis: LawfulBasis = Field(sa_type=enum_type(LawfulBasis))
    sender_role: ProcessingRole = Field(sa_type=enum_type(ProcessingRole))
    recipient_role: ProcessingRole = Field(sa_type=enum_type(ProcessingRole))
    contract: str | None = Field(default=None, sa_type=Text)
    targeting: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    # What was handed over: what erasures had left in the sender's dataset.
    number_count: int = Field(default=0, sa_type=BigInteger)


class FileComparison(SQLModel, table=True):
    """What the comparison of a recipient's file found, until the file counts, changes or is given up."""

    __tablename__ = "file_comparison"

    transfer_id: uuid.UUID = Field(foreign_key="transfer.id", primary_key=True)
    # Of which uploads the file consisted.
    file_version: str = Field(sa_type=Text)
    extra_count: int = Field(sa_type=BigInteger)
    missing_count: int = Field(sa_type=BigInteger)
    compared_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class TransferStatement(Fact, table=True):
    """What is stated of a transfer. Every statement is kept; `service.transfer.status` says which count."""

    __tablename__ = "transfer_statement"
    __table_args__ = (
        Index(
            "ix_transfer_statement_doubt",
            "transfer_id",
            postgresql_where=text("status IN ('denied', 'retracted')"),
        ),
    )

    transfer_id: uuid.UUID = Field(foreign_key="transfer.id", index=True)
    side: Side = Field(sa_type=enum_type(Side))
    status: TransferStatus = Field(sa_type=enum_type(TransferStatus))
    comment: str | None = Field(default=None, sa_type=Text)
    extra_count: int | None = Field(default=None, sa_type=BigInteger)
    missing_count: int | None = Field(default=None, sa_type=BigInteger)
