"""How organisations keep their deadlines, for everybody: the published figures of each quarter."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.core.bounded_route import BoundedRoute
from service.core.db import SessionDep
from service.objection.figures import OUTCOMES, Publication
from service.objection.publication import list_publications, read_document
from service.portal.address import ADDRESSES, Page
from service.portal.context import PortalRequestDep
from service.web.site import PAGES
from service.wording.language import write_count, write_day

router = APIRouter(route_class=BoundedRoute)


@ADDRESSES.route(router, Page.DEADLINES)
async def get_deadlines_page(page_request: PortalRequestDep, session: SessionDep) -> Response:
    """The figures of the last published quarter."""
    return await _figures_page(page_request, session, None)


@ADDRESSES.route(router, Page.QUARTER)
async def get_quarter_page(
    page_request: PortalRequestDep, session: SessionDep, quarter: Annotated[str, Path(pattern=r"^20\d\d-Q[1-4]$")]
) -> Response:
    """The figures of a published quarter, in their last version."""
    return await _figures_page(page_request, session, quarter)


async def _figures_page(page_request: PortalRequestDep, session: SessionDep, quarter: str | None) -> Response:
    published = await list_publications(session)
    document = None
    if quarter is not None or published:
        document = await read_document(session, quarter or published[0].quarter, None)

    def render() -> Response:
        return page_request.render(
            Page.DEADLINES if quarter is None else Page.QUARTER,
            "deadlines.html",
            publication=None if document is None else Publication.model_validate_json(document),
            published=published,
            columns=(*OUTCOMES, "received"),
            write_count=partial(write_count, page_request.language),
            day=partial(write_day, page_request.language),
        )

    return await PAGES.run(render)
