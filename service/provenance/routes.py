"""HTTP of provenance: one number's answer, the lineage of a dataset, the impact of a notice."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from service.access.permit import FactsReader, NumbersReader
from service.core.db import Database, DatabaseDep
from service.core.errors import JSON_BODY, responses
from service.core.resources import resource, resources_of
from service.number.keyring import KeyRing
from service.provenance import operations
from service.provenance.answer.render import render_answer
from service.provenance.answer.schemas import Answer, LookupIn
from service.provenance.lineage.lineage import Direction
from service.provenance.lineage.schemas import ImpactOut, LineageOut
from service.provenance.snapshot import Snapshots

router = APIRouter(prefix="/v1", tags=["provenance"])


SnapshotsDep = Annotated[Snapshots, Depends(resource(Snapshots))]


@router.post(
    "/lookups",
    summary="Ask who collected a number, and who has it",
    response_model=Answer,
    responses=responses(*JSON_BODY),
)
async def look_up_number(request: Request, body: LookupIn, actor: NumbersReader) -> Response:
    """Where a number was first collected and in which words, every chain from there, and whom it reached.

    You see what you hold, everything upstream of it, and the transfers that you are a side of; `held` is
    false if that is nothing, whoever else holds the number. A supervisory authority sees everything and must
    give a `reason`. A number that cannot be read is refused with the reason in `reason`, and is not repeated.
    """
    # Taken by hand what others get as dependencies: three of them cost more than to find the case and to fill it in.
    get = resources_of(request).get
    prepared = await operations.look_up_number(get(Database), get(Snapshots), get(KeyRing), actor, body)
    return Response(render_answer(prepared), media_type="application/json")


@router.get("/datasets/{dataset_id}/lineage", summary="Get the lineage of a dataset", responses=responses(404))
async def get_dataset_lineage(
    dataset_id: Annotated[uuid.UUID, Path(description="The id of a dataset.")],
    database: DatabaseDep,
    snapshots: SnapshotsDep,
    actor: FactsReader,
    direction: Annotated[Direction, Query(description="Where to walk.")] = Direction.UPSTREAM,
    depth: Annotated[int, Query(ge=1, le=100, description="At most so many hops away.")] = 100,
) -> LineageOut:
    """What a dataset comes from, by counted numbers: an ancestor that gave it none is left out.

    Downstream is shown to whom it is due: one hop to the sender, all to a supervisory authority.
    """
    return await operations.get_dataset_lineage(database, snapshots, actor, dataset_id, direction, depth)


@router.get("/notices/{notice_id}/impact", summary="Get whom a notice reached", responses=responses(404))
async def get_notice_impact(
    notice_id: Annotated[uuid.UUID, Path(description="The id of a notice.")],
    database: DatabaseDep,
    snapshots: SnapshotsDep,
    actor: FactsReader,
) -> ImpactOut:
    """Every dataset, client and campaign that numbers collected under a notice reached, with how many.

    Whole for a supervisory authority; the collector sees one hop on from what it holds.
    """
    return await operations.get_notice_impact(database, snapshots, actor, notice_id)
