"""Whether the service is running and does its work in time. Public, and without any other information."""

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.core.db import SessionDep
from service.core.pending_tasks import is_work_late

router = APIRouter(prefix="/v1/health", tags=["health"])

VERSION = version("filiation")


class Health(BaseModel):
    """The service is running and reaches its database."""

    status: Literal["ok", "late"] = Field(
        description="`late`: work that should be done has waited for more than an hour. `filiation fsck` names it.",
        examples=["ok"],
    )
    version: str = Field(examples=["0.1.0"])


@router.get("", summary="Check the service")
async def get_health(session: SessionDep) -> Health:
    """Responds as soon as the database does."""
    return Health(status="late" if await is_work_late(session) else "ok", version=VERSION)
