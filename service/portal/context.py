"""Who asks for a page, and in which language; the check that a form came from a page of the portal."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from service.core.db import DatabaseDep
from service.core.errors import Unauthenticated
from service.core.personal_responses import mark_personal
from service.number.app_keyring import RingDep
from service.portal.address import Page
from service.portal.phrasebook import phrases_in
from service.portal.phrases import Phrases
from service.portal.session import SESSION_COOKIE, STATE_COOKIE, PortalState
from service.portal.site import SITE
from service.verification.sessions import Person, person_of
from service.web.addresses import language_of
from service.web.site import PageRequest


@dataclass(slots=True)
class PortalRequest(PageRequest[Page, PortalState]):
    """A request for a page of the portal. `person` is the owner of a verified number, if the session is valid."""

    person: Person | None

    @property
    def phrases(self) -> Phrases:
        """What the portal says in the language of the page."""
        return phrases_in(self.language)

    def render(self, page: Page, template: str | None = None, **context: Any) -> Response:
        """A page, which shows the verified number if there is one."""
        return PageRequest.render(self, page, template, person=self.person, **context)


async def _portal_request(request: Request, database: DatabaseDep, ring: RingDep) -> PortalRequest:
    state = STATE_COOKIE.read(ring, request.cookies.get(STATE_COOKIE.name))
    token = request.cookies.get(SESSION_COOKIE)
    person = None
    if token:
        try:
            person = await person_of(database, ring, token)
            mark_personal(request)
        except Unauthenticated:
            person = None
    return PortalRequest(
        site=SITE,
        request=request,
        ring=ring,
        language=language_of(request.url.path),
        state=state or PortalState(),
        is_new=state is None,
        session_token=token,
        person=person,
    )


PortalRequestDep = Annotated[PortalRequest, Depends(_portal_request)]


class NoSession(Exception):
    """A personal page was asked for without a valid session."""

    def __init__(self, page_request: PortalRequest) -> None:
        super().__init__("no session")
        self.page_request = page_request


async def redirect_home(_: Request, problem: Exception) -> Response:
    """The answer to `NoSession`: the first page, which says why. Browsers drop the session's cookie when it ends."""
    assert isinstance(problem, NoSession)
    page_request = problem.page_request
    page_request.state.flash = page_request.phrases.home.expired
    return page_request.redirect(Page.HOME)


async def _person(page_request: PortalRequestDep) -> Person:
    if page_request.person is None:
        raise NoSession(page_request)
    return page_request.person


PersonOfPageDep = Annotated[Person, Depends(_person)]


async def _form(page_request: PortalRequestDep) -> dict[str, str]:
    return await page_request.read_form()


FormDep = Annotated[dict[str, str], Depends(_form)]
