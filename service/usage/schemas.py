"""Responses about usage."""

import uuid
from datetime import date

from pydantic import AwareDatetime, BaseModel, Field

from service.core.vocabulary import UsageKind


class UsageAlertOut(BaseModel):
    """A day (UTC) on which an organisation did far more than usual."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    kind: UsageKind = Field(description="`numbers`: numbers sealed. `objections`: objections recorded for others.")
    day: date
    count: int = Field(examples=[250000], description="How many on that day so far.")
    usual_count: int = Field(
        examples=[4000],
        description="The mean of its days with any use in the four weeks before. 0 if there were none.",
    )
    recorded_at: AwareDatetime = Field(description="When the day became unusual.")
