"""Wire shapes of the lineage of a dataset and of the impact of a notice."""

import uuid
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from service.core.vocabulary import Content, TransferStatus
from service.provenance.answer.references import CampaignRef, DatasetRef, OrganisationView

_DENIED = (
    "collections that their collectors deny, each counted once. If there are several such collections, numbers that "
    "were erased since are left out."
)
DeniedCount = Annotated[
    int | None,
    Field(description=f"How many of these numbers come from {_DENIED} Null while they are counted again."),
]


class CollectedUnder(BaseModel):
    """The collection of a dataset and its notice, as last corrected."""

    collection_id: uuid.UUID
    notice_id: uuid.UUID
    notice_code: str = Field(examples=["JL-1"])
    denied_at: AwareDatetime | None = Field(description="Since when its collector denies it, by the registry's clock.")


class LineageNode(BaseModel):
    """A dataset in the lineage of another."""

    dataset: DatasetRef
    distance: int = Field(description="In hops. Negative upstream, 0 for the requested dataset.", examples=[-2])
    content: Content | None = Field(description="Null for a dataset one hop down from yours.")
    number_count: int | None = Field(description="Null before sealing, and for a dataset one hop down from yours.")
    recounting: bool = Field(
        description="Whether its counts are being made again, because something upstream changed. Until then those "
        "that may change are null."
    )
    common_count: int | None = Field(
        description="Upstream: how many numbers of the requested dataset come from this one. Downstream: how many "
        "numbers of this one come from the requested dataset. Null before sealing, while it is counted again, and if "
        "the lower of the two is upstream of what you hold.",
        examples=[1000],
    )
    collected: CollectedUnder | None = Field(description="The collection, if the dataset was collected.")


class LineageEdge(BaseModel):
    """A transfer or derivation by which numbers came from one dataset to the next."""

    kind: Literal["transfer", "derivation"]
    from_dataset_id: uuid.UUID
    to_dataset_id: uuid.UUID
    transfer_id: uuid.UUID | None
    status: TransferStatus | None = Field(description="The status of the transfer. Null for a derivation.")
    occurred_at: AwareDatetime
    number_count: int | None = Field(
        description="How many numbers of the second dataset come from the first. Null before sealing, while it is "
        "counted again, and if the second is upstream of what you hold."
    )


class LineageOut(BaseModel):
    """A page of what a dataset comes from and what was made from it, as far as numbers of the caller's went.

    Ancestors that gave it no number are left out.
    """

    dataset_id: uuid.UUID
    nodes: list[LineageNode] = Field(description="From the furthest upstream to the furthest downstream.")
    edges: list[LineageEdge] = Field(description="Each edge is on the page of the later of its two datasets.")
    node_count: int = Field(description="How many datasets there are on all pages.", examples=[12])
    edge_count: int = Field(description="How many edges there are on all pages.", examples=[14])
    denied_origin_count: int | None = Field(
        description=f"How many numbers of the requested dataset come from {_DENIED} Null before sealing, while it is "
        "counted again, and if the dataset is upstream of what you hold.",
        examples=[0],
    )
    truncated_count: int = Field(
        description="How many datasets are left out because they are further away than `depth`.", examples=[0]
    )
    next: str | None = Field(default=None, description="Pass it as `after` for the next page; null on the last.")


class ReachedDataset(BaseModel):
    """A dataset that holds numbers collected under the notice."""

    dataset: DatasetRef
    transfer_id: uuid.UUID | None = Field(description="The transfer that brought it to its holder.")
    number_count: int | None = Field(
        description="How many of its numbers were collected under the notice. Null while they are counted again.",
        examples=[3000],
    )
    denied_origin_count: DeniedCount


class ReachedClient(BaseModel):
    """A party that holds such numbers. A number in several of its datasets counts once."""

    organisation: OrganisationView
    dataset_ids: list[uuid.UUID]
    number_count: int | None = Field(description="Null while they are counted again.", examples=[1000])
    denied_origin_count: DeniedCount


class ReachedCampaign(BaseModel):
    """A campaign to such numbers, planned or sent. A number in several of its datasets counts once."""

    campaign: CampaignRef
    party: OrganisationView
    dataset_ids: list[uuid.UUID]
    number_count: int | None = Field(description="Null while they are counted again.", examples=[1000])
    denied_origin_count: DeniedCount


class ImpactOut(BaseModel):
    """The impact of a notice: who would be affected if it were unlawful.

    The count of a single dataset is that of its sealing. A count over several datasets leaves out numbers that were
    erased since.
    """

    notice_id: uuid.UUID
    notice_code: str = Field(examples=["JL-1"])
    collector: OrganisationView
    whole: bool = Field(
        description="False for the collector, which sees one hop on from what it holds.",
        examples=[True],
    )
    datasets: list[ReachedDataset]
    clients: list[ReachedClient]
    campaigns: list[ReachedCampaign]
