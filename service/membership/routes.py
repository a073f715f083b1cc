"""HTTP routes about how memberships are stored."""

from fastapi import APIRouter

from service.access.permit import Operator
from service.core.bounded_route import BoundedRoute
from service.core.db import SessionDep
from service.membership import operations
from service.membership.schemas import CompactionOut

router = APIRouter(prefix="/v1/memberships", tags=["memberships"], route_class=BoundedRoute)


@router.get("/compaction", summary="Get the state of compaction")
async def get_compaction(session: SessionDep, actor: Operator) -> CompactionOut:
    """How memberships are stored, the merge in progress and the next one. For the operator; shows no numbers or names.

    Compaction merges the blocks of many small datasets, so that a lookup reads few rows.
    """
    return await operations.get_compaction(session)
