"""What every recorded fact carries, and the version of the graph that facts make together."""

import uuid
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic import Field as WireField
from sqlalchemy import BigInteger, DateTime, text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.ids import uuid7
from service.core.instant import Instant


class GraphRow(SQLModel):
    """A table whose rows shape the provenance graph: a transaction that writes one bumps `graph_version`."""


class Fact(GraphRow):
    """A fact, who asserts it, when it is said to have happened, and when this registry was told.

    `recorded_at` is the registry's clock, never a client's. Facts are not overwritten: a correction is a new one.
    """

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    asserted_by_id: uuid.UUID | None = Field(foreign_key="organisation.id", index=True)
    asserted_through_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class GraphVersion(SQLModel, table=True):
    """One row. Its value names a state of the graph, so that processes know when their copy is stale."""

    __tablename__ = "graph_version"

    singleton: bool = Field(default=True, primary_key=True, sa_column_kwargs={"server_default": text("true")})
    version: int = Field(default=0, sa_type=BigInteger)


class RequestBody(BaseModel):
    """Base of what travels: unknown fields are refused, so that a misspelt one is not silently lost."""

    model_config = ConfigDict(extra="forbid")


class FactIn(RequestBody):
    """What a caller says of the time of a fact."""

    occurred_at: Instant = WireField(
        description="When it is said to have happened; not in the future.",
        examples=["2024-05-28T10:00:00+02:00"],
    )


class FactOut(BaseModel):
    """Who asserts a fact, and both its times."""

    id: uuid.UUID
    asserted_by_id: uuid.UUID | None = WireField(description="The organisation that asserts this.")
    asserted_through_id: uuid.UUID | None = WireField(description="The processor whose key told it, if one did.")
    occurred_at: AwareDatetime = WireField(description="When it is said to have happened.")
    recorded_at: AwareDatetime = WireField(description="When this registry was told: its own clock.")
