"""A site of two pages, to test what all sites share without a database."""

from enum import StrEnum
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from service.core.body_limits import BodyLimits
from service.core.bounded_route import BoundedRoute
from service.core.error_handlers import install
from service.core.middleware import OutermostMiddleware
from service.web.addresses import Addresses, Paths, language_of
from service.web.assets import Assets
from service.web.browser_state import BrowserState, StateCookie
from service.web.problem_pages import ProblemPages
from service.web.site import PageRequest, Site
from service.web.templates import Templates
from service.wording.language import Language
from tests.persons import ring_of_tests


class Page(StrEnum):
    """A page with a form, and the page that the form leads to."""

    ASK = "ask"
    DONE = "done"


class Phrases(NamedTuple):
    """What the pages say."""

    title: str
    label: str
    missing: str
    done: str


class State(BrowserState):
    """What is carried from page to page."""

    name: str | None = None


PHRASES: Final = {
    Language.FR: Phrases("Votre nom", "Nom", "Saisissez un nom.", "Merci"),
    Language.EN: Phrases("Your name", "Name", "Enter a name.", "Thank you"),
}
SESSION_COOKIE: Final = "__Host-small"
ADDRESSES: Final = Addresses({Page.ASK: Paths("/", "/en/"), Page.DONE: Paths("/merci/{number}", "/en/done/{number}")})
ASSETS: Final = Assets.of_site("tests.web", "/files")
SITE: Final = Site(
    pages=Page,
    home=Page.ASK,
    addresses=ADDRESSES,
    templates=Templates("tests.web", ASSETS),
    cookie=StateCookie("__Host-small-state", State),
    phrases=PHRASES.__getitem__,
)
router = APIRouter(route_class=BoundedRoute)


async def _page_request(request: Request) -> PageRequest[Page, State]:
    ring = ring_of_tests()
    state = SITE.cookie.read(ring, request.cookies.get(SITE.cookie.name))
    language, token = language_of(request.url.path), request.cookies.get(SESSION_COOKIE)
    return PageRequest(SITE, request, ring, language, state or State(), state is None, token)


PageRequestDep = Annotated[PageRequest[Page, State], Depends(_page_request)]


@ADDRESSES.route(router, Page.ASK)
async def get_ask_page(page_request: PageRequestDep) -> Response:
    """The page with the form."""
    return page_request.render(Page.ASK)


@ADDRESSES.route(router, Page.ASK, "POST")
async def submit_name(page_request: PageRequestDep) -> Response:
    """Thank for the name, or ask again for one that has a letter."""
    name = (await page_request.read_form()).get("name", "")
    phrases = PHRASES[page_request.language]
    if not name.isalpha():
        return page_request.redirect_with_error(Page.ASK, "name", phrases.missing, {"name": name})
    page_request.state.name, page_request.state.flash = name, f"{phrases.done}, {name}"
    return page_request.redirect(Page.ASK)


@ADDRESSES.route(router, Page.DONE)
async def get_done_page(page_request: PageRequestDep) -> Response:
    """The page that thanks."""
    return page_request.render(Page.DONE)


def create_small_app() -> FastAPI:
    """The site as an application."""
    app = FastAPI()
    install(app)
    app.include_router(router)
    app.include_router(ASSETS.router())
    app.add_middleware(OutermostMiddleware, limits=BodyLimits(1024 * 1024, 1024))
    app.add_middleware(ProblemPages, site=SITE)
    return app
