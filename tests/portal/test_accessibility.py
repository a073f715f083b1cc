"""Every page, light and dark, on a telephone and on a desk: axe finds nothing, and nothing runs off the screen."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from service.portal.address import Page
from service.wording.language import Language
from tests.builders import number
from tests.inspection import rows
from tests.portal.browsing import NARROW, WIDE, Person, Service, keep_picture, person_in, violations
from tests.portal.widths import Reading, too_wide

# Each screen is read in letters of twice the size too (WCAG 2.2, 1.4.4). Styles that depend on a screen's width see
# those as half the width, which a script cannot have them see: so a desk is made half as wide instead. A page fits
# in 320 pixels (1.4.10).
_READINGS = {
    NARROW["width"]: [Reading(360, "100%"), Reading(360, "200%"), Reading(320, "100%"), Reading(180, "100%")],
    WIDE["width"]: [Reading(1280, "100%"), Reading(640, "100%")],
}


def _every_page(someone: Person) -> Iterator[str]:
    """Goes through the pages as somebody does, and gives the name of each state of one."""
    yield from _public_pages(someone)
    yield from _entering(someone)
    yield Page.ANSWER
    someone.page.locator("summary").click()
    yield "answer-picture-in-words"
    yield from _asking(someone)


def _public_pages(someone: Person) -> Iterator[str]:
    for page in (Page.HOME, Page.HOW, Page.PRIVACY, Page.DEADLINES):
        someone.go(page)
        yield page
    someone.page.goto(someone.path(Page.HOME) + "nothing")
    # Chromium says on the console that there is nothing, too.
    someone.troubles.clear()
    yield "problem"


def _entering(someone: Person) -> Iterator[str]:
    words, page = someone.words, someone.page
    someone.type_number("bonjour")
    yield "home-mistake"
    someone.type_number(number(someone.last_four))
    yield Page.CODE
    page.get_by_label(words.code.label).fill("x")
    someone.press(words.code.confirm)
    yield "code-mistake"
    someone.go(Page.OUTBOX)
    yield Page.OUTBOX
    someone.go(Page.CODE)
    page.get_by_label(words.code.label).fill(someone.code())
    someone.press(words.code.confirm)
    yield Page.SINCE
    someone.press(words.since.skip)


def _asking(someone: Person) -> Iterator[str]:
    words, page = someone.words, someone.page
    someone.go(Page.REQUESTS)
    yield "requests-none"
    someone.go(Page.OBJECTION)
    yield Page.OBJECTION
    page.get_by_label(words.objection.organisation).check()
    someone.press(words.objection.go_on)
    yield "objection-mistake"
    page.get_by_label(words.objection.everything).check()
    someone.press(words.objection.go_on)
    yield Page.CONFIRMATION
    someone.press(words.confirmation.objection_go)
    _answer_as_holders(someone)
    page.reload()
    yield Page.REQUESTS
    someone.go(Page.ERASURE)
    yield Page.ERASURE
    someone.press(words.erasure.go_on)
    yield "confirmation-erasure"
    # The table counts what came before midnight.
    rows(someone.service.dsn, "UPDATE relay SET recorded_at = recorded_at - interval '1 day'")
    someone.go(Page.DEADLINES)
    yield "deadlines-some"


def _answer_as_holders(someone: Person) -> None:
    """Each state of a hop is on the page."""
    service = someone.service
    said: dict[str, tuple[str, Any]] = {
        "contact-direct": ("complete", None),
        "aube": ("refuse", {"reason": "Nous gardons la preuve du consentement (article 17, 3, e)."}),
        "enseigne-maison": ("acknowledge", None),
    }
    for holder, (word, body) in said.items():
        relay = service.relay(holder, someone.last_four)
        service.caller(holder).post(f"/v1/objections/relays/{relay}/{word}", body)


@pytest.mark.parametrize(
    ("language", "screen", "scheme", "last_four"),
    [
        (Language.FR, WIDE, "light", 6000),
        (Language.FR, NARROW, "dark", 6001),
        (Language.EN, NARROW, "light", 6002),
        (Language.EN, WIDE, "dark", 6003),
    ],
    ids=["fr-wide-light", "fr-narrow-dark", "en-narrow-light", "en-wide-dark"],
)
def test_every_page_is_for_everybody(
    browser: Browser, service: Service, language: Language, screen: Any, scheme: Any, last_four: int
) -> None:
    someone = person_in(browser, service, language, last_four, viewport=screen, color_scheme=scheme)
    found: dict[str, list[str]] = {}
    size = "narrow" if screen is NARROW else "wide"
    for name in _every_page(someone):
        keep_picture(someone.page, f"{name}-{language}-{size}-{scheme}")
        found[name] = violations(someone.page)
        found[name] += too_wide(someone.page, _READINGS[screen["width"]])
        found[name] += someone.troubles
        assert someone.page.locator("h1").count() == 1
        assert someone.page.locator("html").get_attribute("lang") == language
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    someone.context.close()


def test_too_wide_names_what_does_not_fit(browser: Browser, service: Service) -> None:
    someone = person_in(browser, service, Language.FR, 6004, viewport=NARROW)
    someone.go(Page.HOW)
    someone.page.evaluate("document.querySelector('h1').style.whiteSpace = 'nowrap'")
    found = too_wide(someone.page, [Reading(360, "200%")])
    assert found
    assert all("<h1 " in line for line in found)
    someone.context.close()
