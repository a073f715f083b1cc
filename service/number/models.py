"""The table of master secrets that stored pseudonyms were made with."""

from datetime import datetime

from sqlalchemy import DateTime, Text
from sqlmodel import Field, SQLModel

from service.core.clock import now


class PseudonymKey(SQLModel, table=True):
    """A master secret that pseudonyms in this database were made with: its public fingerprint, never the secret."""

    __tablename__ = "pseudonym_key"

    id: str = Field(sa_type=Text, primary_key=True)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
