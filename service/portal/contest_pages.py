"""Contests: a person says that they did not give an agreement, after a plain confirmation, and may take that back."""

import uuid
from functools import partial

from fastapi import APIRouter, Response

from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep
from service.core.errors import Conflict, NotFound
from service.core.task_queue import QueueDep
from service.objection import contests
from service.objection.contest_schemas import ContestIn
from service.objection.contests import has_origin
from service.objection.current_holders import holders_of_key
from service.portal.address import ADDRESSES, Page
from service.portal.context import FormDep, PersonOfPageDep, PortalRequestDep
from service.provenance.graph.fact_index import notice_of
from service.provenance.routes import SnapshotsDep
from service.web.site import PAGES

router = APIRouter(route_class=BoundedRoute)


@ADDRESSES.route(router, Page.CONTEST)
async def get_contest_page(
    page_request: PortalRequestDep, person: PersonOfPageDep, snapshots: SnapshotsDep, dataset_id: uuid.UUID
) -> Response:
    """Which agreement is about to be contested, and which organisations that reaches.

    Any other origin is not distinguished from one that does not exist.
    """
    holders = await holders_of_key(snapshots, person.key)
    if not has_origin(holders, dataset_id):
        raise NotFound("origin of your number")
    facts = holders.snapshot.graph.facts
    collection_id = facts.datasets[dataset_id].collection_id
    assert collection_id is not None, "an origin was collected"
    collection = facts.collections[collection_id]
    page = partial(
        page_request.render,
        Page.CONTEST,
        dataset_id=dataset_id,
        collector=facts.organisations[collection.collector_id].legal_name,
        address=collection.address,
        wording=notice_of(facts, dataset_id).wording,
        reached=sorted(facts.organisations[holder_id].legal_name for holder_id in holders.on_paths_from(dataset_id)),
    )
    return await PAGES.run(page)


@ADDRESSES.route(router, Page.CONTEST, "POST")
async def confirm_contest(
    page_request: PortalRequestDep,
    person: PersonOfPageDep,
    _: FormDep,
    database: DatabaseDep,
    snapshots: SnapshotsDep,
    queue: QueueDep,
    dataset_id: uuid.UUID,
) -> Response:
    """Record the contest. The next page shows how far each organisation has got with it."""
    try:
        async with database.transaction() as session:
            wanted = ContestIn(dataset_id=dataset_id)
            await contests.contest_origin(session, snapshots, page_request.ring, queue, person, wanted)
    except NotFound:
        page_request.state.flash = page_request.phrases.contest.gone
        return page_request.redirect(Page.ANSWER)
    page_request.state.flash = page_request.phrases.requests.recorded_now
    return page_request.redirect(Page.REQUESTS)


@ADDRESSES.route(router, Page.WITHDRAWAL, "POST")
async def withdraw_contest(
    page_request: PortalRequestDep,
    person: PersonOfPageDep,
    _: FormDep,
    database: DatabaseDep,
    objection_id: uuid.UUID,
) -> Response:
    """Take a contest back. One that was taken back already stays so."""
    try:
        async with database.transaction() as session:
            await contests.withdraw_contest(session, page_request.ring, person, objection_id)
    except Conflict:
        return page_request.redirect(Page.REQUESTS)
    page_request.state.flash = page_request.phrases.requests.taken_back_now
    return page_request.redirect(Page.REQUESTS)
