"""The table of jobs."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from service.core.clock import now
from service.core.columns import enum_type
from service.core.ids import uuid7


class JobKind(StrEnum):
    """What a job does. The task of that name does it."""

    SEAL_DATASET = "seal_dataset"
    COMPARE_FILE = "compare_file"
    RECONCILE_TRANSFER = "reconcile_transfer"


class JobState(StrEnum):
    """How far a job has got."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Job(SQLModel, table=True):
    """Work for an organisation that takes longer than a request, with its progress.

    It belongs to the key that started it or, if that was replaced before the end, to its replacement. It runs to its
    end whatever becomes of the key, because it works for the organisation.
    """

    __tablename__ = "job"

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    organisation_id: uuid.UUID = Field(foreign_key="organisation.id", index=True)
    through_id: uuid.UUID | None = Field(default=None, foreign_key="organisation.id")
    api_key_id: uuid.UUID = Field(foreign_key="api_key.id", index=True)
    kind: JobKind = Field(sa_type=enum_type(JobKind))
    subject_id: uuid.UUID = Field(index=True)
    state: JobState = Field(default=JobState.WAITING, sa_type=enum_type(JobState))
    done: int = Field(default=0, sa_type=BigInteger)
    total: int = Field(default=0, sa_type=BigInteger)
    problem: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    started_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    finished_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
