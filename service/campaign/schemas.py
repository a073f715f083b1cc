"""Wire shapes of campaigns."""

import uuid
from datetime import date

from pydantic import AwareDatetime, Field, model_validator

from service.core.facts import FactOut, RequestBody
from service.core.instant import Day, Instant
from service.core.text import Line, Quotation


class CampaignIn(RequestBody):
    """A message that is sent for a party to the numbers of its datasets."""

    party_id: uuid.UUID
    sender_id: uuid.UUID | None = Field(default=None, description="The processor that sends; null if the party does.")
    name: Line = Field(examples=["Européennes, dernier appel"])
    originator: Line = Field(examples=["38001"], description="The short code or name that the message comes from.")
    message_text: Quotation = Field(
        examples=["Dimanche, votez. Parti de l'Aube. Source : Contact Direct. STOP au 38001"]
    )
    poll_name: Line | None = Field(default=None, examples=["Élections européennes"])
    poll_on: Day | None = Field(default=None, examples=["2024-06-09"])
    began_at: Instant = Field(examples=["2024-06-06T10:00:00+02:00"], description="When sending began.")
    ended_at: Instant = Field(examples=["2024-06-06T12:00:00+02:00"], description="When sending ended.")
    dataset_ids: list[uuid.UUID] = Field(min_length=1, max_length=1000)
    corrects_id: uuid.UUID | None = Field(
        default=None,
        description="Your campaign that this one corrects. It keeps its address, but no longer counts.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "CampaignIn":
        if self.ended_at < self.began_at:
            raise ValueError("ended_at is before began_at")
        if len(set(self.dataset_ids)) < len(self.dataset_ids):
            raise ValueError("dataset_ids names a dataset twice")
        return self


class CampaignOut(FactOut):
    """A campaign."""

    party_id: uuid.UUID
    sender_id: uuid.UUID | None
    name: str = Field(examples=["Européennes, dernier appel"])
    originator: str = Field(examples=["38001"])
    message_text: str = Field(examples=["Dimanche, votez. Parti de l'Aube. Source : Contact Direct. STOP au 38001"])
    poll_name: str | None = Field(examples=["Élections européennes"])
    poll_on: date | None = Field(examples=["2024-06-09"])
    began_at: AwareDatetime = Field(examples=["2024-06-06T08:00:00Z"])
    ended_at: AwareDatetime = Field(examples=["2024-06-06T10:00:00Z"])
    dataset_ids: list[uuid.UUID]
    corrects_id: uuid.UUID | None = Field(description="The campaign that this one corrects. It keeps its own address.")
