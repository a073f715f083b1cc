"""HTTP of the pages. They are no part of the API: what they do, programs do by its operations."""

from typing import Final

from fastapi import FastAPI

from service.portal import answer_page, downloads, objection_pages, outbox_page, public_pages, request_pages, sign_in
from service.portal.context import SessionOver, begin_anew
from service.portal.problem_pages import ProblemPages

ROUTERS: Final = (
    sign_in.router,
    answer_page.router,
    downloads.router,
    objection_pages.router,
    request_pages.router,
    public_pages.router,
    outbox_page.router,
)


def install(app: FastAPI) -> None:
    """Add the pages to an application: last, so that what goes wrong anywhere in it can become a page."""
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(SessionOver, begin_anew)
    app.add_middleware(ProblemPages)
