"""Wire shapes of how memberships are stored."""

from pydantic import BaseModel, Field


class PendingMergeOut(BaseModel):
    """What would be merged next, if it were begun now; nothing where that is not worth while."""

    segment_count: int = Field(examples=[120])
    membership_count: int = Field(examples=[96_000])


class MergeOut(BaseModel):
    """A merge under way, or interrupted: the next compaction goes on with it."""

    dataset_count: int = Field(examples=[240])
    membership_count: int = Field(examples=[1_900_000])
    done: float = Field(ge=0, le=1, description="How much of the key space is merged.", examples=[0.375])


class CompactionOut(BaseModel):
    """How memberships lie in the database, and what there is to merge."""

    segment_count: int = Field(description="Segments that lookups answer from.", examples=[375])
    dataset_count: int = Field(description="Datasets with numbers of their own.", examples=[620])
    membership_count: int = Field(examples=[31_500_000])
    byte_count: int = Field(description="What they take in the database, indexes included.", examples=[446_000_000])
    lookup_segment_count: int = Field(
        description="How many segments a lookup comes across at most: also those being loaded, merged or dropped.",
        examples=[377],
    )
    retired_segment_count: int = Field(description="Merged, and still to be dropped.", examples=[0])
    debt: PendingMergeOut
    merge: MergeOut | None = Field(
        examples=[{"dataset_count": 240, "membership_count": 1_900_000, "done": 0.375}],
    )
