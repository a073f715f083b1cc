"""Wire shape of a job."""

import uuid
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from service.job.models import JobKind, JobState


class JobOut(BaseModel):
    """A piece of work and how far it is."""

    id: uuid.UUID
    kind: JobKind
    subject_id: uuid.UUID = Field(description="The dataset that it works on.")
    state: JobState
    done: int = Field(description="Steps done.", examples=[12])
    total: int = Field(description="Steps in all; 0 until it is known.", examples=[32])
    problem: dict[str, Any] | None = Field(description="Why it failed, in the form of an RFC 9457 problem.")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
