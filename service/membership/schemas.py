"""Response schemas of how memberships are stored."""

from pydantic import BaseModel, Field


class NextMergeOut(BaseModel):
    """What the next merge would take if it began now. Both counts are 0 while no merge is worthwhile."""

    segment_count: int = Field(examples=[120])
    membership_count: int = Field(examples=[96_000])


class CurrentMergeOut(BaseModel):
    """A merge in progress, or an interrupted one, which the next compaction continues."""

    dataset_count: int = Field(examples=[240])
    membership_count: int = Field(examples=[1_900_000])
    progress: float = Field(ge=0, le=1, description="The share of the key space that is merged.", examples=[0.375])


class CompactionOut(BaseModel):
    """How memberships are stored in the database, and what there is to merge."""

    segment_count: int = Field(description="Segments that lookups answer from.", examples=[375])
    dataset_count: int = Field(description="Datasets that store numbers of their own.", examples=[620])
    membership_count: int = Field(examples=[31_500_000])
    byte_count: int = Field(description="Their size in the database, including indexes.", examples=[446_000_000])
    lookup_segment_count: int = Field(
        description="All segments that a lookup may encounter, including those being loaded, merged or dropped.",
        examples=[377],
    )
    retired_segment_count: int = Field(description="Merged segments that are not dropped yet.", examples=[0])
    current_merge: CurrentMergeOut | None = Field(
        description="Null while no merge is in progress.",
        examples=[{"dataset_count": 240, "membership_count": 1_900_000, "progress": 0.375}],
    )
    next_merge: NextMergeOut
