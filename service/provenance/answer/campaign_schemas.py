"""Wire shapes of the campaigns that a number's answer shows."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, Field

from service.core.vocabulary import TransferStatus
from service.provenance.answer.references import (
    Asserted,
    CampaignName,
    CorrectsId,
    DatasetRef,
    OrganisationView,
    State,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignUse:
    """A dataset with the number to which a campaign was sent. Such use does not change a transfer's status."""

    dataset: DatasetRef
    transfer_id: uuid.UUID | None
    transfer_status: TransferStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationView(Asserted):
    """A party's word that its campaign will not be sent or, if it had begun, that it was not."""

    reason: Annotated[str, Field(examples=["Reporté : le fichier n'a pas été vérifié à temps."])]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView(Asserted):
    """A campaign to the number: sent, planned, cancelled or not sent, as `state` says."""

    id: uuid.UUID
    name: CampaignName
    state: State
    cancellation: CancellationView | None
    party: OrganisationView
    sender: OrganisationView | None
    originator: Annotated[str, Field(description="The short code or name that the SMS came from.", examples=["38001"])]
    message_text: Annotated[
        str, Field(examples=["Dimanche, votez. Parti de l'Aube. Source : Contact Direct. STOP au 38001"])
    ]
    poll_name: str | None
    poll_on: date | None
    began_at: AwareDatetime
    ended_at: AwareDatetime
    corrects_id: CorrectsId
    through: Annotated[list[CampaignUse], Field(description="The datasets through which it is sent to the number.")]
