"""Whether the service runs and can do its work. Public, and without any other information."""

from importlib.metadata import version
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from service.core.bounded_route import BoundedRoute
from service.core.db import SessionDep
from service.core.pending_tasks import is_work_late
from service.core.readiness import Condition, Readiness
from service.core.resources import resource

router = APIRouter(tags=["health"], route_class=BoundedRoute)

VERSION = version("filiation")


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
async def get_alive() -> Alive:
    """Looks at nothing else. A process that does not answer should be started again."""
    return Alive()


@router.get(
    "/readyz",
    summary="Check whether the registry can do its work",
    responses={503: {"model": Ready, "description": "A check has failed: `checks` says which, and what to do."}},
)
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


@router.get("/v1/health", summary="Check the service")
async def get_health(session: SessionDep) -> Health:
    """Responds as soon as the database does."""
    return Health(status="late" if await is_work_late(session) else "ok", version=VERSION)
