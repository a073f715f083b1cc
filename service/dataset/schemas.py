"""Wire shapes of datasets, parts, rejected lines and orphans."""

import uuid
from typing import Annotated, Literal

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from service.core.facts import FactIn, FactOut
from service.core.text import Line
from service.core.time_zone import TimeZone
from service.core.vocabulary import Content, DatasetState


def _numbered(region: str) -> str:
    if region not in SUPPORTED_REGIONS:
        raise ValueError("not a region with telephone numbers of its own, such as FR")
    return region


Region = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$"), AfterValidator(_numbered)]


class DatasetIn(FactIn):
    """A set of numbers in one organisation's hands.

    It comes from a collection, or is derived from other sealed datasets of the same holder, or neither: then no origin
    is declared for its numbers. What comes by a transfer is made by registering the transfer.
    """

    holder_id: uuid.UUID = Field(description="The organisation that holds it.")
    name: Line = Field(examples=["Base SMS, avril 2024"])
    content: Literal[Content.UPLOADED, Content.UNION] = Field(
        default=Content.UPLOADED,
        description="`uploaded`: its numbers come in parts. `union`: all numbers of its parents.",
    )
    collection_id: uuid.UUID | None = None
    derived_from: list[uuid.UUID] = Field(default_factory=list, max_length=1000)
    default_region: Region = Field(
        default="FR", description="Region of numbers without country code: ISO 3166-1 alpha-2."
    )
    time_zone: TimeZone = Field(default="Europe/Paris", description="Of times of consent that state no offset.")

    @model_validator(mode="after")
    def _one_descent(self) -> "DatasetIn":
        if self.collection_id is not None and self.derived_from:
            raise ValueError("a dataset comes from a collection or from other datasets, not from both")
        if self.content is Content.UNION and len(self.derived_from) < 1:
            raise ValueError("a union needs the datasets that it unites in derived_from")
        if len(set(self.derived_from)) < len(self.derived_from):
            raise ValueError("derived_from names a dataset twice")
        return self


class DatasetOut(FactOut):
    """A dataset. Counts are null until it is sealed."""

    holder_id: uuid.UUID
    name: str = Field(examples=["Base SMS, avril 2024"])
    content: Content
    state: DatasetState
    collection_id: uuid.UUID | None
    derived_from: list[uuid.UUID]
    received_by_transfer_id: uuid.UUID | None
    default_region: str = Field(examples=["FR"])
    time_zone: str = Field(examples=["Europe/Paris"])
    number_count: int | None = Field(
        description="Distinct numbers, as they were sealed: what its holder erased since is not taken off.",
        examples=[8500],
    )
    duplicate_count: int | None = Field(description="Lines that named a number again.")
    rejected_count: int | None = Field(description="Lines that held no possible number, or no sound consent.")
    orphan_count: int | None = Field(
        description="Numbers for which no path of holdings leads back to a collection, as they were sealed."
    )
    first_consented_at: AwareDatetime | None
    last_consented_at: AwareDatetime | None
    sealed_at: AwareDatetime | None
    reconciling: bool = Field(
        description="Whether its holder's own file is being uploaded, or compared with what was declared."
    )


class PartOut(BaseModel):
    """An uploaded part."""

    number: int = Field(examples=[1])
    byte_count: int = Field(examples=[119_052])
    line_count: int = Field(description="Lines that hold something; the header is none.", examples=[8504])
    accepted_count: int = Field(examples=[8500])
    rejected_count: int = Field(examples=[4])
    recorded_at: AwareDatetime
    repeated: bool = Field(default=False, description="These very bytes were here already, and nothing was done.")
    ignored_columns: list[str] = Field(
        default_factory=list, description="Named columns of the file that were not read."
    )


class RejectOut(BaseModel):
    """A line that was not taken."""

    part: int = Field(examples=[1])
    line: int = Field(description="Within its part, from 1; a header counts.", examples=[3017])
    reason: str = Field(examples=["scientific_notation"])
    explanation: str = Field(examples=["A spreadsheet wrote this number in scientific notation and lost digits of it…"])


class OrphanPage(BaseModel):
    """One page of numbers without a declared origin."""

    numbers: list[str] = Field(examples=[["+33639989001"]])
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last.")
