"""Request and response bodies of datasets, parts, rejected lines and orphans."""

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
    """A set of numbers held by one organisation.

    It comes from a collection, or is derived from other sealed datasets of the same holder. If neither is given, no
    origin is declared for its numbers. A dataset received by a transfer is created by registering that transfer.
    """

    holder_id: uuid.UUID = Field(description="The organisation that holds it.")
    name: Line = Field(examples=["Base SMS, avril 2024"])
    content: Literal[Content.UPLOADED, Content.UNION] = Field(
        default=Content.UPLOADED,
        description="`uploaded`: its numbers are uploaded in parts. `union`: all numbers of its parents.",
    )
    collection_id: uuid.UUID | None = None
    derived_from: list[uuid.UUID] = Field(default_factory=list, max_length=1000)
    default_region: Region = Field(
        default="FR", description="Region of numbers without a country code (ISO 3166-1 alpha-2)."
    )
    time_zone: TimeZone = Field(default="Europe/Paris", description="Time zone of consent times without an offset.")

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
    """A dataset. Counts are null until it is sealed.

    Of a dataset upstream of what you hold, only those parents are named that numbers of yours came from.
    """

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
        description="Distinct numbers, as counted at sealing or, if received, at the transfer. Later erasures do not "
        "change it.",
        examples=[8500],
    )
    duplicate_count: int | None = Field(description="Lines that repeat a number. Null upstream of what you hold.")
    rejected_count: int | None = Field(
        description="Lines without a possible number, or with an invalid consent. Null upstream of what you hold."
    )
    orphan_count: int | None = Field(
        description="Numbers from which no path of holdings leads back to a collection, as counted at sealing. Null "
        "upstream of what you hold."
    )
    first_consented_at: AwareDatetime | None
    last_consented_at: AwareDatetime | None
    sealed_at: AwareDatetime | None
    upload_removed_at: AwareDatetime | None = Field(
        description="When the parts that had been sent were deleted, because nobody sealed or compared them in time. "
        "Send them again."
    )
    reconciling: bool = Field(
        description="Whether its holder is uploading its own file, or having it compared with what was declared."
    )


class PartOut(BaseModel):
    """An uploaded part."""

    number: int = Field(examples=[1])
    byte_count: int = Field(examples=[119_052])
    line_count: int = Field(description="Lines that are not empty, without the header.", examples=[8504])
    accepted_count: int = Field(examples=[8500])
    rejected_count: int = Field(examples=[4])
    rejects_kept: int = Field(
        description="Rejected lines that are listed with their reasons. Further ones are only counted.", examples=[4]
    )
    recorded_at: AwareDatetime
    repeated: bool = Field(default=False, description="The same bytes were uploaded before, so nothing changed.")
    ignored_columns: list[str] = Field(default_factory=list, description="Columns of the file that were not read.")


class RejectOut(BaseModel):
    """A rejected line."""

    part: int = Field(examples=[1])
    line: int = Field(description="Within its part, from 1, the header included.", examples=[3017])
    reason: str = Field(examples=["scientific_notation"])
    explanation: str = Field(examples=["A spreadsheet wrote this number in scientific notation and lost digits of it…"])


class OrphanPage(BaseModel):
    """One page of numbers without a declared origin."""

    numbers: list[str] = Field(examples=[["+33639989001"]])
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last.")
