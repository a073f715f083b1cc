"""Cookies, sessions and addresses: what a stranger tries, and what never leaves the page."""

import logging

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.main import create_app
from service.portal import routes as portal
from service.portal.address import ADDRESSES, Page
from service.portal.session import SESSION_COOKIE, STATE_COOKIE
from service.wording.language import Language
from tests.builders import number
from tests.direct_client import DirectClient
from tests.portal.reading import Reader

PERSONAL = (Page.SINCE, Page.ANSWER, Page.OBJECTION, Page.ERASURE, Page.CONFIRMATION, Page.REQUESTS)
PUBLIC = (Page.HOME, Page.HOW, Page.PRIVACY, Page.DEADLINES, Page.OUTBOX)
PATHS = {route.path for router in portal.ROUTERS for route in router.routes if isinstance(route, APIRoute)}


def test_pages_are_not_part_of_the_described_api() -> None:
    described = create_app(Settings.model_construct(), "postgresql://").openapi()["paths"]
    assert PATHS & described.keys() == set()
    assert [path for path in PATHS if path.startswith("/v1")] == []


def test_every_page_has_its_address_in_both_languages() -> None:
    assert {ADDRESSES.pattern(page, language) for page in Page for language in Language} <= PATHS


def test_public_pages_say_their_language_and_load_nothing_from_elsewhere(reader: Reader) -> None:
    wrong = []
    for page in PUBLIC:
        for language in Language:
            response = reader.open(ADDRESSES.path(page, language))
            good = (
                response.status_code == 200
                and f'<html lang="{language}">' in response.text
                and response.text.count("<h1") == 1
                and " style=" not in response.text
                and 'src="http' not in response.text
                and '<link rel="stylesheet" href="http' not in response.text
                and response.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
                and response.headers["cache-control"] == "no-store, no-transform"
            )
            if not good:
                wrong.append((page, language))
    assert wrong == []


def test_public_pages_switch_to_themselves_in_the_other_language(reader: Reader) -> None:
    wrong = []
    for page in PUBLIC:
        french, english = ADDRESSES.path(page, Language.FR), ADDRESSES.path(page, Language.EN)
        if f'href="{english}" lang="en"' not in reader.open(french).text:
            wrong.append((page, Language.FR))
        if f'href="{french}" lang="fr"' not in reader.open(english).text:
            wrong.append((page, Language.EN))
    assert wrong == []


def test_cookies_of_a_confirmed_code_are_of_the_host_alone_and_out_of_reach(reader: Reader) -> None:
    reader.ask()
    sent = reader.post("/code", reader.form("/code").values | {"code": reader.code(), "step": "confirm"})
    cookies = sent.headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {SESSION_COOKIE, STATE_COOKIE.name}
    for cookie in cookies:
        parts = cookie.lower().split("; ")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(parts)
        assert [part for part in parts if part.startswith("domain")] == []


def test_confirm_code_starts_a_new_session_whatever_the_browser_brings(reader: Reader) -> None:
    reader.client.cookies.set(SESSION_COOKIE, "fis_planted-by-somebody-else", domain="localhost.local")
    assert reader.enter().url.path == "/depuis"
    first = dict(reader.client.cookies)[SESSION_COOKIE]
    assert first != "fis_planted-by-somebody-else"
    assert reader.enter().url.path == "/depuis"
    second = dict(reader.client.cookies)[SESSION_COOKIE]
    assert second != first
    # The previous session is over, also for somebody who has kept its token.
    headers = {"Authorization": f"Bearer {first}"}
    assert reader.client.put("/v1/session", json={"owned_since": None}, headers=headers).status_code == 401


def test_session_token_in_an_address_a_field_or_a_header_is_not_read(reader: Reader) -> None:
    reader.enter()
    token = dict(reader.client.cookies)[SESSION_COOKIE]
    stranger = Reader(reader.client, number(9_998))
    stranger.client.cookies.clear()
    assert stranger.client.get(f"/reponse?{SESSION_COOKIE}={token}").url.path == "/"
    assert stranger.client.get("/reponse", headers={"Authorization": f"Bearer {token}"}).url.path == "/"
    stranger.open("/")
    values = stranger.form("/").values | {SESSION_COOKIE: token}
    assert stranger.post("/depuis", values).headers["location"] == "/"


def test_personal_pages_without_a_session_lead_home(reader: Reader) -> None:
    wrong = []
    for page in PERSONAL:
        for language in Language:
            response = reader.client.get(ADDRESSES.path(page, language), follow_redirects=False)
            home = ADDRESSES.path(Page.HOME, language)
            if (response.status_code, response.headers.get("location")) != (303, home):
                wrong.append((page, language))
    assert wrong == []


def test_personal_page_after_the_browser_dropped_the_session_says_that_it_ended(reader: Reader) -> None:
    reader.enter()
    reader.client.cookies.delete(SESSION_COOKIE)
    assert "Votre visite est terminée" in reader.open("/reponse").text


def test_leave_ends_the_session_here_and_in_the_browser(reader: Reader) -> None:
    reader.enter()
    token = dict(reader.client.cookies)[SESSION_COOKIE]
    assert "Vous avez quitté" in reader.send("/quitter").text
    assert SESSION_COOKIE not in dict(reader.client.cookies)
    reader.client.cookies.set(SESSION_COOKIE, token, domain="localhost.local")
    assert "Votre visite est terminée" in reader.open("/reponse").text


def test_form_token_is_valid_only_for_its_own_session(reader: Reader) -> None:
    reader.open("/")
    before = reader.form("/").values["token"]
    reader.enter()
    assert reader.post("/depuis", {"step": "skip", "token": before}).status_code == 403
    own = reader.form("/depuis").values["token"]
    reader.client.cookies.clear()
    Reader(reader.client, number(9_999)).enter()
    assert reader.post("/depuis", {"step": "skip", "token": own}).status_code == 403


def test_outbox_is_shown_to_the_machine_itself_by_its_own_names_only(local_app: TestClient) -> None:
    assert local_app.get("/messages").status_code == 200
    hosts = ("registre.example", "localhost.registre.example", "127.0.0.1.example", "[::1", "localhost:x", "")
    statuses = {host: local_app.get("/messages", headers={"Host": host}).status_code for host in hosts}
    assert {host: status for host, status in statuses.items() if status != 404} == {}


def test_outbox_is_not_shown_to_another_machine(dsn: str, settings: Settings) -> None:
    with DirectClient(create_app(settings, dsn, with_worker=False), client=("192.0.2.7", 50_000)) as far:
        assert far.get("http://localhost/messages").status_code == 404


def test_visit_leaves_no_number_and_no_token_in_an_address_or_a_log(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reader.enter()
        reader.send("/depuis", step="skip")
        reader.send("/quitter")
    assert reader.page is not None
    visited = [str(response.url) for response in (*reader.page.history, reader.page)]
    written = "\n".join([*visited, *(record.getMessage() for record in caplog.records if record.name != "httpx2")])
    assert "/reponse" in written or "answer" in written
    assert reader.own[3:] not in written.replace(" ", "")
    assert "fis_" not in written
