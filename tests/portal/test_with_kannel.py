"""The whole way with real messages: the code comes through Kannel, and a STOP goes back through it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from service.core.settings import Settings
from service.core.vocabulary import RelayState
from service.demo.loader import load_story
from service.main import create_app
from service.portal.address import Page
from service.wording.language import Language
from tests.builders import number
from tests.callers import Registry
from tests.kannel import Kannel, wait_until
from tests.persons import code_in
from tests.portal.browsing import NARROW, WIDE, Person, Service, person_in, running_chromium
from tests.sockets import on_a_socket

ASKED = 5200
HOLDERS = ("contact-direct", "enseigne-maison", "aube", "rivage")


@pytest.fixture
def beside_kannel(kannel: Kannel, settings: Settings, dsn: str) -> Iterator[Service]:
    """The service with the story told, which sends its messages through Kannel."""
    with on_a_socket(create_app(kannel.configure(settings), dsn), kannel.service_port) as client:
        told = load_story(client, Registry(client, dsn).operator().key)
        yield Service(str(client.base_url).rstrip("/"), told, client, dsn)


@pytest.fixture
def browser(beside_kannel: Service) -> Iterator[Browser]:
    """Chromium, once the story is told."""
    with running_chromium() as chromium:
        yield chromium


def enter(someone: Person, kannel: Kannel) -> None:
    """Prove the number by the code that comes out at the message centre."""
    came = len(kannel.sent())
    someone.type_number("06 39 98 52 00")
    sent = kannel.wait_for_sent(came + 1)[-1]
    assert sent.number == number(ASKED)
    someone.page.get_by_label(someone.words.code.label).fill(code_in(sent.text))
    someone.press(someone.words.code.confirm)
    someone.press(someone.words.since.skip)
    assert someone.is_at(Page.ANSWER)


def complete(service: Service, holder: str) -> None:
    """A holder reports that it has done what was asked."""
    relay = service.relay(holder, ASKED)
    service.caller(holder).post(f"/v1/objections/relays/{relay}/complete")


def test_a_code_by_sms_opens_the_answer_and_an_erasure_is_followed_to_its_end(
    browser: Browser, beside_kannel: Service, kannel: Kannel
) -> None:
    someone = person_in(browser, beside_kannel, Language.FR, ASKED, viewport=NARROW, java_script_enabled=False)
    enter(someone, kannel)
    assert "Enseigne Maison SA a recueilli votre numéro le 11 décembre 2023" in someone.read()
    someone.page.get_by_role("link", name=someone.words.answer.erase, exact=True).click()
    someone.press(someone.words.erasure.go_on)
    someone.press(someone.words.confirmation.erasure_go)
    states = someone.words.requests.states
    assert list(someone.hops().values()).count(states[RelayState.PENDING]) == len(HOLDERS)
    *first, last = HOLDERS
    for holder in first:
        complete(beside_kannel, holder)
    assert list(someone.hops().values()).count(states[RelayState.COMPLETED]) == len(first)
    for holder in first:
        assert not beside_kannel.caller(holder).lookup(number(ASKED))["held"]
    # Somebody holds it still, so that it is provable where from.
    someone.go(Page.ANSWER)
    told = someone.read()
    assert "Enseigne Maison SA a recueilli votre numéro le 11 décembre 2023" in told
    assert all(f"{name} dit avoir effacé votre numéro le" in told for name in ("Contact Direct SAS", "Parti de l'Aube"))
    complete(beside_kannel, last)
    assert list(someone.hops().values()).count(states[RelayState.COMPLETED]) == len(HOLDERS)
    someone.go(Page.ANSWER)
    assert "aucun organisme enregistré ne le détient" in someone.read()
    assert someone.troubles == []
    someone.context.close()


def test_a_stop_by_sms_is_on_the_page_with_every_holder(
    browser: Browser, beside_kannel: Service, kannel: Kannel
) -> None:
    someone = person_in(browser, beside_kannel, Language.EN, ASKED, viewport=WIDE)
    enter(someone, kannel)
    kannel.type_in("33639985200", "38001", "Arrêt")

    def recorded() -> bool:
        someone.go(Page.REQUESTS)
        return someone.page.locator(".request").count() == 1

    wait_until(recorded, "the STOP is not on the page")
    assert someone.words.requests.states[RelayState.PENDING] in someone.hops().values()
    assert set(someone.hops()) == {
        *("Comparauto SAS", "Contact Direct SAS", "Enseigne Maison SA", "Mouvement du Rivage", "Parti de l'Aube")
    }
    someone.go(Page.ANSWER)
    assert "STOP" in someone.read()
    assert someone.troubles == []
    someone.context.close()
