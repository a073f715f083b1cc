"""HTTP of how memberships are stored."""

from fastapi import APIRouter

from service.access.permit import Operator
from service.core.db import SessionDep
from service.membership import operations
from service.membership.schemas import CompactionOut

router = APIRouter(prefix="/v1/memberships", tags=["memberships"])


@router.get("/compaction", summary="See how memberships are stored, and what there is to merge")
async def get_compaction(session: SessionDep, actor: Operator) -> CompactionOut:
    """For the operator: no numbers, and no names."""
    return await operations.get_compaction(session)
