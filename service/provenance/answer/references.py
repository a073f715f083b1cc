"""Wire shapes by which answers name organisations, datasets and campaigns."""

import uuid
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from service.core.vocabulary import Role

LegalName = Annotated[str, Field(examples=["Contact Direct SAS"])]
CampaignName = Annotated[str, Field(examples=["Européennes, dernier appel"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationView:
    """A legal person, as far as needed to know and reach it."""

    id: uuid.UUID
    legal_name: LegalName
    country: Annotated[str, Field(examples=["FR"])]
    registration_number: Annotated[str | None, Field(description="In France the SIREN.")]
    roles: list[Role]
    privacy_contact: Annotated[str | None, Field(description="Where to write to about personal data.")]
    has_account: Annotated[
        bool, Field(description="Whether it speaks here itself. If not, whatever is told of it is told by another.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRef:
    """A legal person by name; `recipients` and `origins` say more of it."""

    id: uuid.UUID
    legal_name: LegalName


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRef:
    """A dataset, and in whose hands it is."""

    id: uuid.UUID
    name: Annotated[
        str | None, Field(description="The holder's name for it; null for a dataset one hop down from yours.")
    ]
    holder: OrganisationRef


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRef:
    """A campaign by name."""

    id: uuid.UUID
    name: CampaignName
