"""Request and response bodies of organisations."""

import uuid
from datetime import date
from typing import Annotated, Final, NamedTuple

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, field_validator, model_validator

from service.core.facts import FactOut, RequestBody
from service.core.instant import Day
from service.core.text import Line, RegistrationNumber
from service.core.time_zone import TimeZone
from service.core.vocabulary import Role
from service.organisation.models import Detail
from service.organisation.registration_number import comparison_key, shown_number

Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Aliases = Annotated[list[Line], Field(max_length=20)]
_NUMBER: Final = (
    "The number in the country's register. In France the SIREN. A check digit is verified where the country's rules "
    "are known. Two spellings of one number are the same, also with the prefix of its VAT number."
)
_ZONE: Final = "The zone of its days. A country with one zone needs none stated."
_CONTACT: Final = "Where a person can write about personal data."
_ALIASES: Final = "Other names under which it is known. It is found by them too."


class OrganisationIn(RequestBody):
    """An organisation to register: by the operator, or by an organisation that deals with it."""

    legal_name: Line = Field(examples=["Contact Direct SAS"])
    country: Country = Field(examples=["FR"], description="ISO 3166-1 alpha-2.")
    registration_number: RegistrationNumber | None = Field(default=None, examples=["000 000 018"], description=_NUMBER)
    roles: list[Role] = Field(min_length=1, examples=[["broker"]])
    privacy_contact: Line | None = Field(default=None, examples=["dpo@contact-direct.example"], description=_CONTACT)
    time_zone: TimeZone | None = Field(default=None, examples=["Europe/Paris"], description=_ZONE)
    aliases: Aliases = Field(default_factory=list, examples=[["Contact Direct"]], description=_ALIASES)

    distinct_from_ids: list[uuid.UUID] = Field(
        default_factory=list,
        max_length=1000,
        description="Organisations of the same name and country that are others, if you were asked about them.",
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


class OrganisationSearch(NamedTuple):
    """Which organisations are wanted: of a country, with a number, or with a name or words of it."""

    country: str | None = None
    registration_number: str | None = None
    name: str | None = None


class OrganisationStatementIn(RequestBody):
    """What the caller states of an organisation. A detail that is left out stays as it is; null says there is none.

    The name and the contact are one statement, and so are the heir and its day: the one that is left out is repeated.
    """

    legal_name: Line | None = Field(default=None, examples=["Contact Direct SAS"])
    privacy_contact: Line | None = Field(default=None, examples=["dpo@contact-direct.example"], description=_CONTACT)
    country: Country | None = Field(default=None, examples=["FR"], description="Only the operator corrects it.")
    registration_number: RegistrationNumber | None = Field(default=None, examples=["000 000 018"], description=_NUMBER)
    roles: list[Role] | None = Field(default=None, min_length=1, examples=[["broker"]])
    time_zone: TimeZone | None = Field(default=None, examples=["Europe/Paris"], description=_ZONE)
    aliases: Aliases | None = Field(default=None, examples=[["Contact Direct"]], description=_ALIASES)
    closed_on: Day | None = Field(
        default=None, examples=["2024-12-31"], description="The day on which it ceased to exist, or to be active."
    )
    succeeded_by_id: uuid.UUID | None = Field(
        default=None, description="Its heir, which sees and answers for what it held. Only the operator states it."
    )
    succeeded_on: Day | None = Field(
        default=None, examples=["2025-01-01"], description="The first day on which the heir answers."
    )
    reason: Line | None = Field(
        default=None, examples=["Letter of the organisation"], description="Required of the operator; recorded."
    )

    @model_validator(mode="after")
    def _states_something(self) -> "OrganisationStatementIn":
        if not self.stated():
            raise ValueError("states nothing: give at least one detail of the organisation")
        for name in (Detail.LEGAL_NAME, Detail.COUNTRY, Detail.ROLES):
            if name in self.stated() and getattr(self, name) is None:
                raise ValueError(f"{name} must not be null")
        return self

    @field_validator("roles")
    @classmethod
    def _once_each(cls, roles: list[Role] | None) -> list[Role] | None:
        return roles and sorted(set(roles))

    def stated(self) -> list[Detail]:
        """The details that are given."""
        return [detail for detail in Detail if detail in self.model_fields_set]


class OrganisationStatementOut(BaseModel):
    """What an organisation, or the operator, states of an organisation."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    asserted_by_id: uuid.UUID | None = Field(description="Null for the operator.")
    recorded_at: AwareDatetime
    stated: list[Detail] = Field(description="What it states. It says nothing of the other details.")
    legal_name: str | None = Field(examples=["Contact Direct SAS"])
    privacy_contact: str | None = Field(examples=["dpo@contact-direct.example"])
    country: str | None = Field(examples=["FR"])
    registration_number: str | None = Field(examples=["000000018"])
    roles: list[Role] | None
    time_zone: str | None = Field(examples=["Europe/Paris"])
    aliases: list[str] | None = Field(examples=[["Contact Direct"]])
    closed_on: date | None
    succeeded_by_id: uuid.UUID | None
    succeeded_on: date | None
    reason: str | None = Field(description="Why it is stated.")
    counts_for: list[Detail] = Field(description="The details of which everybody is shown what this statement says.")


class OrganisationOut(FactOut):
    """An organisation. Only those that deal with it see which organisation named it, and when."""

    occurred_at: AwareDatetime | None  # type: ignore[assignment]
    recorded_at: AwareDatetime | None  # type: ignore[assignment]

    legal_name: str = Field(examples=["Contact Direct SAS"])
    aliases: list[str] = Field(examples=[["Contact Direct"]], description=_ALIASES)
    country: str = Field(examples=["FR"])
    registration_number: str | None = Field(examples=["000000018"])
    roles: list[Role]
    privacy_contact: str | None = Field(examples=["dpo@contact-direct.example"])
    time_zone: str | None = Field(
        examples=["Europe/Paris"],
        description="The zone of its days; null if its country has several and none is stated.",
    )
    closed_on: date | None = Field(description="The day on which it ceased to exist or to be active, if it did.")
    succeeded_by_id: uuid.UUID | None = Field(description="The organisation that answers for what it held, if any.")
    succeeded_on: date | None = Field(description="Since which day.")
    admitted_at: AwareDatetime | None = Field(
        description="When it got an account here; null if it was only named, by `asserted_by_id`."
    )
    stated_by_id: uuid.UUID | None = Field(
        description="Who states its name and contact: itself, or an organisation that named it. Null for the operator, "
        "and for an organisation that you may not see."
    )
    stated_at: AwareDatetime | None = Field(description="Since when.")
