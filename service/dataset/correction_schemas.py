"""Wire shapes of corrections of datasets."""

import uuid

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from service.core.facts import RequestBody
from service.core.instant import Instant
from service.core.text import Line, Note


class DatasetCorrectionIn(RequestBody):
    """What counts of a dataset from now on. What is left out stays as it is."""

    name: Line | None = Field(default=None, examples=["Base SMS, avril 2024"])
    occurred_at: Instant | None = Field(
        default=None,
        description="When the holder had the dataset. That of a received dataset is its transfer's.",
        examples=["2024-04-10T00:00:00+02:00"],
    )
    collection_id: uuid.UUID | None = Field(
        default=None, description="The collection that its numbers come from. Null says that they come from none."
    )
    reason: Note | None = Field(default=None, examples=["Registered with the date of the file."])

    @model_validator(mode="after")
    def _states_something(self) -> "DatasetCorrectionIn":
        stated = self.model_fields_set - {"reason"}
        if not stated:
            raise ValueError("a correction states name, occurred_at or collection_id")
        if any(getattr(self, field) is None for field in stated - {"collection_id"}):
            raise ValueError("only collection_id can be null")
        return self


class DatasetCorrectionOut(BaseModel):
    """A correction of a dataset: what counts since it was recorded, and what counted before."""

    id: uuid.UUID
    dataset_id: uuid.UUID
    asserted_by_id: uuid.UUID | None = Field(
        description="The organisation that corrected it. Null if you do not see that organisation."
    )
    asserted_through_id: uuid.UUID | None = Field(
        description="The processor whose key stated it, if any. Null if you do not see that organisation."
    )
    recorded_at: AwareDatetime = Field(description="When the registry recorded it, by its own clock.")
    name: str = Field(examples=["Base SMS, avril 2024"])
    occurred_at: AwareDatetime = Field(description="The date of the dataset since then.")
    collection_id: uuid.UUID | None = Field(description="Null for none, and for a collection that you do not see.")
    former_name: str = Field(examples=["Base SMS"])
    former_occurred_at: AwareDatetime = Field(description="The date of the dataset before.")
    former_collection_id: uuid.UUID | None = Field(
        description="Null for none, and for a collection that you do not see."
    )
    reason: str | None = Field(description="Null upstream of what you hold.")
