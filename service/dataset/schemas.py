"""Request and response bodies of datasets, parts, rejected lines and orphans."""

import uuid
from typing import Annotated, Final, Literal

from phonenumbers import SUPPORTED_REGIONS
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from service.core.facts import FactIn, FactOut
from service.core.text import Line
from service.core.time_zone import TimeZone
from service.core.vocabulary import Content, DatasetState, EndReason
from service.intake.dates.stated import LONGEST_FORMAT, NAMED_FORMATS
from service.intake.dates.stated import date_format as read_date_format
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.names.roles import SHOWN_ROLES


def _numbered(region: str) -> str:
    if region not in SUPPORTED_REGIONS:
        raise ValueError("not a region with telephone numbers of its own, such as FR")
    return region


def region_of(country: str) -> str:
    """The region of those who are in a country, or France if the country has no telephone numbers of its own."""
    return country if country in SUPPORTED_REGIONS else "FR"


Region = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$"), AfterValidator(_numbered)]


def _date_format(stated: str) -> str:
    try:
        read_date_format(stated)
    except UnreadablePart as refusal:
        raise ValueError(refusal.detail) from None
    return stated


DateFormat = Annotated[str, StringConstraints(max_length=LONGEST_FORMAT), AfterValidator(_date_format)]
DATE_FORMAT_DESCRIPTION: Final = (
    f"Format of the consent times: {', '.join(NAMED_FORMATS)}, or a pattern as for strptime. Cells of another form are "
    "then rejected. Without it, ISO 8601, dates with the day first, and months named in French or English are read."
)

TIME_ZONE_DESCRIPTION: Final = (
    "Time zone of consent times without an offset (IANA). Default: the one of `default_region`. Of a region with "
    "several, such as US or ES, it must be stated if there is a `collection_id`."
)


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
    time_zone: TimeZone | None = Field(default=None, description=TIME_ZONE_DESCRIPTION, examples=["Europe/Paris"])
    date_format: DateFormat | None = Field(
        default=None,
        description=f"{DATE_FORMAT_DESCRIPTION} It counts for all parts without a statement of their own.",
        examples=["month_first"],
    )

    @model_validator(mode="after")
    def _one_descent(self) -> "DatasetIn":
        if self.collection_id is not None and self.derived_from:
            raise ValueError("a dataset comes from a collection or from other datasets, not from both")
        if self.content is Content.UNION and len(self.derived_from) < 1:
            raise ValueError("a union needs the datasets that it unites in derived_from")
        if len(set(self.derived_from)) < len(self.derived_from):
            raise ValueError("derived_from names a dataset twice")
        return self


class ColumnOut(BaseModel):
    """A column that was read."""

    # Spelled out, because the roles of organisations have the same name in the description of the API.
    role: Annotated[str, WithJsonSchema({"type": "string", "enum": [*SHOWN_ROLES]})] = Field(
        description="What it contains.", examples=["phone"]
    )
    name: str | None = Field(
        description="Its name. Null without a header, and if the column was chosen by its position or its cells.",
        examples=["telephone"],
    )
    position: int | None = Field(description="From 1, in CSV.", examples=[2])


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
    time_zone: str | None = Field(
        description="Time zone of consent times without an offset. Null if none was stated and `default_region` has "
        "several.",
        examples=["Europe/Paris"],
    )
    date_format: str | None = Field(
        description="The format of consent times that is stated for all parts. Null upstream of what you hold.",
        examples=["month_first"],
    )
    number_count: int | None = Field(
        description="Distinct numbers, as counted at sealing or, if received, at the transfer. Later erasures do not "
        "change it.",
        examples=[8500],
    )
    duplicate_count: int | None = Field(description="Lines that repeat a number. Null upstream of what you hold.")
    rejected_count: int | None = Field(
        description="Lines without a possible number, or with an invalid consent. Null upstream of what you hold."
    )
    unallocated_count: int | None = Field(
        description="Accepted lines whose number is possible but not in use by its numbering plan, such as a typing "
        "error. Null upstream of what you hold."
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
    accepted_count: int | None = Field(
        default=None, description="Accepted lines of its parts. Null upstream of what you hold, and without parts."
    )
    consent_count: int | None = Field(
        default=None, description="Accepted lines of which the consent time is known. Null like `accepted_count`."
    )
    read_columns: list[ColumnOut] | None = Field(
        default=None, description="The columns that were read, in any part. Null like `accepted_count`."
    )
    ignored_columns: list[str] | None = Field(
        default=None,
        description="Columns that look relevant and were not read, in any part: by name, or by position from 1. Null "
        "like `accepted_count`.",
    )
    held_until: AwareDatetime | None = Field(
        default=None, description="Since when its holder no longer has it, as it states. Null while it does."
    )
    end_reason: EndReason | None = Field(default=None, description="Why its holder no longer has it.")
    withdrawn_at: AwareDatetime | None = Field(
        default=None, description="When its holder recorded that it was never so. Others no longer see it."
    )
    recounting: bool = Field(
        description="Whether its counts are being made again, because something upstream changed. Until then those "
        "that may change are null."
    )
    reconciling: bool = Field(
        description="Whether its holder is uploading its own file, or having it compared with what was declared."
    )


class DateFormatIn(BaseModel):
    """How the consent times of a dataset are written."""

    date_format: DateFormat = Field(description=DATE_FORMAT_DESCRIPTION, examples=["day_first"])


class PartOut(BaseModel):
    """An uploaded part."""

    number: int = Field(examples=[1])
    byte_count: int = Field(examples=[119_052])
    line_count: int = Field(description="Lines that are not empty, without the header.", examples=[8504])
    accepted_count: int = Field(examples=[8500])
    unallocated_count: int = Field(
        description="Accepted lines whose number is possible, but not in use by its numbering plan.", examples=[12]
    )
    rejected_count: int = Field(examples=[4])
    rejects_kept: int = Field(
        description="Rejected lines that are listed with their reasons. Further ones are only counted.", examples=[4]
    )
    date_format: str | None = Field(
        description="The format that its consent times were read with, if it was stated for the part or the dataset.",
        examples=["month_first"],
    )
    day_first_count: int = Field(description="Lines whose date can only have the day first.", examples=[5139])
    month_first_count: int = Field(description="Lines whose date can only have the month first.", examples=[0])
    either_count: int = Field(description="Lines whose date is another day in the other order.", examples=[3083])
    recorded_at: AwareDatetime
    repeated: bool = Field(default=False, description="The same bytes were uploaded before, so nothing changed.")
    consent_count: int = Field(description="Accepted lines of which the consent time is known.", examples=[8498])
    has_header: bool | None = Field(
        description="Whether its first line was taken for a header and not for a line. Null in a format without lines "
        "of text.",
        examples=[True],
    )
    hidden_rows: int | None = Field(
        description="Rows of a workbook that are hidden, by a filter or by hand. They are read like the others. "
        "Null in other formats.",
        examples=[0],
    )
    read_columns: list[ColumnOut] = Field(description="The columns that were read.")
    ignored_columns: list[str] = Field(
        description="Columns that were not read although their names are known, or their cells are dates, telephone "
        "numbers or countries: by name, or by position from 1.",
        examples=[["date_modification"]],
    )


class PreviewedLine(BaseModel):
    """An accepted line, as it would be stored. Only the last digits of its number are shown."""

    number: str = Field(examples=["+•••••••0001"])
    consented_at: AwareDatetime | None = Field(examples=["2023-10-26T10:00:00Z"])
    consent_record_id: str | None = Field(examples=["c-17"])


class PreviewedReject(BaseModel):
    """A line that would be rejected. Only the last digits of its value are shown."""

    line: int = Field(description="From 1, the header included.", examples=[3017])
    reason: str = Field(examples=["too_short"])
    value: str = Field(examples=["•• •• 98 00"])
    explanation: str = Field(examples=["The number has too few digits for its country…"])


class PreviewedReason(BaseModel):
    """A reason for which lines would be rejected."""

    reason: str = Field(examples=["too_short"])
    explanation: str = Field(examples=["The number has too few digits for its country…"])
    count: int = Field(examples=[4])


class PreviewOut(BaseModel):
    """How the first 100,000 lines of a file would be read. Nothing of it was kept."""

    format: Format
    encoding: str | None = Field(description="Of text.", examples=["utf-8"])
    delimiter: str | None = Field(description="Of CSV. `\u001f` for a single column.", examples=[";"])
    has_header: bool | None = Field(
        description="Of CSV and XLSX: whether the first line names the columns.", examples=[True]
    )
    hidden_rows: int | None = Field(
        description="Rows of a workbook that are hidden, by a filter or by hand. They would be read like the others. "
        "Null in other formats.",
        examples=[0],
    )
    whole: bool = Field(description="Whether these are all lines of the file that was sent.")
    line_count: int = Field(description="Lines that are not empty, without the header.", examples=[8504])
    accepted_count: int = Field(examples=[8500])
    rejected_count: int = Field(examples=[4])
    consent_count: int = Field(description="Accepted lines of which the consent time is known.", examples=[8498])
    read_columns: list[ColumnOut] = Field(description="The columns that would be read.")
    ignored_columns: list[str] = Field(
        description="Columns that look relevant and would not be read: by name, or by position from 1.",
        examples=[["date_modification"]],
    )
    reasons: list[PreviewedReason] = Field(description="Why lines would be rejected, the most frequent reason first.")
    lines: list[PreviewedLine] = Field(description="The first ten accepted lines.")
    rejects: list[PreviewedReject] = Field(description="The first ten lines that would be rejected.")


class RejectOut(BaseModel):
    """A rejected line."""

    part: int = Field(examples=[1])
    line: int = Field(description="Within its part, from 1, the header included.", examples=[3017])
    reason: str = Field(examples=["scientific_notation"])
    explanation: str = Field(examples=["A spreadsheet wrote this number in scientific notation and lost digits of it…"])


class NumberPage(BaseModel):
    """One page of numbers of your own."""

    numbers: list[str] = Field(examples=[["+33639989001"]])
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last.")
