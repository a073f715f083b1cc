"""A site: pages with one frame, one set of addresses and one state in the browser; and a request for one of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from service.core.errors import Forbidden
from service.core.security_headers import is_local
from service.core.threads import WorkThreads
from service.number.keyring import KeyRing
from service.web.addresses import Addresses, PageT, other_language
from service.web.browser_state import FormError, StateCookie, StateT
from service.web.forms import form_token, is_form_token, read_fields, require_same_origin
from service.web.phrasebook import phrases_in
from service.web.security_headers import page_response
from service.web.templates import Templates
from service.wording.language import Language
from service.wording.terms import Terms

# Pages that list as much as others have recorded take long to render, and are rendered there.
PAGES: Final = WorkThreads("page", 4, 32)


@dataclass(frozen=True)
class Site(Generic[PageT, StateT]):
    """What the pages of a site have in common.

    Its templates extend `web/frame.html` through a `base.html` of their own. They find `defaults` unless a page gives
    something else of that name.
    """

    pages: type[PageT]
    home: PageT
    addresses: Addresses[PageT]
    templates: Templates
    cookie: StateCookie[StateT]
    phrases: Callable[[Language], object]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def context(self, language: Language) -> dict[str, Any]:
        """What every template finds in a language, before anything is known of who reads."""

        def path(page: str, **parameters: Any) -> str:
            return self.addresses.path(self.pages(page), language, **parameters)

        def path_in_other_language(page: str, **parameters: Any) -> str:
            return self.addresses.path(self.pages(page), other_language(language), **parameters)

        return {
            "home": self.home,
            "language": language,
            "other_language": other_language(language),
            "web": phrases_in(language),
            "phrases": self.phrases(language),
            "terms": Terms(language),
            "path": path,
            "path_in_other_language": path_in_other_language,
            "page": None,
            "parameters": {},
            "form_token": "",
            "error": None,
            "flash": None,
            **self.defaults,
        }


@dataclass(slots=True)
class PageRequest(Generic[PageT, StateT]):
    """A request for a page, with what the browser carries. `is_new` says that it brought no state of this site."""

    site: Site[PageT, StateT]
    request: Request
    ring: KeyRing
    language: Language
    state: StateT
    is_new: bool
    session_token: str | None

    def render(
        self, page: PageT, template: str | None = None, *, with_pictures: bool = False, **context: Any
    ) -> Response:
        """A page, which may bring pictures of its own as `data:` addresses.

        An error or a flash message that was carried here for it is shown once.
        """
        error = self.state.error if self.state.error and self.state.error.page == page else None
        flash, self.state.error, self.state.flash = self.state.flash, None, None
        shared = self.site.context(self.language) | {
            "page": page.value,
            "parameters": self.request.path_params,
            "form_token": form_token(self.ring, self.state.nonce, self.session_token),
            "error": error,
            "flash": flash,
        }
        text = self.site.templates.render(template or f"{page.value}.html", shared | context)
        local = is_local(self.request.headers.get("host", ""))
        response = page_response(text, 200, local=local, with_pictures=with_pictures)
        self.site.cookie.set(response, self.ring, self.state)
        return response

    def redirect(self, page: PageT) -> Response:
        """The answer to a form: go to a page. A reader who loads again loads that page, and sends nothing twice."""
        response = RedirectResponse(self.site.addresses.path(page, self.language), 303)
        self.site.cookie.set(response, self.ring, self.state)
        return response

    def redirect_with_error(
        self, page: PageT, field_name: str, text: str, typed: Mapping[str, str] | None = None
    ) -> Response:
        """The answer to a form with an error: go back to it, with what was typed."""
        self.state.error = FormError(page=page, field=field_name, text=text, typed=dict(typed or {}))
        return self.redirect(page)

    async def read_form(self) -> dict[str, str]:
        """The fields of a form that a page of this site sent to this browser in this session.

        Raises:
            Forbidden: the form comes from elsewhere, from another session, or without the site's cookie.
            UnsupportedMedia, TooLarge: see `read_fields`.
        """
        require_same_origin(self.request.headers)
        if self.is_new:
            raise Forbidden("cookie_missing", "The cookie is missing. Allow cookies, and open the page over https.")
        fields = await read_fields(self.request)
        if not is_form_token(self.ring, self.state.nonce, self.session_token, fields.get("token", "")):
            raise Forbidden("form_expired", "This form has expired. Open its page again, and send the form from there.")
        # What an earlier form left to be shown is not about this one.
        self.state.error = self.state.flash = None
        return fields
