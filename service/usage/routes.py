"""HTTP routes of usage, for the operator."""

from fastapi import APIRouter

from service.access.permit import Operator
from service.core.bounded_route import BoundedRoute
from service.core.db import SessionDep
from service.core.paging import After, Limit, Page
from service.usage import operations
from service.usage.schemas import UsageAlertOut

router = APIRouter(prefix="/v1/usage", tags=["usage"], route_class=BoundedRoute)


@router.get("/alerts", summary="List days of unusual usage")
async def list_usage_alerts(
    session: SessionDep, actor: Operator, after: After = None, limit: Limit = 100
) -> Page[UsageAlertOut]:
    """For the operator: days on which an organisation sealed or recorded many times more than it usually does.

    No phone number is shown. An alert is kept for 90 days.
    """
    return await operations.list_usage_alerts(session, after, limit)
