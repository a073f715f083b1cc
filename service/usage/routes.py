"""HTTP routes of usage: what an organisation did today, and for the operator alerts and limits."""

from collections.abc import Sequence

from fastapi import APIRouter

from service.access.idempotency import IdempotentRoute
from service.access.permit import FactsReader, Operator
from service.core.db import SessionDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import After, Limit, Page
from service.core.settings import SettingsDep
from service.usage import operations
from service.usage.schemas import UsageAlertOut, UsageLimitIn, UsageLimitOut, UsageOut

router = APIRouter(prefix="/v1/usage", tags=["usage"], route_class=IdempotentRoute)


@router.get("", summary="Get your usage of today")
async def get_usage(session: SessionDep, settings: SettingsDep, actor: FactsReader) -> Sequence[UsageOut]:
    """What your organisation has done today (UTC), and how much it may do. The operator can raise a limit."""
    return await operations.get_usage(session, settings, actor)


@router.get("/alerts", summary="List days of unusual usage")
async def list_usage_alerts(
    session: SessionDep, actor: Operator, after: After = None, limit: Limit = 100
) -> Page[UsageAlertOut]:
    """For the operator: days on which an organisation did many times more than usual, or reached a limit.

    No phone number is shown. An alert is kept for 90 days.
    """
    return await operations.list_usage_alerts(session, after, limit)


@router.post(
    "/limits", status_code=201, summary="Set an organisation's limit", responses=responses(*JSON_BODY, 404, 409)
)
async def set_usage_limit(body: UsageLimitIn, session: SessionDep, actor: Operator) -> UsageLimitOut:
    """For the operator: how much the organisation may do in a day (UTC), from its next call on."""
    return await operations.set_usage_limit(session, actor, body)


@router.get("/limits", summary="List the limits of organisations")
async def list_usage_limits(
    session: SessionDep, actor: Operator, after: After = None, limit: Limit = 100
) -> Page[UsageLimitOut]:
    """For the operator: each limit that was set for an organisation. The latest of a kind counts."""
    return await operations.list_usage_limits(session, after, limit)
