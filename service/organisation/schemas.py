"""Request and response bodies of organisations."""

import uuid
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, field_validator, model_validator

from service.core.facts import FactOut, RequestBody
from service.core.text import Line, RegistrationNumber
from service.core.time_zone import TimeZone
from service.core.vocabulary import Role
from service.organisation.registration_number import comparison_key, shown_number

Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]


class OrganisationIn(RequestBody):
    """An organisation to register: by the operator, or by an organisation that deals with it."""

    legal_name: Line = Field(examples=["Contact Direct SAS"])
    country: Country = Field(examples=["FR"], description="ISO 3166-1 alpha-2.")
    registration_number: RegistrationNumber | None = Field(
        default=None,
        examples=["000 000 018"],
        description="The number in the country's register. In France the SIREN. A check digit is verified where the "
        "country's rules are known. Two spellings of one number are the same, also with the prefix of its VAT number.",
    )
    roles: list[Role] = Field(min_length=1, examples=[["broker"]])
    privacy_contact: Line | None = Field(
        default=None,
        examples=["dpo@contact-direct.example"],
        description="Where a person can write about personal data.",
    )
    time_zone: TimeZone | None = Field(
        default=None,
        examples=["Europe/Paris"],
        description="The zone of its days. A country with one zone needs none stated.",
    )

    @model_validator(mode="after")
    def _check_registration(self) -> "OrganisationIn":
        if self.registration_number is not None:
            self.registration_number = shown_number(self.country, self.registration_number)
        return self

    def registration_key(self) -> str | None:
        """The registration number as it is compared."""
        number = self.registration_number
        return None if number is None else comparison_key(self.country, number)

    @field_validator("roles")
    @classmethod
    def _once_each(cls, roles: list[Role]) -> list[Role]:
        return sorted(set(roles))


class OrganisationStatementIn(RequestBody):
    """The name and contact of an organisation, as the caller states them."""

    legal_name: Line = Field(examples=["Contact Direct SAS"])
    privacy_contact: Line | None = Field(
        default=None,
        examples=["dpo@contact-direct.example"],
        description="Where a person can write about personal data.",
    )
    reason: Line | None = Field(
        default=None, examples=["Letter of the organisation"], description="Required of the operator; recorded."
    )


class OrganisationStatementOut(BaseModel):
    """What an organisation, or the operator, states of an organisation's name and contact."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    asserted_by_id: uuid.UUID | None = Field(description="Null for the operator at the command line.")
    recorded_at: AwareDatetime
    legal_name: str = Field(examples=["Contact Direct SAS"])
    privacy_contact: str | None = Field(examples=["dpo@contact-direct.example"])
    reason: str | None = Field(description="Why the operator states it.")
    counts: bool = Field(description="Whether this is the name and contact that everybody is shown.")


class OrganisationOut(FactOut):
    """An organisation. Only those that deal with it see which organisation named it, and when."""

    occurred_at: AwareDatetime | None  # type: ignore[assignment]
    recorded_at: AwareDatetime | None  # type: ignore[assignment]

    legal_name: str = Field(examples=["Contact Direct SAS"])
    country: str = Field(examples=["FR"])
    registration_number: str | None = Field(examples=["000000018"])
    roles: list[Role]
    privacy_contact: str | None = Field(examples=["dpo@contact-direct.example"])
    time_zone: str | None = Field(
        examples=["Europe/Paris"],
        description="The zone of its days; null if its country has several and none is stated.",
    )
    admitted_at: AwareDatetime | None = Field(
        description="When it got an account here; null if it was only named, by `asserted_by_id`."
    )
    stated_by_id: uuid.UUID | None = Field(
        description="Who states its name and contact: itself, or an organisation that named it. Null for the operator, "
        "and for an organisation that you may not see."
    )
    stated_at: AwareDatetime | None = Field(description="Since when.")
