"""Wire shapes of the lineage of a dataset and of the impact of a notice."""

import uuid
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from service.core.vocabulary import Content, TransferStatus
from service.provenance.answer.references import CampaignRef, DatasetRef, OrganisationView


class CollectedUnder(BaseModel):
    """How a collected dataset came about."""

    collection_id: uuid.UUID
    notice_id: uuid.UUID
    notice_code: str = Field(examples=["JL-1"])


class LineageNode(BaseModel):
    """A dataset in the lineage of another."""

    dataset: DatasetRef
    distance: int = Field(description="In hops: negative upstream, 0 for the dataset asked about.", examples=[-2])
    content: Content | None = Field(description="Null for a dataset one hop down from yours.")
    number_count: int | None = Field(description="All its numbers; null before sealing, and one hop down from yours.")
    common_count: int | None = Field(
        description="Upstream: how many numbers of the dataset asked about come from this one. Downstream: how many of "
        "this one come from the dataset asked about. Null while the dataset is not sealed.",
        examples=[1000],
    )
    collected: CollectedUnder | None = Field(description="If this is where numbers were first collected.")


class LineageEdge(BaseModel):
    """How numbers came from one dataset to the next."""

    kind: Literal["transfer", "derivation"]
    from_dataset_id: uuid.UUID
    to_dataset_id: uuid.UUID
    transfer_id: uuid.UUID | None
    status: TransferStatus | None = Field(description="What the recipient says of the transfer.")
    occurred_at: AwareDatetime
    number_count: int | None = Field(description="How many numbers of the second come from the first.")


class LineageOut(BaseModel):
    """What a dataset comes from and, for whom it is due, where it went. What gave it no number is left out."""

    graph_version: int = Field(description="Names the state of the facts that this answer is made of.", examples=[241])
    dataset_id: uuid.UUID
    nodes: list[LineageNode] = Field(description="From the furthest upstream to the furthest downstream.")
    edges: list[LineageEdge]


class ReachedDataset(BaseModel):
    """A dataset that holds numbers collected under the notice."""

    dataset: DatasetRef
    transfer_id: uuid.UUID | None = Field(description="The transfer that brought it to its holder.")
    number_count: int = Field(description="Numbers collected under the notice.", examples=[3000])


class ReachedClient(BaseModel):
    """A party that holds such numbers, each counted once however many datasets have it."""

    organisation: OrganisationView
    dataset_ids: list[uuid.UUID]
    number_count: int = Field(examples=[1000])


class ReachedCampaign(BaseModel):
    """A campaign sent to such numbers, each counted once."""

    campaign: CampaignRef
    party: OrganisationView
    dataset_ids: list[uuid.UUID]
    number_count: int = Field(examples=[1000])


class ImpactOut(BaseModel):
    """Whom a notice reached: who would be touched if it were unlawful.

    Counts of one dataset are as it was sealed. Where several are counted together, what their holders erased since is
    left out.
    """

    graph_version: int = Field(description="Names the state of the facts that this answer is made of.", examples=[241])
    notice_id: uuid.UUID
    notice_code: str = Field(examples=["JL-1"])
    collector: OrganisationView
    whole: bool = Field(description="False for the collector, who sees one hop on from what it holds.", examples=[True])
    datasets: list[ReachedDataset]
    clients: list[ReachedClient]
    campaigns: list[ReachedCampaign]
