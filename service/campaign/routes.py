"""HTTP of campaigns."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Path

from service.access.idempotency import IdempotentRoute
from service.access.permit import FactsReader, FactsWriter
from service.campaign import operations
from service.campaign.schemas import CampaignIn, CampaignOut
from service.core.db import SessionDep
from service.core.disk import NEEDS_ROOM
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.task_queue import QueueDep

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"], route_class=IdempotentRoute)


@router.post(
    "",
    status_code=201,
    summary="Register a campaign",
    dependencies=[NEEDS_ROOM],
    responses=responses(*JSON_BODY, 404, 409, 507),
)
async def register_campaign(body: CampaignIn, session: SessionDep, queue: QueueDep, actor: FactsWriter) -> CampaignOut:
    """Records which message was sent, for which party, when, from which originator and to which datasets."""
    return await operations.register_campaign(session, queue, actor, body)


@router.get("", summary="List campaigns")
async def list_campaigns(
    session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100
) -> Page[CampaignOut]:
    """Lists the campaigns of your organisation. A processor's key lists those that the processor sent for the party."""
    return await operations.list_campaigns(session, actor, after, limit)


@router.get("/{campaign_id}", summary="Get a campaign", responses=responses(404))
async def get_campaign(
    campaign_id: Annotated[uuid.UUID, Path(description="The id of a campaign.")],
    session: SessionDep,
    actor: FactsReader,
) -> CampaignOut:
    """Returns a campaign that you may see."""
    return await operations.get_campaign(session, actor, campaign_id)
