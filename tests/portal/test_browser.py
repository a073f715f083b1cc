"""The whole path in a real browser: from the number to the answer, the objection, and what holders do about it."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from service.core.vocabulary import RelayState
from service.portal.address import Page
from service.portal.phrasebook import phrases_in
from service.wording.language import Language
from tests.builders import number
from tests.examples import examples
from tests.portal.browsing import FAR_NAME, NARROW, WIDE, Person, Service, keep_picture, person_in

SENTENCES = {
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
DELAY = "Deux de nos sous-traitants doivent encore chercher votre numéro."
REASON = "Nous gardons la preuve du consentement."


@pytest.mark.parametrize(
    ("language", "screen", "scripts", "last_four"),
    [
        pytest.param(Language.FR, NARROW, True, 5200, id="fr-narrow"),
        pytest.param(Language.EN, WIDE, False, 5201, id="en-wide-without-scripts"),
        pytest.param(Language.FR, WIDE, False, 5202, id="fr-wide-without-scripts"),
        pytest.param(Language.EN, NARROW, False, 5203, id="en-narrow-without-scripts"),
        pytest.param(Language.EN, WIDE, True, 5204, id="en-wide"),
    ][: examples(2, 5)],
)
def test_person_signs_in_objects_and_follows_every_relay(
    browser: Browser, service: Service, language: Language, screen: Any, scripts: bool, last_four: int
) -> None:
    person = person_in(browser, service, language, last_four, viewport=screen, java_script_enabled=scripts)
    person.enter()
    assert person.is_at(Page.ANSWER)
    text = person.read()
    assert [sentence for sentence in (*SENTENCES[language], WORDING) if sentence not in text] == []
    person.object()
    assert person.is_at(Page.REQUESTS)
    assert person.phrases.requests.recorded_now in person.page.content()
    _follow_relays(person)
    person.press(person.phrases.menu.leave)
    assert person.is_at(Page.HOME)
    person.go(Page.ANSWER)
    assert person.is_at(Page.HOME)
    assert person.troubles == []
    person.context.close()


def _follow_relays(person: Person) -> None:
    """Each holder reports through the API, and the page shows it."""
    service = person.service
    done = person.state(RelayState.COMPLETED)
    expected = {
        "Comparauto SAS": person.state(RelayState.UNDELIVERABLE),
        **dict.fromkeys(
            ("Contact Direct SAS", "Enseigne Maison SA", "Mouvement du Rivage", "Parti de l'Aube"),
            person.state(RelayState.PENDING),
        ),
    }
    assert person.relays() == expected
    relay = service.relay("contact-direct", person.last_four)
    assert person.relays() == expected | {"Contact Direct SAS": person.state(RelayState.DELIVERED)}
    service.caller("contact-direct").post(f"/v1/objections/relays/{relay}/extend", {"reason": DELAY})
    assert person.relays() == expected | {"Contact Direct SAS": person.state(RelayState.ACKNOWLEDGED)}
    assert DELAY in person.read()
    keep_picture(person.page, f"extended-{person.language}")
    service.caller("contact-direct").post(f"/v1/objections/relays/{relay}/complete")
    assert person.relays() == expected | {"Contact Direct SAS": done}
    relay = service.relay("aube", person.last_four)
    service.caller("aube").post(f"/v1/objections/relays/{relay}/refuse", {"reason": REASON})
    assert person.relays()["Parti de l'Aube"] == person.state(RelayState.REFUSED)
    assert REASON in person.read()
    assert person.phrases.requests.open in person.read()
    for holder in ("enseigne-maison", "rivage"):
        relay = service.relay(holder, person.last_four)
        service.caller(holder).post(f"/v1/objections/relays/{relay}/complete")
    assert list(person.relays().values()).count(done) == 3
    assert person.phrases.requests.open not in person.read()


def test_answer_and_letter_are_downloaded(browser: Browser, service: Service) -> None:
    person = person_in(browser, service, Language.FR, 4600)
    person.enter()
    for form, beginning in (("pdf", b"%PDF-"), ("json", b"{")):
        with person.page.expect_download() as download:
            person.page.locator(f"button[value={form}]").click()
        assert download.value.path().read_bytes().startswith(beginning)
        assert download.value.suggested_filename.endswith(f".{form}")
    person.object()
    with person.page.expect_download() as download:
        person.page.get_by_role("link", name=person.phrases.requests.letter).click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    assert person.troubles == []
    person.context.close()


def test_screenshot_is_shown_only_to_the_person_in_whose_answer_it_is(browser: Browser, service: Service) -> None:
    person = person_in(browser, service, Language.FR, 5205)
    person.enter()
    link = person.page.locator(".evidence a").first
    address = link.get_attribute("href")
    with person.page.expect_popup() as opened:
        link.click()
    picture = opened.value.locator(".evidence img")
    assert picture.evaluate("async picture => { await picture.decode(); return picture.naturalWidth; }") > 0
    other = person_in(browser, service, Language.FR, 1500)
    other.enter()
    refused = other.page.goto(service.url + str(address))
    assert refused is not None
    assert refused.status == 404
    stranger = person_in(browser, service, Language.FR, 5205)
    stranger.page.goto(service.url + str(address))
    assert stranger.is_at(Page.HOME)
    for visitor in (person, other, stranger):
        visitor.context.close()


def test_first_page_by_keyboard_alone_leads_to_the_code(browser: Browser, service: Service) -> None:
    person = person_in(browser, service, Language.FR, 5206)
    person.go(Page.HOME)
    keys, page = person.page.keyboard, person.page
    keys.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    keys.press("Enter")
    keys.press("Tab")
    assert page.evaluate("document.activeElement.id") == "number"
    keys.type("bonjour")
    keys.press("Enter")
    # The reader goes on where the error is: in the field, with what was typed.
    page.locator("#number[aria-invalid=true]:focus").wait_for()
    assert person.is_at(Page.HOME)
    described = page.evaluate("document.activeElement.getAttribute('aria-describedby')").split()
    assert person.phrases.errors.number_invalid in page.locator(f"#{described[-1]}").inner_text()
    keys.press("Control+A")
    keys.type(number(5206))
    keys.press("Enter")
    page.wait_for_url(person.path(Page.CODE))
    person.context.close()


@pytest.mark.parametrize(
    ("last_four", "sentences"),
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
def test_answer_page_of_a_number_of_the_story_says_what_is_known(
    browser: Browser, service: Service, last_four: int, sentences: tuple[str, ...]
) -> None:
    person = person_in(browser, service, Language.FR, last_four, viewport=NARROW, java_script_enabled=False)
    person.enter()
    text = " ".join(person.read().split()).casefold()
    assert [sentence for sentence in sentences if sentence.casefold() not in text] == []
    assert person.troubles == []
    person.context.close()


def test_form_without_tls_sends_no_number(browser: Browser, service: Service) -> None:
    context, posted = browser.new_context(), []
    page = context.new_page()
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.goto(service.url.replace("127.0.0.1", FAR_NAME))
    home = phrases_in(Language.FR).home
    page.get_by_label(home.label).fill(number(5207))
    # The browser upgrades the form's address to TLS. That is another origin than the page's own, so it sends nothing.
    with page.expect_console_message(lambda message: "form-action" in message.text):
        page.get_by_role("button", name=home.send).click(no_wait_after=True)
    assert posted == []
    assert context.cookies() == []
    context.close()
