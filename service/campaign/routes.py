"""HTTP of campaigns and of their cancellations."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path

from service.access.idempotency import IdempotentRoute
from service.access.permit import FactsReader, FactsWriter
from service.campaign import operations
from service.campaign.schemas import CampaignIn, CampaignOut, CancellationIn
from service.core.db import SessionDep
from service.core.disk import NEEDS_ROOM
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.task_queue import QueueDep

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"], route_class=IdempotentRoute)

CampaignId = Annotated[uuid.UUID, Path(description="The id of a campaign.")]


@router.post(
    "",
    status_code=201,
    summary="Register a campaign",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def register_campaign(body: CampaignIn, session: SessionDep, queue: QueueDep, actor: FactsWriter) -> CampaignOut:
    """Records which message was sent, for which party, when, from which originator and to which datasets.

    A campaign that begins later is `planned` until then.
    """
    return await operations.register_campaign(session, queue, actor, body)


@router.get("", summary="List campaigns")
async def list_campaigns(
    session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[CampaignOut]:
    """Lists the campaigns of your organisation. A processor's key lists those that the processor sent for the party."""
    return await operations.list_campaigns(session, actor, after, limit)


@router.get("/{campaign_id}", summary="Get a campaign", responses=responses(404))
async def get_campaign(campaign_id: CampaignId, session: SessionDep, actor: FactsReader) -> CampaignOut:
    """Returns a campaign that you may see."""
    return await operations.get_campaign(session, actor, campaign_id)


@router.post(
    "/{campaign_id}/cancellation",
    status_code=201,
    summary="Cancel a campaign",
    responses=responses(*JSON_BODY, 404, 409),
)
async def cancel_campaign(
    campaign_id: CampaignId, body: CancellationIn, session: SessionDep, actor: FactsWriter
) -> CampaignOut:
    """States that a planned campaign will not be sent or, if it had begun, that it was not sent.

    It then counts nowhere as a use of numbers. The persons concerned and the authority still read of it, with the
    reason. If it was sent after all, register it again with `corrects_id`.
    """
    return await operations.cancel_campaign(session, actor, campaign_id, body)
