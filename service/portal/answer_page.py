"""The answer: the report of a number, and the screenshots that belong to it."""

import uuid
from collections.abc import Iterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from service.collection.evidence_content import evidence_response
from service.collection.models import NoticeEvidence
from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.disclosure import operations
from service.disclosure.blocks import Quote, Report
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
async def get_evidence(evidence_id: uuid.UUID, report: ReportDep, database: DatabaseDep) -> Response:
    """A screenshot in the person's own answer. Any other is not distinguished from one that does not exist."""
    if evidence_id not in set(_evidence_in(report)):
        raise NotFound("piece of evidence")
    async with database.snapshot() as session:
        evidence = await session.get_one(NoticeEvidence, evidence_id)
    # An organisation uploaded it: the browser shows the picture and runs nothing in it.
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin"}
    if not evidence.media_type.startswith("image/"):
        headers["Content-Disposition"] = "attachment"
    return evidence_response(database, evidence, headers)


def _evidence_in(report: Report) -> Iterator[uuid.UUID]:
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Quote):
                yield from (screenshot.evidence_id for screenshot in block.screenshots)
