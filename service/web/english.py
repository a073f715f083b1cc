"""What every site says in English."""

from typing import Final

from service.web.phrases import Frame, Phrases, Problems, ProblemText
from service.wording.language import Language
from service.wording.typography import typeset_all

PHRASES: Final = typeset_all(
    Language.EN,
    Phrases(
        frame=Frame(
            site="Filiation",
            skip="Skip to content",
            menu="Main menu",
            foot_menu="Footer",
            switch="Français",
            error_prefix="Error: {title}",
        ),
        problems=Problems(
            by_slug={
                "form_expired": ProblemText(
                    "This form has expired",
                    "It was opened long ago, or during another visit. Nothing was recorded. Start again from the home "
                    "page.",
                ),
                "form_cross_site": ProblemText(
                    "This form does not come from here",
                    "Another site sent it. Nothing was recorded. Start again from the home page.",
                ),
                "cookie_missing": ProblemText(
                    "Your browser did not send back the cookie of this visit",
                    "Without it, nothing shows that the form comes from you. Allow this site's cookies, and open it at "
                    "an address that begins with https.",
                ),
            },
            by_status={
                404: ProblemText("Page not found", "The address may be incomplete, or the page is not yours."),
                405: ProblemText("This page cannot be opened that way", "Start again from the home page."),
                413: ProblemText("Too much text", "This form takes only a few characters."),
                429: ProblemText("Too many requests", "This limit protects against abuse. Please wait a little."),
                500: ProblemText(
                    "Something broke on our side",
                    "Nothing was recorded. Try again. If it happens again, tell the operator of this registry.",
                ),
                503: ProblemText("The site is busy", "Too many requests are arriving at once. Try again in a moment."),
            },
            other=ProblemText("That did not work", "Nothing was recorded. Start again from the home page."),
            home="Home page",
            wait="Try again in {wait}.",
        ),
    ),
)
