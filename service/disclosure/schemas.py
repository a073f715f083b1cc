"""Wire shapes of a disclosure: the report, and the facts that it was written from."""

from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, Field

from service.core.facts import RequestBody
from service.disclosure.blocks import Report
from service.objection.schemas import ObjectionOut
from service.provenance.answer.campaign_schemas import CampaignView
from service.provenance.answer.origin_schemas import Origin
from service.provenance.answer.references import OrganisationView
from service.provenance.answer.schemas import Contradiction, Erasure, Holding, Orphan, TransferView
from service.wording.language import Language

FORMAT: Final = "filiation-disclosure-1"
SCHEMA_PATH: Final = "/v1/disclosures/schema"


class Form(StrEnum):
    """The form of a disclosure."""

    JSON = "json"
    PDF = "pdf"


class DisclosureIn(RequestBody):
    """Which disclosure a person wants."""

    form: Form = Field(description="`json`: a `DisclosureOut`. `pdf`: a tagged letter that says the same.")
    language: Language = Field(default=Language.FR, description="Language of the report.")


class DisclosureOut(BaseModel):
    """Everything about a number that its person is entitled to (GDPR 15), portable, dated and numbered.

    Facts from before `owned_since` are left out: they concern the former owner of the number.
    """

    format: Literal["filiation-disclosure-1"] = Field(default=FORMAT, description="Names the format of this document.")
    reference: str = Field(description="Names this disclosure.", examples=["2026-7K3MQ-9XTWB"])
    issued_at: AwareDatetime
    number: str = Field(description="E.164.", examples=["+33639985200"], repr=False)
    owned_since: date | None = Field(
        description="The day from which the person has owned the number, as they state it."
    )
    report: Report
    holders: list[OrganisationView] = Field(description="The organisations that hold the number now.")
    origins: list[Origin]
    transfers: list[TransferView]
    campaigns: list[CampaignView] = Field(description="The campaigns that were sent to the number, and planned ones.")
    campaigns_not_sent: list[CampaignView] = Field(
        description="The campaigns that their party cancelled, or states to have not been sent."
    )
    orphans: list[Orphan]
    contradictions: list[Contradiction]
    past_holdings: list[Holding] = Field(
        description="The datasets whose holding ended or that were withdrawn, and those that had the number from there "
        "alone."
    )
    erasures: list[Erasure]
    objections: list[ObjectionOut]


def disclosure_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of `DisclosureOut`."""
    schema = DisclosureOut.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_PATH} | schema
