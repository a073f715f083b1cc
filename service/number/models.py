"""The table of the key ring."""

from datetime import datetime

from sqlalchemy import DateTime, Text
from sqlmodel import Field, SQLModel

from service.core.clock import now


class PseudonymKey(SQLModel, table=True):
    """Under which master secret the keys here were made: its public fingerprint, never the secret."""

    __tablename__ = "pseudonym_key"

    id: str = Field(sa_type=Text, primary_key=True)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
