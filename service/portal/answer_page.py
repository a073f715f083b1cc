"""The answer: the report of a number, and the screenshots that belong to it."""

import base64
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from service.collection.evidence_content import read_content
from service.collection.models import NoticeEvidence
from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.disclosure import operations
from service.disclosure.blocks import Quote, Report, Screenshot
from service.portal.address import ADDRESSES, Page
from service.portal.context import PersonOfPageDep, PortalRequestDep
from service.provenance.routes import SnapshotsDep
from service.web.site import PAGES
from service.wording.language import write_day

router = APIRouter(route_class=BoundedRoute)


async def _report(
    page_request: PortalRequestDep, person: PersonOfPageDep, database: DatabaseDep, snapshots: SnapshotsDep
) -> Report:
    return await operations.get_report(database, snapshots, page_request.ring, person, page_request.language)


ReportDep = Annotated[Report, Depends(_report)]


@ADDRESSES.route(router, Page.ANSWER)
async def get_answer_page(page_request: PortalRequestDep, person: PersonOfPageDep, report: ReportDep) -> Response:
    """Who collected the number, in which words, who received it, and what the person can do."""
    since = person.owned_since
    written = write_day(page_request.language, since) if since else None
    return await PAGES.run(partial(page_request.render, Page.ANSWER, report=report, since=written))


@ADDRESSES.route(router, Page.EVIDENCE)
async def get_evidence(
    page_request: PortalRequestDep, evidence_id: uuid.UUID, report: ReportDep, database: DatabaseDep
) -> Response:
    """A screenshot in the person's own answer. Any other is not distinguished from one that does not exist.

    The answer links to it and loads none: their number and sizes would show how many origins the number has, and which.
    The file is within this page, which is padded like every other, so that its own size does not show it either. An
    organisation uploaded it: the browser shows it as a picture, or saves it unchanged.
    """
    screenshot = next((each for each in _screenshots_in(report) if each.evidence_id == evidence_id), None)
    if screenshot is None:
        raise NotFound("piece of evidence")
    async with database.snapshot() as session:
        evidence = await session.get_one(NoticeEvidence, evidence_id)
        content = await read_content(session, page_request.ring, evidence)
    address = f"data:{screenshot.media_type};base64,{base64.b64encode(content).decode()}"
    page = partial(
        page_request.render,
        Page.EVIDENCE,
        with_pictures=True,
        screenshot=screenshot,
        address=address,
        file_name=f"filiation-{evidence_id}.{screenshot.media_type.partition('/')[2]}",
    )
    return await PAGES.run(page)


def _screenshots_in(report: Report) -> Iterator[Screenshot]:
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Quote):
                yield from block.screenshots
