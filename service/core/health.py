"""Whether the service is running. Public, and without any other information."""

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import text

from service.core.db import SessionDep, run

router = APIRouter(prefix="/v1/health", tags=["health"])

VERSION = version("filiation")


class Health(BaseModel):
    """The service is running and reaches its database."""

    status: Literal["ok"] = "ok"
    version: str = Field(examples=["0.1.0"])


@router.get("", summary="Check the service")
async def get_health(session: SessionDep) -> Health:
    """Responds as soon as the database does."""
    await run(session, text("SELECT 1"))
    return Health(version=VERSION)
