"""The columns of every recorded fact, and the version of the graph that facts form together."""

import uuid
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic import Field as BodyField
from sqlalchemy import BigInteger, DateTime, text
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.ids import uuid7
from service.core.instant import Instant


class GraphRow(SQLModel):
    """A table whose rows form the provenance graph. Triggers record its changes and bump `graph_version`."""


class Fact(GraphRow):
    """A fact: who asserts it, when it is stated to have happened, and when the registry recorded it.

    `recorded_at` is the registry's clock, never a client's. Facts are never overwritten: a correction is a new fact.
    """

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    asserted_by_id: uuid.UUID | None = Field(foreign_key="organisation.id", index=True)
    asserted_through_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class GraphVersion(SQLModel, table=True):
    """A single row. Its version identifies a state of the graph, so that processes know when their copy is stale."""

    __tablename__ = "graph_version"

    singleton: bool = Field(default=True, primary_key=True, sa_column_kwargs={"server_default": text("true")})
    version: int = Field(default=0, sa_type=BigInteger)


class RequestBody(BaseModel):
    """Base of request bodies. Unknown fields are refused, so that a misspelt one is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class FactIn(RequestBody):
    """When a fact happened, as the caller states it."""

    occurred_at: Instant = BodyField(
        description="When the fact is stated to have happened. Not in the future.",
        examples=["2024-05-28T10:00:00+02:00"],
    )


class FactOut(BaseModel):
    """Who asserts a fact, and its two times."""

    id: uuid.UUID
    asserted_by_id: uuid.UUID | None = BodyField(
        description="The organisation that asserts this fact. Null if you do not see that organisation."
    )
    asserted_through_id: uuid.UUID | None = BodyField(
        description="The processor whose key stated it, if any. Null if you do not see that organisation."
    )
    occurred_at: AwareDatetime = BodyField(description="When the fact is stated to have happened.")
    recorded_at: AwareDatetime = BodyField(description="When the registry recorded it, by its own clock.")
