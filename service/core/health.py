"""Whether the service runs and can do its work. Public, and without any other information."""

import asyncio
from importlib.metadata import version
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep
from service.core.errors import responses
from service.core.outages import database_away
from service.core.pending_tasks import is_work_late
from service.core.readiness import Condition, Readiness
from service.core.resources import resource
from service.core.turns import served_first

router = APIRouter(tags=["health"], route_class=BoundedRoute)

VERSION = version("filiation")

# This leaves a fifth of a second for the rest of the answer.
_PATIENCE_SECONDS: Final = 0.8


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"
    version: str = Field(default=VERSION, examples=["0.1.0"])


class Check(BaseModel):
    """Something that was looked at."""

    status: Literal["ok", "warning", "failed"]
    detail: str = Field(examples=["The database answers."])


class Ready(BaseModel):
    """Whether the registry can do all of its work."""

    status: Literal["ready", "not_ready"] = Field(description="`not_ready` if a check has failed.")
    version: str = Field(examples=["0.1.0"])
    checks: dict[str, Check] = Field(
        description="What was looked at, by name. Without the database, only what needs none.",
        examples=[{"database": {"status": "ok", "detail": "The database answers."}}],
    )


class Health(BaseModel):
    """The service is running and reaches its database."""

    status: Literal["ok", "late"] = Field(
        description="`late`: work that should be done has waited for more than an hour. `filiation fsck` names it.",
        examples=["ok"],
    )
    version: str = Field(examples=["0.1.0"])


@router.get("/healthz", summary="Check that the process answers")
@served_first
async def get_alive() -> Alive:
    """Looks at nothing else. A process that does not answer should be started again."""
    return Alive()


@router.get(
    "/readyz",
    summary="Check whether the registry can do its work",
    responses={503: {"model": Ready, "description": "A check has failed: `checks` says which, and what to do."}},
)
@served_first
async def get_ready(response: Response, readiness: Annotated[Readiness, Depends(resource(Readiness))]) -> Ready:
    """Answers within a second, also if the database hangs. Late work is a warning, and no reason to be not ready."""
    found = await readiness.findings()
    failed = any(finding.condition is Condition.FAILED for finding in found.values())
    response.status_code = 503 if failed else 200
    checks = {name: Check(status=_STATUS[finding.condition], detail=finding.text) for name, finding in found.items()}
    return Ready(status="not_ready" if failed else "ready", version=VERSION, checks=checks)


_STATUS: dict[Condition, Literal["ok", "warning", "failed"]] = {
    Condition.OK: "ok",
    Condition.WARNING: "warning",
    Condition.FAILED: "failed",
}


@router.get("/v1/health", summary="Check the service", responses=responses(503))
@served_first
async def get_health(database: DatabaseDep) -> Health:
    """Responds as soon as the database does, and with 503 within a second if that is away."""
    late = asyncio.create_task(database.without_transaction(is_work_late))
    await asyncio.wait([late], timeout=_PATIENCE_SECONDS)
    if not late.done():
        # A statement that hangs is given up, without waiting for the reply to that.
        late.add_done_callback(lambda given_up: given_up.cancelled() or given_up.exception())
        late.cancel()
        raise database_away()
    return Health(status="late" if late.result() else "ok", version=VERSION)
