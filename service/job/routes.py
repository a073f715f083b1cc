"""HTTP of jobs."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent

from service.access.actor import Actor
from service.access.permit import FactsReader
from service.core.db import DatabaseDep, SessionDep
from service.core.errors import responses
from service.job import operations
from service.job.schemas import JobOut

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

JobId = Annotated[uuid.UUID, Path(description="The id of a job.")]

# Twice a second is smooth to the eye and nothing to the database.
_PAUSE_SECONDS = 0.5


@router.get("/{job_id}", summary="Look at a job", responses=responses(404))
async def get_job(job_id: JobId, session: SessionDep, actor: FactsReader) -> JobOut:
    """How far it is, and why it failed if it did."""
    return await operations.get_job(session, actor, job_id)


async def _follower(job_id: JobId, session: SessionDep, actor: FactsReader) -> Actor:
    """The caller, after making sure of the job: once the stream has begun it is too late for a 404."""
    await operations.get_job(session, actor, job_id)
    return actor


_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The events, until the job is finished.",
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
    job_id: JobId, database: DatabaseDep, actor: Annotated[Actor, Depends(_follower, scope="function")]
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events named `progress`, each with the job as data, and a last one named `finished`."""
    pause = partial(asyncio.sleep, _PAUSE_SECONDS)
    async for job in operations.follow(database, actor, job_id, pause):
        yield ServerSentEvent(data=job, event="finished" if job.finished_at else "progress")
