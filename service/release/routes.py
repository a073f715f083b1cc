"""HTTP routes of releases, for the operator."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path

from service.access.idempotency import IdempotentRoute
from service.access.permit import Operator
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.task_queue import QueueDep
from service.release import operations
from service.release.schemas import ReleaseIn, ReleaseOut, StandingReleaseIn, StandingReleaseOut, WaitingDataset

router = APIRouter(prefix="/v1", tags=["releases"], route_class=IdempotentRoute)

DatasetId = Annotated[uuid.UUID, Path(description="The id of a sealed dataset.")]


@router.post(
    "/datasets/{dataset_id}/release",
    status_code=201,
    summary="Release a dataset",
    responses=responses(*JSON_BODY, 404, 409),
)
async def release_dataset(
    dataset_id: DatasetId, body: ReleaseIn, session: SessionDep, queue: QueueDep, actor: Operator
) -> ReleaseOut:
    """For the operator. From now on the dataset's numbers count for those who hold them by it.

    Until then its holder gets no number of a person who objected, and what it records for others waits.
    """
    return await operations.release_dataset(session, queue, actor, dataset_id, body)


@router.post(
    "/datasets/{dataset_id}/release/withdraw",
    status_code=201,
    summary="Withdraw the release of a dataset",
    responses=responses(*JSON_BODY, 404, 409),
)
async def withdraw_release(
    dataset_id: DatasetId, body: ReleaseIn, session: SessionDep, queue: QueueDep, actor: Operator
) -> ReleaseOut:
    """For the operator. The dataset waits again. Relays that a holder has received stay its own, without the number."""
    return await operations.withdraw_release(session, queue, actor, dataset_id, body)


@router.get("/releases/waiting", summary="List datasets that wait for a release")
async def list_waiting_datasets(
    session: SessionDep, actor: Operator, after: After = None, limit: Limit = 100
) -> Page[WaitingDataset]:
    """For the operator: whose files wait, how large they are, and how full the blocks of 10,000 numbers are.

    No number, block, name of a file or other organisation is shown.
    """
    return await operations.list_waiting_datasets(session, after, limit)


@router.post(
    "/organisations/{organisation_id}/standing-release",
    status_code=201,
    summary="Set an organisation's standing release",
    responses=responses(*JSON_BODY, 404, 409),
)
async def set_standing_release(
    organisation_id: Annotated[uuid.UUID, Path(description="The id of an organisation.")],
    body: StandingReleaseIn,
    session: SessionDep,
    actor: Operator,
) -> StandingReleaseOut:
    """For the operator. Later files of the organisation are released as they are sealed, up to a count in 24 hours.

    All its files of 24 hours count together, so that a large file in small parts waits like the whole.
    """
    return await operations.set_standing_release(session, actor, organisation_id, body)
