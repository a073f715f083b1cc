"""Routes of jobs."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from service.access.actor import Actor
from service.access.permit import FactsReader
from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep, SessionDep
from service.core.errors import responses
from service.core.paging import After, Limit, Page
from service.core.request_places import place_of
from service.job import operations
from service.job.schemas import JobOut

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=BoundedRoute)

JobId = Annotated[uuid.UUID, Path(description="The id of a job.")]

# Twice a second looks smooth and costs the database almost nothing.
_PAUSE_SECONDS = 0.5


@router.get("", summary="List jobs")
async def list_jobs(session: SessionDep, actor: FactsReader, after: After = None, limit: Limit = 100) -> Page[JobOut]:
    """The jobs of your organisation, each with the API key that it belongs to."""
    return await operations.list_jobs(session, actor, after, limit)


@router.get("/{job_id}", summary="Get a job", responses=responses(404))
async def get_job(job_id: JobId, session: SessionDep, actor: FactsReader) -> JobOut:
    """A job's state and progress, and the reason if it failed."""
    return await operations.get_job(session, actor, job_id)


async def _authorised_follower(request: Request, job_id: JobId, session: SessionDep, actor: FactsReader) -> Actor:
    """The caller, after checking that the job exists. Once the stream has begun it is too late for a 404 or 429."""
    await operations.get_job(session, actor, job_id)
    place_of(request).stream()
    return actor


_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events until the job is finished.",
        "content": {"text/event-stream": {"example": 'event: finished\ndata: {"state":"succeeded", …}\n\n'}},
    }
}


@router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    responses=responses(404) | _EVENTS,
)
async def follow_job(
    job_id: JobId, database: DatabaseDep, actor: Annotated[Actor, Depends(_authorised_follower, scope="function")]
) -> AsyncIterator[ServerSentEvent]:
    """Sends server-sent events named `progress`, each with the job as data, and a last one named `finished`.

    The stream ends without `finished`, within a second, when your key is revoked or expires. One that you rotated may
    expire: its open streams go on for the new key. An organisation may have a bounded number of streams open.
    """
    pause = partial(asyncio.sleep, _PAUSE_SECONDS)
    async for job in operations.follow_job(database, actor, job_id, pause):
        yield ServerSentEvent(data=job, event="finished" if job.finished_at else "progress")
