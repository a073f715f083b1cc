"""HTTP of the portal. Its pages are not part of the API: programs do the same by the API's operations."""

from typing import Final

from fastapi import FastAPI

from service.portal import (
    answer_page,
    contest_pages,
    deadline_pages,
    downloads,
    objection_pages,
    outbox_page,
    public_pages,
    request_pages,
    sign_in,
)
from service.portal.context import NoSession, redirect_home
from service.portal.site import ASSETS, SITE
from service.web.problem_pages import ProblemPages

ROUTERS: Final = (
    sign_in.router,
    answer_page.router,
    downloads.router,
    objection_pages.router,
    contest_pages.router,
    request_pages.router,
    deadline_pages.router,
    public_pages.router,
    outbox_page.router,
    ASSETS.router(),
)


def install(app: FastAPI) -> None:
    """Add the pages to an application. Call it last, so that what goes wrong anywhere in it can become a page."""
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(NoSession, redirect_home)
    app.add_middleware(ProblemPages, site=SITE)
