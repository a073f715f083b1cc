"""Wire shapes of the organisations, datasets and campaigns that answers name."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, Field

from service.core.vocabulary import CampaignState, EndReason, Role

LegalName = Annotated[str, Field(examples=["Contact Direct SAS"])]
State = Annotated[CampaignState, Field(description="Whether the campaign is planned, or was sent.")]
CorrectsId = Annotated[
    uuid.UUID | None, Field(description="The fact that this one corrects. It keeps its own address.")
]
CampaignName = Annotated[str, Field(examples=["Européennes, dernier appel"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRef:
    """A legal person by name. Its other details are in `recipients` and `origins`."""

    id: uuid.UUID
    legal_name: LegalName


@dataclass(frozen=True, slots=True, kw_only=True)
class Heir:
    """The organisation that answers today for what another held."""

    id: uuid.UUID
    legal_name: LegalName
    privacy_contact: Annotated[str | None, Field(description="Where a person writes about personal data.")]
    since_on: Annotated[date, Field(description="The first day on which it, or who it succeeded, was the heir.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationView:
    """A legal person, with what is needed to identify and reach it."""

    id: uuid.UUID
    legal_name: LegalName
    country: Annotated[str, Field(examples=["FR"])]
    registration_number: Annotated[str | None, Field(description="The official number; in France the SIREN.")]
    roles: list[Role]
    privacy_contact: Annotated[str | None, Field(description="Where a person writes about personal data.")]
    has_account: Annotated[
        bool,
        Field(description="Whether it has an account here. If not, other organisations assert everything about it."),
    ]
    stated_by: Annotated[
        OrganisationRef | None,
        Field(
            description="The organisation whose word its name and contact are. Null if it or the operator states them, "
            "and for an organisation that you may not see."
        ),
    ]
    stated_at: Annotated[AwareDatetime | None, Field(description="Since when they are stated.")]
    closed_on: Annotated[
        date | None, Field(description="The day on which it ceased to exist or to be active, if it did.")
    ] = None
    succeeded_by: Annotated[
        Heir | None, Field(description="Who answers today for what it held, if another does. The name is that of then.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingEnd:
    """Since when a holder no longer has a dataset, as it states. It had its numbers until then."""

    held_until: AwareDatetime
    end_reason: EndReason
    reason: Annotated[str | None, Field(description="What it adds. Null for others than itself and the person.")]
    stated_by: Annotated[OrganisationRef | None, Field(description="Null for an organisation that you may not see.")]
    stated_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetWithdrawal:
    """That a dataset was never so, as its holder states. The numbers' persons still see it."""

    withdrawn_by: OrganisationRef | None
    withdrawn_at: AwareDatetime
    reason: Annotated[str, Field(examples=["Registered twice."])]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRef:
    """A dataset and its holder."""

    id: uuid.UUID
    name: Annotated[
        str | None, Field(description="The holder's name for the dataset. Null for a dataset one hop down from yours.")
    ]
    holder: OrganisationRef
    end: Annotated[
        HoldingEnd | None,
        Field(description="Null while the holding goes on, and for a dataset one hop down from yours."),
    ] = None
    withdrawal: Annotated[DatasetWithdrawal | None, Field(description="Null unless its holder withdrew it.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRef:
    """A campaign by name."""

    id: uuid.UUID
    name: CampaignName
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """Who asserts a fact, when it is said to have happened, and when the registry recorded it."""

    asserted_by: Annotated[
        OrganisationRef | None,
        Field(description="Null for the registry itself, and for an organisation that you may not see."),
    ]
    asserted_through: Annotated[
        OrganisationRef | None,
        Field(description="The processor whose key stated the fact. Null if there was none, or if you may not see it."),
    ]
    occurred_at: Annotated[AwareDatetime, Field(description="When it is said to have happened.")]
    recorded_at: Annotated[AwareDatetime, Field(description="When the registry recorded it, by its own clock.")]
