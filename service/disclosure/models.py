"""The table of disclosures: each with its reference and form, and without the person or their telephone number."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, Text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7
from service.disclosure.schemas import Form
from service.wording.language import Language


class Disclosure(SQLModel, table=True):
    """An answer that was given to a person as a file (GDPR 12(3), 15).

    `reference` is random: a number that counts up would show how many answers other persons were given.
    """

    __tablename__ = "disclosure"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    reference: str = Field(sa_type=Text, unique=True)
    form: Form = Field(sa_type=enum_type(Form))
    language: Language = Field(sa_type=enum_type(Language))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
