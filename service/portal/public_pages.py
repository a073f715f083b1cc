"""Pages for everybody: how it works, and privacy."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from service.core.bounded_route import BoundedRoute
from service.core.db import SessionDep
from service.portal.address import ADDRESSES, Page
from service.portal.context import PortalRequestDep
from service.portal.controller import write_operators
from service.wording.language import Language

router = APIRouter(route_class=BoundedRoute)


@ADDRESSES.route(router, Page.HOW)
async def get_how_page(page_request: PortalRequestDep) -> Response:
    """How it works."""
    return page_request.render(Page.HOW)


@ADDRESSES.route(router, Page.PRIVACY)
async def get_privacy_page(page_request: PortalRequestDep, session: SessionDep) -> Response:
    """What is kept about people and for how long, the risks that were weighed, and where to write."""
    return page_request.render(Page.PRIVACY, operators=await write_operators(session))


@router.get("/en", include_in_schema=False)
async def redirect_to_english() -> Response:
    """The address of the English home page ends with a slash, which people leave out."""
    return RedirectResponse(ADDRESSES.path(Page.HOME, Language.EN), 308)
