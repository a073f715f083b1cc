"""HTTP of provenance: lookups of numbers, the lineage of datasets and the impact of notices."""

import time
import uuid
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from service.access.permit import FactsReader, NumbersReader
from service.core.body_limits import Body, reads
from service.core.bounded_route import BoundedRoute
from service.core.db import Database, DatabaseDep
from service.core.errors import JSON_BODY, responses
from service.core.paging import Limit
from service.core.resources import resource, resources_of
from service.core.tick import wait_for_tick
from service.core.turns import served_first
from service.number.keyring import KeyRing
from service.provenance import operations
from service.provenance.answer.render import render_answer
from service.provenance.answer.schemas import Answer, LookupIn
from service.provenance.lineage.schemas import ImpactOut, LineageOut
from service.provenance.lineage.walk import Direction
from service.provenance.snapshot import Snapshots
from service.usage.lookups import LookupMeter

router = APIRouter(prefix="/v1", tags=["provenance"], route_class=BoundedRoute)


@dataclass(frozen=True)
class LineageQuery:
    """Which part of a lineage is asked for, from the query string."""

    direction: Annotated[Direction, Query(description="Which way to follow derivations and transfers.")] = (
        Direction.UPSTREAM
    )
    depth: Annotated[
        int | None, Query(ge=1, le=10**6, description="The largest distance in hops. Without it, all are followed.")
    ] = None
    after: Annotated[str | None, Query(max_length=60, description="The `next` of the previous page.")] = None
    limit: Limit = 100


SnapshotsDep = Annotated[Snapshots, Depends(resource(Snapshots))]


@router.post(
    "/lookups",
    summary="Look up a number",
    response_model=Answer,
    responses=responses(*JSON_BODY, 429),
)
@reads(Body.SMALL)
@served_first
async def look_up_number(request: Request, body: LookupIn, actor: NumbersReader) -> Response:
    """Returns where a number was first collected and under which notice, its chains, recipients and campaigns.

    You see what you hold, what it came from, and the transfers that you are a side of. `held` says whether
    a dataset that you may see holds the number. A supervisory authority sees everything and must give a `reason`.
    A number that cannot be read is refused with the cause in `reason`. The refusal does not repeat the number.
    A key may look up so many numbers a second, and an organisation so many in a day (UTC).
    """
    await resources_of(request).get(LookupMeter).count(actor)
    began = time.monotonic()
    # Taken directly: as dependencies, these would cost more time than preparing and rendering the answer.
    get = resources_of(request).get
    prepared = await operations.look_up_number(get(Database), get(Snapshots), get(KeyRing), actor, body)
    content = render_answer(prepared)
    if prepared.is_empty:
        # What others hold was read too, and must not show in how long that took.
        await wait_for_tick(began)
    return Response(content, media_type="application/json")


@router.get("/datasets/{dataset_id}/lineage", summary="Get the lineage of a dataset", responses=responses(404))
async def get_dataset_lineage(
    dataset_id: Annotated[uuid.UUID, Path(description="The id of a dataset.")],
    database: DatabaseDep,
    snapshots: SnapshotsDep,
    actor: FactsReader,
    wanted: Annotated[LineageQuery, Depends()],
) -> LineageOut:
    """Returns the ancestors and descendants of a dataset, page by page. Ancestors that gave it no number are left out.

    A sender sees one hop downstream of what it holds, a supervisory authority everything.
    """
    return await operations.get_dataset_lineage(
        database, snapshots, actor, dataset_id, wanted.direction, wanted.depth, wanted.after, wanted.limit
    )


@router.get("/notices/{notice_id}/impact", summary="Get the impact of a notice", responses=responses(404))
async def get_notice_impact(
    notice_id: Annotated[uuid.UUID, Path(description="The id of a notice.")],
    database: DatabaseDep,
    snapshots: SnapshotsDep,
    actor: FactsReader,
) -> ImpactOut:
    """Returns every dataset, client and campaign that received numbers collected under a notice, with the counts.

    A supervisory authority sees all of them. The collector sees one hop on from what it holds.
    """
    return await operations.get_notice_impact(database, snapshots, actor, notice_id)
