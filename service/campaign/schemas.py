"""Wire shapes of campaigns."""

import uuid
from datetime import date

from pydantic import AwareDatetime, Field, model_validator

from service.core.facts import FactIn, FactOut, RequestBody
from service.core.instant import Day, Instant
from service.core.text import Line, Quotation, Sentence
from service.core.vocabulary import CampaignState


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
    began_at: Instant = Field(
        examples=["2024-06-06T10:00:00+02:00"], description="When sending began or, of a planned campaign, will begin."
    )
    ended_at: Instant = Field(
        examples=["2024-06-06T12:00:00+02:00"], description="When sending ended or, of a planned campaign, will end."
    )
    dataset_ids: list[uuid.UUID] = Field(min_length=1, max_length=1000)
    corrects_id: uuid.UUID | None = Field(
        default=None,
        description="Your campaign that this one corrects. It keeps its address, but no longer counts. A cancelled one "
        "can be corrected too, if it was sent after all.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "CampaignIn":
        if self.ended_at < self.began_at:
            raise ValueError("ended_at is before began_at")
        if len(set(self.dataset_ids)) < len(self.dataset_ids):
            raise ValueError("dataset_ids names a dataset twice")
        return self


class CancellationIn(FactIn):
    """That a campaign will not be sent or, if it had begun, that it was not."""

    reason: Sentence = Field(
        examples=["Reporté : le fichier n'a pas été vérifié à temps."],
        description="A sentence of 10 to 300 characters, without a phone number. The persons whose numbers the "
        "campaign was for may read it.",
    )


class CancellationOut(FactOut):
    """A party's word that its campaign will not be sent, or was not."""

    campaign_id: uuid.UUID
    reason: str = Field(examples=["Reporté : le fichier n'a pas été vérifié à temps."])


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
    corrects_id: uuid.UUID | None = Field(
        description="The campaign that this one corrects. It keeps its own address. Null if you do not see it."
    )
    state: CampaignState = Field(
        description="`planned` until `began_at` by the registry's clock, `sent` from then on. `cancelled`: called off "
        "before it began. `not_sent`: stated afterwards that it was never sent."
    )
    cancellation: CancellationOut | None
