"""Request and response bodies of releases."""

import uuid

from pydantic import AwareDatetime, BaseModel, Field

from service.core.facts import RequestBody
from service.core.text import Line


class ReleaseIn(RequestBody):
    """Why the operator releases a dataset, or takes its release back."""

    comment: Line | None = Field(
        default=None,
        examples=["Contrat présenté, tranches peu remplies."],
        description="For the operator's own record.",
    )


class ReleaseOut(BaseModel):
    """An act of the operator on a dataset. The latest counts."""

    id: uuid.UUID
    dataset_id: uuid.UUID
    recorded_at: AwareDatetime
    withdrawn: bool = Field(description="Whether this ends the release.")
    operator_id: uuid.UUID
    standing_id: uuid.UUID | None = Field(description="The standing release that did it by itself, if any.")
    comment: str | None


class StandingReleaseIn(RequestBody):
    """How many numbers of an organisation are released as its files are sealed."""

    up_to_count: int = Field(
        ge=0,
        le=2**40,
        examples=[100_000],
        description="The most numbers that are released so in 24 hours, of all its files. 0 ends it.",
    )
    comment: Line | None = Field(default=None, examples=["Fichiers de la boutique, vérifiés le 3 mai."])


class StandingReleaseOut(BaseModel):
    """A standing release. The latest of an organisation counts."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    recorded_at: AwareDatetime
    up_to_count: int = Field(examples=[100_000])
    operator_id: uuid.UUID
    comment: str | None


class BlockFillOut(BaseModel):
    """How many number blocks have so many numbers of the dataset."""

    from_count: int = Field(examples=[10])
    to_count: int = Field(examples=[99])
    block_count: int = Field(examples=[310])


class WaitingHolder(BaseModel):
    """The organisation whose file waits."""

    id: uuid.UUID
    legal_name: str = Field(examples=["Contact Direct SAS"])


class WaitingDataset(BaseModel):
    """A dataset that waits for its release, without its name and its numbers."""

    dataset_id: uuid.UUID
    holder: WaitingHolder
    number_count: int = Field(description="The numbers that wait for this release.", examples=[8500])
    contract: str | None = Field(
        examples=["Contrat de location 2024-118"], description="The reference of the contract, if it was received."
    )
    sealed_at: AwareDatetime
    due_at: AwareDatetime = Field(description="Five days after it was sealed.")
    overdue: bool = Field(description="Whether the operator is overdue.")
    block_fill: list[BlockFillOut] | None = Field(
        description="How full the blocks of 10,000 numbers are, without naming any. Null until a job has counted it."
    )
    organisation_block_fill: list[BlockFillOut] | None = Field(
        description="How full all files of its organisation that wait make these blocks together. Many small files can "
        "fill a block that none of them fills. Null until a job has counted it."
    )
