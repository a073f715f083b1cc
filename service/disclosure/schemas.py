"""Wire shapes of what a person takes along: the story, and the facts that it was told from."""

from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, Field

from service.core.facts import Wire
from service.disclosure.blocks import Report
from service.objection.schemas import ObjectionOut
from service.provenance.answer.references import OrganisationView
from service.provenance.answer.schemas import CampaignView, Contradiction, Erasure, Origin, Orphan, TransferView
from service.wording.language import Language

FORMAT: Final = "filiation-disclosure-1"
SCHEMA_PATH: Final = "/v1/disclosures/schema"


class Form(StrEnum):
    """In which form an answer is taken along."""

    JSON = "json"
    PDF = "pdf"


class DisclosureIn(Wire):
    """What a person wants to take along."""

    form: Form = Field(description="`json`: a `DisclosureOut`. `pdf`: a tagged letter that says the same.")
    language: Language = Field(default=Language.FR, description="Of the story.")


class DisclosureOut(BaseModel):
    """Everything about a number that its person is owed (GDPR 15), portable, dated and numbered.

    Facts from before `owned_since` are left out: they are about whoever had the number then.
    """

    format: Literal["filiation-disclosure-1"] = Field(default=FORMAT, description="Names the shape of this document.")
    reference: str = Field(description="The number of this answer.", examples=["2026-000012"])
    issued_at: AwareDatetime
    number: str = Field(description="E.164.", examples=["+33639985200"], repr=False)
    owned_since: date | None = Field(description="Since when the number is the person's, as they say.")
    graph_version: int = Field(description="Names the state of the facts.", examples=[241])
    story: Report
    holders: list[OrganisationView] = Field(description="Who holds the number now.")
    origins: list[Origin]
    transfers: list[TransferView]
    campaigns: list[CampaignView]
    orphans: list[Orphan]
    contradictions: list[Contradiction]
    erasures: list[Erasure]
    objections: list[ObjectionOut]


def disclosure_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `DisclosureOut`, as it is published."""
    schema = DisclosureOut.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_PATH} | schema
