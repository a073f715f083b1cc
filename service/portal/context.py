"""Who visits a page and in which language; the check that a form came from one of our pages."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers

from service.core.db import DatabaseDep
from service.core.errors import Forbidden, TooLarge, Unauthenticated, UnsupportedMedia
from service.number.app_keyring import RingDep
from service.number.keyring import KeyRing
from service.portal.address import Page, language_of, other, path_of
from service.portal.phrases import Words
from service.portal.rendering import html, is_this_machine, render
from service.portal.session import (
    SESSION_COOKIE,
    VISIT_COOKIE,
    Mistake,
    Visit,
    form_token,
    is_form_token,
    keep_visit,
    open_visit,
)
from service.portal.words import WORDS
from service.verification.sessions import Person, person_of
from service.wording.language import Language

_MOST_FIELDS: Final = 20
# A form of ours has fewer, and all that people type into one.
_MOST_BYTES: Final = 8192
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Visitor:
    """A request for a page. `person` is whoever proved that a number is theirs, if the session still counts."""

    request: Request
    ring: KeyRing
    language: Language
    visit: Visit
    is_new: bool
    token: str | None
    person: Person | None

    @property
    def words(self) -> Words:
        """What pages say in this visitor's language."""
        return WORDS[self.language]

    @property
    def on_this_machine(self) -> bool:
        """Whether the page was asked for by a name of the machine itself."""
        return is_this_machine(self.request.headers.get("host", ""))

    def show(self, page: Page, template: str | None = None, **context: Any) -> Response:
        """A page. A mistake or notice that was carried here for it is shown once."""
        mistake = self.visit.mistake if self.visit.mistake and self.visit.mistake.page is page else None
        said, self.visit.mistake, self.visit.said = self.visit.said, None, None
        frame = frame_of(self.language) | {
            "page": page.value,
            "parameters": self.request.path_params,
            "person": self.person,
            "form_token": form_token(self.ring, self.visit, self.token),
            "mistake": mistake,
            "said": said,
        }
        answer = html(
            render(template or f"{page.value}.html", frame | context), 200, on_this_machine=self.on_this_machine
        )
        keep_visit(answer, self.ring, self.visit)
        return answer

    def send_to(self, page: Page) -> Response:
        """The answer to a form: go to a page, so that whoever loads again loads that one and sends nothing twice."""
        answer = RedirectResponse(path_of(page, self.language), 303)
        keep_visit(answer, self.ring, self.visit)
        return answer

    def send_back(
        self, page: Page, field: str, reason: str, kept: dict[str, str] | None = None, **values: str
    ) -> Response:
        """The answer to a form with a mistake: back to it, with what was typed."""
        self.visit.mistake = Mistake(page=page, field=field, reason=reason, values=values, kept=kept or {})
        return self.send_to(page)


def frame_of(language: Language) -> dict[str, Any]:
    """What every template is given in a language, before anybody is known."""

    def path(page: str, **parameters: Any) -> str:
        return path_of(Page(page), language, **parameters)

    def twin(page: str, **parameters: Any) -> str:
        return path_of(Page(page), other(language), **parameters)

    return {
        "language": language.value,
        "other_language": other(language).value,
        "words": WORDS[language],
        "path": path,
        "twin": twin,
        "page": None,
        "parameters": {},
        "person": None,
        "form_token": "",
        "mistake": None,
        "said": None,
    }


async def _visitor_of(request: Request, database: DatabaseDep, ring: RingDep) -> Visitor:
    visit, token = open_visit(ring, request.cookies.get(VISIT_COOKIE)), request.cookies.get(SESSION_COOKIE)
    person = None
    if token:
        try:
            person = await person_of(database, ring, token)
        except Unauthenticated:
            person = None
    language = language_of(request.url.path)
    return Visitor(request, ring, language, visit or Visit(), visit is None, token, person)


VisitorDep = Annotated[Visitor, Depends(_visitor_of)]


class SessionOver(Exception):
    """A personal page was asked for without a session that counts."""

    def __init__(self, visitor: Visitor) -> None:
        super().__init__("no session")
        self.visitor = visitor


async def begin_anew(_: Request, problem: Exception) -> Response:
    """The answer to `SessionOver`: the first page, which says why. Browsers drop the session's cookie at its end."""
    assert isinstance(problem, SessionOver)
    visitor = problem.visitor
    visitor.visit.said = visitor.words.home.expired
    return visitor.send_to(Page.HOME)


async def _person_of(visitor: VisitorDep) -> Person:
    if visitor.person is None:
        raise SessionOver(visitor)
    return visitor.person


PersonOfPageDep = Annotated[Person, Depends(_person_of)]


async def _form_of(visitor: VisitorDep) -> dict[str, str]:
    request = visitor.request
    if not _came_from_here(request.headers):
        raise Forbidden("form_refused", "Send this form from its own page.")
    if visitor.is_new:
        raise Forbidden("cookie_missing", "Allow cookies, and open the page over https.")
    fields = await _fields_of(request)
    if not is_form_token(visitor.ring, visitor.visit, visitor.token, fields.get("token", "")):
        raise Forbidden("form_refused", "Open the page anew, and send its form again.")
    # What an earlier form left to be shown is not about this one.
    visitor.visit.mistake = visitor.visit.said = None
    return fields


FormDep = Annotated[dict[str, str], Depends(_form_of)]


async def _fields_of(request: Request) -> dict[str, str]:
    """The fields of a form, sent as our pages have browsers send them.

    Of the other form of a form, the sender names the encoding: among those are some that take minutes to read.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise UnsupportedMedia("form_refused", "Send this form from its own page.")
    if len(await request.body()) > _MOST_BYTES:
        raise TooLarge(_MOST_BYTES)
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def _came_from_here(headers: Headers) -> bool:
    """Whether the browser says that a page of ours sent this. Every browser of today says one of the two."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "").partition("://")[2]
    return origin != "" and origin == headers.get("host")
