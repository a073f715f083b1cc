"""Response of the job routes."""

import uuid
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from service.job.models import JobKind, JobState


class JobOut(BaseModel):
    """A job and its progress."""

    id: uuid.UUID
    api_key_id: uuid.UUID = Field(
        description="The API key that started it. A key that replaces it in a rotation takes over unfinished jobs."
    )
    through_id: uuid.UUID | None = Field(
        description="The processor whose key started it for your organisation; null if the key is your own."
    )
    kind: JobKind
    subject_id: uuid.UUID = Field(description="The dataset that it works on.")
    state: JobState
    done: int = Field(description="How many steps are done.", examples=[12])
    total: int = Field(description="How many steps there are in all; 0 until known.", examples=[32])
    problem: dict[str, Any] | None = Field(description="Why it failed, as an RFC 9457 problem.")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
