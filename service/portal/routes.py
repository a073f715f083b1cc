"""HTTP of the pages. They are no part of the API: what they do, programs do by its operations."""

from typing import Final

from fastapi import FastAPI

from service.portal import answer, downloads, entry, history, outbox, public, wishes
from service.portal.problems import ProblemPages
from service.portal.visitor import SessionOver, begin_anew

ROUTERS: Final = (
    entry.router,
    answer.router,
    downloads.router,
    wishes.router,
    history.router,
    public.router,
    outbox.router,
)


def install(app: FastAPI) -> None:
    """Add the pages to an application: last, so that what goes wrong anywhere in it can become a page."""
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(SessionOver, begin_anew)
    app.add_middleware(ProblemPages)
