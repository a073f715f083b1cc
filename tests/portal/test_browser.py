"""The whole way in a real browser: from the number to the answer, the objection, and what holders do about it."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from service.core.vocabulary import RelayState
from service.portal.address import Page
from service.portal.words import WORDS
from service.wording.language import Language
from tests.builders import number
from tests.portal.browsing import FAR_NAME, NARROW, WIDE, Person, Service, person_in

SAID = {
    Language.FR: (
        "Selon Contact Direct SAS, Comparauto SAS a recueilli votre numéro",
        "Enseigne Maison SA a recueilli votre numéro",
        "Mouvement du Rivage a envoyé 2 SMS à votre numéro",
    ),
    Language.EN: (
        "According to Contact Direct SAS, Comparauto SAS collected your number",
        "Enseigne Maison SA collected your number",
        "Mouvement du Rivage sent 2 text messages to your number",
    ),
}
WORDING = (
    "☐ J'accepte de recevoir par SMS des offres et des messages d'information politique des partenaires listés ici."
)
REASON = "Nous gardons la preuve du consentement."


@pytest.mark.parametrize(
    ("language", "screen", "scripts", "last_four"),
    [
        (Language.FR, NARROW, True, 5200),
        (Language.FR, WIDE, False, 5201),
        (Language.EN, NARROW, False, 5202),
        (Language.EN, WIDE, True, 5203),
    ],
    ids=["fr-narrow", "fr-wide-without-scripts", "en-narrow-without-scripts", "en-wide"],
)
def test_somebody_asks_sees_objects_and_follows_every_hop(
    browser: Browser, service: Service, language: Language, screen: Any, scripts: bool, last_four: int
) -> None:
    someone = person_in(browser, service, language, last_four, viewport=screen, java_script_enabled=scripts)
    someone.enter()
    assert someone.is_at(Page.ANSWER)
    told = someone.read()
    assert all(sentence in told for sentence in SAID[language])
    assert WORDING in told
    someone.object()
    assert someone.is_at(Page.REQUESTS)
    assert someone.words.requests.done in someone.page.content()
    _follow(someone)
    someone.press(someone.words.frame.leave)
    assert someone.is_at(Page.HOME)
    someone.go(Page.ANSWER)
    assert someone.is_at(Page.HOME)
    assert someone.troubles == []
    someone.context.close()


def _follow(someone: Person) -> None:
    """Each holder reports through the API, and the page says so."""
    states, service = someone.words.requests.states, someone.service
    waiting, done = states[RelayState.PENDING], states[RelayState.COMPLETED]
    hops = someone.hops()
    assert hops == {
        "Comparauto SAS": states[RelayState.UNDELIVERABLE],
        **dict.fromkeys(
            ("Contact Direct SAS", "Enseigne Maison SA", "Mouvement du Rivage", "Parti de l'Aube"), waiting
        ),
    }
    relay = service.relay("contact-direct", someone.last_four)
    assert someone.hops() == hops | {"Contact Direct SAS": states[RelayState.DELIVERED]}
    service.caller("contact-direct").post(f"/v1/objections/relays/{relay}/acknowledge")
    assert someone.hops() == hops | {"Contact Direct SAS": states[RelayState.ACKNOWLEDGED]}
    service.caller("contact-direct").post(f"/v1/objections/relays/{relay}/complete")
    assert someone.hops() == hops | {"Contact Direct SAS": done}
    relay = service.relay("aube", someone.last_four)
    service.caller("aube").post(f"/v1/objections/relays/{relay}/refuse", {"reason": REASON})
    assert someone.hops()["Parti de l'Aube"] == states[RelayState.REFUSED]
    assert REASON in someone.read()
    assert someone.words.requests.open in someone.read()
    for holder in ("enseigne-maison", "rivage"):
        service.caller(holder).post(f"/v1/objections/relays/{service.relay(holder, someone.last_four)}/complete")
    assert list(someone.hops().values()).count(done) == 3
    assert someone.words.requests.open not in someone.read()


def test_the_answer_is_taken_along_and_a_letter_is_ready(browser: Browser, service: Service) -> None:
    someone = person_in(browser, service, Language.FR, 4600)
    someone.enter()
    for form, beginning in (("pdf", b"%PDF-"), ("json", b"{")):
        with someone.page.expect_download() as download:
            someone.page.locator(f"button[value={form}]").click()
        assert download.value.path().read_bytes().startswith(beginning)
        assert download.value.suggested_filename.endswith(f".{form}")
    someone.object()
    with someone.page.expect_download() as download:
        someone.page.get_by_role("link", name=someone.words.requests.letter).click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    assert someone.troubles == []
    someone.context.close()


def test_a_screenshot_is_shown_to_whom_it_concerns_and_to_nobody_else(browser: Browser, service: Service) -> None:
    someone = person_in(browser, service, Language.FR, 5205)
    someone.enter()
    picture = someone.page.locator(".evidence img")
    address = picture.get_attribute("src")
    assert picture.evaluate("async picture => { await picture.decode(); return picture.naturalWidth; }") > 0
    other = person_in(browser, service, Language.FR, 1500)
    other.enter()
    refused = other.page.goto(service.url + str(address))
    assert refused is not None
    assert refused.status == 404
    stranger = person_in(browser, service, Language.FR, 5205)
    stranger.page.goto(service.url + str(address))
    assert stranger.is_at(Page.HOME)
    for one in (someone, other, stranger):
        one.context.close()


def test_the_pages_are_worked_by_keyboard_alone(browser: Browser, service: Service) -> None:
    someone = person_in(browser, service, Language.FR, 5206)
    someone.go(Page.HOME)
    keys, page = someone.page.keyboard, someone.page
    keys.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    keys.press("Enter")
    keys.press("Tab")
    assert page.evaluate("document.activeElement.id") == "number"
    keys.type("bonjour")
    keys.press("Enter")
    # The mistake is where the reader goes on: in the field, with what was typed.
    page.locator("#number[aria-invalid=true]:focus").wait_for()
    assert someone.is_at(Page.HOME)
    described = page.evaluate("document.activeElement.getAttribute('aria-describedby')").split()
    assert someone.words.problems.fields["number_invalid"] in page.locator(f"#{described[-1]}").inner_text()
    keys.press("Control+A")
    keys.type(number(5206))
    keys.press("Enter")
    page.wait_for_url(someone.path(Page.CODE))
    someone.context.close()


@pytest.mark.parametrize(
    ("last_four", "says"),
    [
        (1500, ("Jeux & Lots SARL a recueilli votre numéro", "Mouvement du Rivage, n’en a rien dit")),
        (2500, ("Jeux & Lots SARL", "Comparauto SAS", "Revente Data SARL l’a reçu de Contact Direct SAS")),
        (
            6666,
            ("Envoyé au moins 7 h 20 après votre STOP", "2 messages ont été envoyés à votre numéro après votre STOP"),
        ),
        (7777, ("3 messages ont été envoyés à votre numéro après votre opposition du 20 mai 2024", "Envoyé 17 jours")),
        (9001, ("aucune origine déclarée",)),
        (9999, ("aucun organisme enregistré",)),
    ],
)
def test_the_page_says_what_is_known_of_each_number(
    browser: Browser, service: Service, last_four: int, says: tuple[str, ...]
) -> None:
    someone = person_in(browser, service, Language.FR, last_four, viewport=NARROW, java_script_enabled=False)
    someone.enter()
    told = " ".join(someone.read().split()).casefold()
    assert [sentence for sentence in says if sentence.casefold() not in told] == []
    assert someone.troubles == []
    someone.context.close()


def test_without_tls_no_number_leaves_the_browser(browser: Browser, service: Service) -> None:
    context, posted = browser.new_context(), []
    page = context.new_page()
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.goto(service.url.replace("127.0.0.1", FAR_NAME))
    page.get_by_label(WORDS[Language.FR].home.label).fill(number(5207))
    # The browser makes the form's address one of TLS, which is another than the page's own, and sends nothing.
    with page.expect_console_message(lambda said: "form-action" in said.text):
        page.get_by_role("button", name=WORDS[Language.FR].home.send).click(no_wait_after=True)
    assert posted == []
    assert context.cookies() == []
    context.close()
