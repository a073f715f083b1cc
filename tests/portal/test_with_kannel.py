"""The whole path with real messages: the code comes through Kannel, and a STOP goes back through it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from service.core.settings import Settings
from service.core.vocabulary import RelayState
from service.main import create_app
from service.portal.address import Page
from service.wording.language import Language
from tests.builders import number
from tests.conftest import StoredStory
from tests.kannel import Kannel, wait_until
from tests.persons import code_in
from tests.portal.browsing import NARROW, WIDE, Person, Service, person_in, running_chromium
from tests.sockets import on_a_socket

LAST_FOUR = 5200
HOLDERS = ("contact-direct", "enseigne-maison", "aube", "rivage")


@pytest.fixture
def beside_kannel(kannel: Kannel, settings: Settings, stored_story: StoredStory, story_dsn: str) -> Iterator[Service]:
    """The service with the story loaded, which sends its messages through Kannel."""
    with on_a_socket(create_app(kannel.configure(settings), story_dsn)) as client:
        yield Service(str(client.base_url).rstrip("/"), stored_story.story, client, story_dsn)


@pytest.fixture
def browser(beside_kannel: Service) -> Iterator[Browser]:
    """Chromium, once the story is loaded."""
    with running_chromium() as chromium:
        yield chromium


def _enter(person: Person, kannel: Kannel) -> None:
    """Prove the number by the code that comes out at the message centre."""
    came = len(kannel.sent())
    person.type_number("06 39 98 52 00")
    sent = kannel.wait_for_sent(came + 1)[-1]
    assert sent.number == number(LAST_FOUR)
    person.page.get_by_label(person.phrases.code.label).fill(code_in(sent.text))
    person.press(person.phrases.code.confirm)
    person.press(person.phrases.since.skip)
    assert person.is_at(Page.ANSWER)


def _complete(service: Service, holder: str) -> None:
    """A holder reports that it has complied."""
    relay = service.relay(holder, LAST_FOUR)
    service.caller(holder).post(f"/v1/objections/relays/{relay}/complete")


def test_erasure_after_a_code_by_sms_is_followed_to_its_end(
    browser: Browser, beside_kannel: Service, kannel: Kannel
) -> None:
    person = person_in(browser, beside_kannel, Language.FR, LAST_FOUR, viewport=NARROW, java_script_enabled=False)
    _enter(person, kannel)
    assert "Enseigne Maison SA a recueilli votre numéro le 11 décembre 2023" in person.read()
    person.page.get_by_role("link", name=person.phrases.answer.erase, exact=True).click()
    person.press(person.phrases.erasure.next)
    person.press(person.phrases.confirmations.erasure.go)
    assert list(person.relays().values()).count(person.state(RelayState.PENDING)) == len(HOLDERS)
    *first, last = HOLDERS
    for holder in first:
        _complete(beside_kannel, holder)
    assert list(person.relays().values()).count(person.state(RelayState.COMPLETED)) == len(first)
    for holder in first:
        assert not beside_kannel.caller(holder).lookup(number(LAST_FOUR))["held"]
    # One holder still has the number, so its origin can still be shown.
    person.go(Page.ANSWER)
    text = person.read()
    assert "Enseigne Maison SA a recueilli votre numéro le 11 décembre 2023" in text
    assert all(f"{name} dit avoir effacé votre numéro le" in text for name in ("Contact Direct SAS", "Parti de l'Aube"))
    _complete(beside_kannel, last)
    assert list(person.relays().values()).count(person.state(RelayState.COMPLETED)) == len(HOLDERS)
    person.go(Page.ANSWER)
    # The collector without account has erased nothing, so the page goes on naming it.
    text = person.read()
    assert "aucun organisme enregistré ne le détient" not in text
    assert "Comparauto SAS" in text
    assert "Détiendrait votre numéro, d’après un autre organisme." in text
    assert person.troubles == []
    person.context.close()


def test_stop_by_sms_is_on_the_page_with_every_holder(browser: Browser, beside_kannel: Service, kannel: Kannel) -> None:
    person = person_in(browser, beside_kannel, Language.EN, LAST_FOUR, viewport=WIDE)
    _enter(person, kannel)
    kannel.type_in("33639985200", "38001", "Arrêt")

    def recorded() -> bool:
        person.go(Page.REQUESTS)
        return person.page.locator(".request").count() == 1

    wait_until(recorded, "the STOP is not on the page")
    assert person.state(RelayState.PENDING) in person.relays().values()
    assert set(person.relays()) == {
        *("Comparauto SAS", "Contact Direct SAS", "Enseigne Maison SA", "Mouvement du Rivage", "Parti de l'Aube")
    }
    person.go(Page.ANSWER)
    assert "STOP" in person.read()
    assert person.troubles == []
    person.context.close()
