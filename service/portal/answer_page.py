"""The answer: the report of a number, and the screenshots that belong to it."""

import uuid
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from service.collection.models import EvidenceContent, NoticeEvidence
from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.disclosure import operations
from service.disclosure.blocks import Quote, Report
from service.portal.address import Page
from service.portal.context import PersonOfPageDep, VisitorDep
from service.portal.routing import at
from service.provenance.routes import SnapshotsDep
from service.wording.language import write_day

router = APIRouter()


async def _report(
    visitor: VisitorDep, person: PersonOfPageDep, database: DatabaseDep, snapshots: SnapshotsDep
) -> Report:
    return await operations.get_report(database, snapshots, visitor.ring, person, visitor.language)


ReportDep = Annotated[Report, Depends(_report)]


@at(router, Page.ANSWER)
async def show_answer(visitor: VisitorDep, person: PersonOfPageDep, report: ReportDep) -> Response:
    """Who collected the number, in which words, whose hands it went through, and what can be done."""
    since = person.owned_since
    return visitor.show(Page.ANSWER, report=report, since=write_day(visitor.language, since) if since else None)


@at(router, Page.EVIDENCE)
async def get_evidence_of_answer(evidence_id: uuid.UUID, report: ReportDep, database: DatabaseDep) -> Response:
    """A screenshot that stands in the person's own answer. Any other is not told apart from none."""
    if evidence_id not in set(_evidence_in(report)):
        raise NotFound("piece of evidence")
    async with database.snapshot() as session:
        evidence = await session.get_one(NoticeEvidence, evidence_id)
        content = await session.get_one(EvidenceContent, evidence_id)
    # What somebody else uploaded is shown as the picture that it is, and runs nothing.
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin"}
    if not evidence.media_type.startswith("image/"):
        headers["Content-Disposition"] = "attachment"
    return Response(content.content, media_type=evidence.media_type, headers=headers)


def _evidence_in(report: Report) -> Iterator[uuid.UUID]:
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Quote):
                yield from (screenshot.evidence_id for screenshot in block.screenshots)
