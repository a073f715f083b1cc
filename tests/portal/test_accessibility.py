"""Every page, light and dark, on a telephone and on a desk: axe finds nothing, and nothing runs off the screen.

Which words run off depends on the language and on the screen, so each language is read on each. Axe looks at the
markup, which both languages share, and at its colours.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from service.portal.address import Page
from service.wording.language import Language
from tests.builders import number
from tests.objection.publication_builders import admit_in, last_due_quarter, publish, receive_requests
from tests.portal.browsing import NARROW, WIDE, Person, Service, keep_picture, person_in, violations
from tests.portal.widths import Reading, too_wide

# Each screen is read in letters of twice the size too (WCAG 2.2, 1.4.4). Styles that depend on a screen's width see
# those as half the width, which a script cannot have them see: so a desk is made half as wide instead. A page fits
# in 320 pixels (1.4.10).
_READINGS = {
    NARROW["width"]: [Reading(360, "100%"), Reading(360, "200%"), Reading(320, "100%"), Reading(180, "100%")],
    WIDE["width"]: [Reading(1280, "100%"), Reading(640, "100%")],
}


def _every_page(person: Person) -> Iterator[str]:
    """Go through the pages as a person does, and give the name of each state of a page."""
    yield from _public_pages(person)
    yield from _signing_in(person)
    yield Page.ANSWER
    person.page.locator("summary").click()
    yield "answer-path-in-words"
    yield from _objecting(person)
    yield from _contesting(person)


def _public_pages(person: Person) -> Iterator[str]:
    for page in (Page.HOME, Page.HOW, Page.PRIVACY, Page.DEADLINES):
        person.go(page)
        yield page
    person.page.goto(person.path(Page.HOME) + "nothing")
    # Chromium reports the status 404 on the console.
    person.troubles.clear()
    yield "problem"


def _signing_in(person: Person) -> Iterator[str]:
    phrases, page = person.phrases, person.page
    person.type_number("bonjour")
    yield "home-error"
    person.type_number(number(person.last_four))
    yield Page.CODE
    page.get_by_label(phrases.code.label).fill("x")
    person.press(phrases.code.confirm)
    yield "code-error"
    person.go(Page.OUTBOX)
    yield Page.OUTBOX
    person.go(Page.CODE)
    page.get_by_label(phrases.code.label).fill(person.code())
    person.press(phrases.code.confirm)
    yield Page.SINCE
    person.press(phrases.since.skip)


def _objecting(person: Person) -> Iterator[str]:
    phrases, page = person.phrases, person.page
    person.go(Page.REQUESTS)
    yield "requests-none"
    person.go(Page.OBJECTION)
    yield Page.OBJECTION
    page.get_by_label(phrases.objection.organisation).check()
    person.press(phrases.objection.next)
    yield "objection-error"
    page.get_by_label(phrases.objection.everything).check()
    person.press(phrases.objection.next)
    yield Page.CONFIRMATION
    person.press(phrases.confirmations.objection.go)
    _answer_as_holders(person)
    page.reload()
    yield Page.REQUESTS
    person.go(Page.ERASURE)
    yield Page.ERASURE
    person.press(phrases.erasure.next)
    yield "confirmation-erasure"
    _publish_a_quarter(person.service)
    person.go(Page.DEADLINES)
    yield "deadlines-some"


def _contesting(person: Person) -> Iterator[str]:
    phrases, page, service = person.phrases, person.page, person.service
    person.go(Page.ANSWER)
    page.get_by_role("link", name=phrases.contest.link).first.click()
    yield Page.CONTEST
    person.press(phrases.contest.go)
    answer = {"answer_text": "La case a été cochée le 3 mai 2023.", "consent_record_id": "EM-2023-000417"}
    collector = service.caller("enseigne-maison")
    relays = collector.get("/v1/objections/relays", params={"limit": 1000})["items"]
    own = next(row for row in relays if row["kind"] == "contest" and row["number"] == number(person.last_four))
    collector.post(f"/v1/objections/relays/{own['id']}/answer", answer)
    page.reload()
    yield "requests-contested"
    person.go(Page.ANSWER)
    yield "answer-contested"


def _publish_a_quarter(service: Service) -> None:
    """Publish the last quarter that is due, with requests for two organisations."""
    quarter = last_due_quarter()
    admit_in(service.dsn, quarter)
    receive_requests(service.dsn, service.story.ids["contact-direct"], quarter, in_time=62, late=13, open_=11)
    receive_requests(service.dsn, service.story.ids["aube"], quarter, in_time=28, open_=3)
    publish(service.dsn)


def _answer_as_holders(person: Person) -> None:
    """Bring the relays into different states, so that the page shows each of them."""
    service = person.service
    answers: dict[str, tuple[str, Any]] = {
        "contact-direct": ("complete", None),
        "aube": ("refuse", {"reason": "Nous gardons la preuve du consentement (article 17, 3, e)."}),
        "enseigne-maison": ("acknowledge", None),
    }
    for holder, (operation, body) in answers.items():
        relay = service.relay(holder, person.last_four)
        service.caller(holder).post(f"/v1/objections/relays/{relay}/{operation}", body)


@pytest.mark.parametrize(
    ("language", "screen", "scheme", "with_axe", "last_four"),
    [
        (Language.FR, WIDE, "light", True, 6000),
        (Language.FR, NARROW, "dark", True, 6001),
        (Language.EN, NARROW, "light", False, 6002),
        (Language.EN, WIDE, "dark", False, 6003),
    ],
    ids=["fr-wide-light", "fr-narrow-dark", "en-narrow-light", "en-wide-dark"],
)
def test_every_page_is_accessible_and_fits_its_screen(
    browser: Browser, service: Service, language: Language, screen: Any, scheme: Any, with_axe: bool, last_four: int
) -> None:
    person = person_in(browser, service, language, last_four, viewport=screen, color_scheme=scheme)
    found: dict[str, list[str]] = {}
    size = "narrow" if screen is NARROW else "wide"
    for name in _every_page(person):
        keep_picture(person.page, f"{name}-{language}-{size}-{scheme}")
        found[name] = violations(person.page) if with_axe else []
        found[name] += too_wide(person.page, _READINGS[screen["width"]])
        found[name] += person.troubles
        assert person.page.locator("h1").count() == 1
        assert person.page.locator("html").get_attribute("lang") == language
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    person.context.close()


def test_too_wide_names_the_element_that_does_not_fit(browser: Browser, service: Service) -> None:
    person = person_in(browser, service, Language.FR, 6004, viewport=NARROW)
    person.go(Page.HOW)
    person.page.evaluate("document.querySelector('h1').style.whiteSpace = 'nowrap'")
    found = too_wide(person.page, [Reading(360, "200%")])
    assert found
    assert [line for line in found if "<h1 " not in line] == []
    person.context.close()
