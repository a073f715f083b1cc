"""The table of disclosures: each with its number and form, and without the person or their telephone number."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Identity
from sqlmodel import Column, Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7
from service.disclosure.schemas import Form
from service.wording.language import Language


class Disclosure(SQLModel, table=True):
    """An answer that was given to a person as a file (GDPR 12(3), 15). `serial` numbers them."""

    __tablename__ = "disclosure"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    serial: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), unique=True))
    form: Form = Field(sa_type=enum_type(Form))
    language: Language = Field(sa_type=enum_type(Language))
    graph_version: int = Field(sa_type=BigInteger)
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
