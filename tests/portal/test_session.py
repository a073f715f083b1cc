"""Cookies, forms and headers: what somebody tries who is not the person, and what never leaves the page."""

import logging

import pytest
from fastapi import Request
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from service.core.settings import GatewayKind, Settings
from service.main import create_app
from service.portal import routes as portal
from service.portal.address import Page, path_of, template_of
from service.portal.session import SESSION_COOKIE, VISIT_COOKIE
from service.wording.language import Language
from tests.builders import number
from tests.portal.reading import FROM_HERE, Reader

PERSONAL = (Page.SINCE, Page.ANSWER, Page.OBJECTION, Page.ERASURE, Page.CONFIRMATION, Page.REQUESTS)
PATHS = {route.path for one in portal.ROUTERS for route in one.routes if isinstance(route, APIRoute)}
PUBLIC = (Page.HOME, Page.HOW, Page.PRIVACY, Page.DEADLINES, Page.OUTBOX)


def test_the_pages_are_no_part_of_the_described_api_and_stand_outside_of_it() -> None:
    described = create_app(Settings.model_construct(), "postgresql://").openapi()["paths"]
    assert not PATHS & described.keys()
    assert not [path for path in PATHS if path.startswith("/v1")]


@pytest.mark.parametrize("language", Language)
def test_every_page_is_found_at_its_address_in_both_languages(language: Language) -> None:
    assert {template_of(page, language) for page in Page} <= PATHS


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("page", PUBLIC)
def test_a_page_says_its_language_and_keeps_itself_to_itself(reader: Reader, page: Page, language: Language) -> None:
    answer = reader.open(path_of(page, language))
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert answer.text.count("<h1") == 1
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert " style=" not in answer.text


def test_nothing_comes_from_elsewhere(reader: Reader) -> None:
    for page in PUBLIC:
        text = reader.open(path_of(page, Language.FR)).text
        assert 'src="http' not in text
        assert '<link rel="stylesheet" href="http' not in text


def test_where_codes_are_sent_no_page_loads_scripts_from_elsewhere() -> None:
    """The pages of the API's documentation do, and are of the same origin as those of persons."""
    shown = Settings.model_construct()
    sent = Settings.model_construct(sms_gateway=GatewayKind.KANNEL)
    paths = [
        {getattr(route, "path", None) for route in create_app(one, "postgresql://").routes} for one in (shown, sent)
    ]
    assert paths[0] - paths[1] == {"/docs", "/docs/oauth2-redirect", "/redoc"}


def test_the_language_switch_keeps_the_page(reader: Reader) -> None:
    for page in PUBLIC:
        assert f'href="{path_of(page, Language.EN)}" lang="en"' in reader.open(path_of(page, Language.FR)).text
        assert f'href="{path_of(page, Language.FR)}" lang="fr"' in reader.open(path_of(page, Language.EN)).text


def test_files_are_kept_by_their_content(reader: Reader) -> None:
    text = reader.open("/").text
    path = text.split('<link rel="stylesheet" href="')[1].split('"')[0]
    kept = reader.client.get(path)
    assert kept.status_code == 200
    assert kept.headers["content-type"] == "text/css; charset=utf-8"
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reader.client.get("/static/000000000000/base.css").status_code == 404
    assert reader.client.get(path.rpartition("/")[0] + "/nothing.css").status_code == 404


def test_cookies_are_of_the_host_alone_secure_and_out_of_reach(reader: Reader) -> None:
    reader.ask()
    sent = reader.post("/code", reader.form("/code").values | {"code": reader.code(), "step": "confirm"})
    cookies = sent.headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {SESSION_COOKIE, VISIT_COOKIE}
    for cookie in cookies:
        parts = cookie.lower().split("; ")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(parts)
        assert not [part for part in parts if part.startswith("domain")]


def test_a_session_is_made_anew_whatever_the_browser_brings(reader: Reader) -> None:
    reader.client.cookies.set(SESSION_COOKIE, "fis_planted-by-somebody-else", domain="localhost.local")
    assert reader.enter().url.path == "/depuis"
    first = dict(reader.client.cookies)[SESSION_COOKIE]
    assert first != "fis_planted-by-somebody-else"
    assert reader.enter().url.path == "/depuis"
    second = dict(reader.client.cookies)[SESSION_COOKIE]
    assert second != first
    # The session before is over, for whoever has kept its token.
    other = {"Authorization": f"Bearer {first}"}
    assert reader.client.put("/v1/session", json={"owned_since": None}, headers=other).status_code == 401


def test_a_session_is_taken_from_no_address_and_no_field(reader: Reader) -> None:
    reader.enter()
    token = dict(reader.client.cookies)[SESSION_COOKIE]
    stranger = Reader(reader.client, number(9_998))
    stranger.client.cookies.clear()
    assert stranger.client.get(f"/reponse?{SESSION_COOKIE}={token}").url.path == "/"
    assert stranger.client.get("/reponse", headers={"Authorization": f"Bearer {token}"}).url.path == "/"
    stranger.open("/")
    values = stranger.form("/").values | {SESSION_COOKIE: token}
    assert stranger.post("/depuis", values).headers["location"] == "/"


@pytest.mark.parametrize("page", PERSONAL)
def test_personal_pages_lead_home_without_a_session(reader: Reader, page: Page) -> None:
    for language in Language:
        answer = reader.client.get(path_of(page, language), follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"] == path_of(Page.HOME, language)


def test_that_the_visit_is_over_is_told_though_the_browser_dropped_its_cookie(reader: Reader) -> None:
    reader.enter()
    reader.client.cookies.delete(SESSION_COOKIE)
    assert "Votre visite est terminée" in reader.open("/reponse").text


def test_leaving_ends_the_session_here_and_in_the_browser(reader: Reader) -> None:
    reader.enter()
    token = dict(reader.client.cookies)[SESSION_COOKIE]
    assert "Vous avez quitté" in reader.send("/quitter").text
    assert SESSION_COOKIE not in dict(reader.client.cookies)
    reader.client.cookies.set(SESSION_COOKIE, token, domain="localhost.local")
    assert "Votre visite est terminée" in reader.open("/reponse").text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "https://["},
        {"Origin": "", "Host": ""},
        {"Origin": "https://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://localhost", "Sec-Fetch-Site": "same-site"},
        {},
    ],
    ids=["other origin", "no origin told", "no address", "nothing at all", "cross-site", "same site", "nothing"],
)
def test_a_form_from_elsewhere_is_refused(reader: Reader, headers: dict[str, str]) -> None:
    reader.enter()
    values = reader.form("/depuis").values | {"step": "skip"}
    refused = reader.post("/depuis", values, headers={"Accept": "text/html"} | headers)
    assert refused.status_code == 403
    assert "Ce formulaire n’est plus valable" in refused.text


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"], ids=["none", "empty", "wrong", "not ASCII"])
def test_a_form_without_the_token_of_this_session_is_refused(reader: Reader, token: str | None) -> None:
    reader.enter()
    values = {"step": "skip"} if token is None else {"step": "skip", "token": token}
    assert reader.post("/depuis", values).status_code == 403


def test_a_token_counts_for_its_own_visit_and_session_only(reader: Reader) -> None:
    reader.open("/")
    before = reader.form("/").values["token"]
    reader.enter()
    assert reader.post("/depuis", {"step": "skip", "token": before}).status_code == 403
    mine = reader.form("/depuis").values["token"]
    reader.client.cookies.clear()
    Reader(reader.client, number(9_999)).enter()
    assert reader.post("/depuis", {"step": "skip", "token": mine}).status_code == 403


def test_without_cookies_the_page_says_what_to_allow(reader: Reader) -> None:
    reader.open("/")
    values = reader.form("/").values | {"number": reader.own}
    reader.client.cookies.clear()
    refused = reader.post("/", values)
    assert refused.status_code == 403
    assert "cookie" in refused.text
    assert "https" in refused.text


def part(content: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n' + content + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("multipart/form-data; boundary=x; charset=punycode", part(b"x-" + b"b" * 300_000)),
        ("multipart/form-data; boundary=x; charset=unicode_escape", part(rb"\ud800")),
        ("application/json", b"{}"),
        ("", b"token=1"),
    ],
    ids=["an encoding that takes a minute", "half a sign", "JSON", "nothing said"],
)
def test_a_form_is_read_only_as_our_pages_send_it(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, media_type: str, body: bytes
) -> None:
    def decode(*_: object, **__: object) -> None:
        raise AssertionError("A form of another kind is refused before it is decoded.")

    reader.open("/")
    monkeypatch.setattr(Request, "form", decode)
    answer = reader.client.post("/", content=body, headers=FROM_HERE | {"Content-Type": media_type})
    assert answer.status_code == 415


def test_a_form_is_no_longer_than_a_form_of_ours_gets(reader: Reader) -> None:
    reader.open("/")
    assert reader.post("/", reader.form("/").values | {"number": "0" * 10_000}).status_code == 413


def test_away_from_the_machine_itself_forms_go_over_tls_or_not_at_all(near_app: TestClient) -> None:
    far = near_app.get("/", headers={"Host": "registre.example"})
    assert "upgrade-insecure-requests" in far.headers["content-security-policy"]
    assert far.headers["strict-transport-security"] == "max-age=31536000"
    near = near_app.get("/")
    assert "upgrade-insecure-requests" not in near.headers["content-security-policy"]
    assert "strict-transport-security" not in near.headers


@pytest.mark.parametrize(
    "host", ["registre.example", "localhost.registre.example", "127.0.0.1.example", "[::1", "localhost:x", ""]
)
def test_the_outbox_is_for_the_machine_itself(near_app: TestClient, host: str) -> None:
    assert near_app.get("/messages").status_code == 200
    assert near_app.get("/messages", headers={"Host": host}).status_code == 404


def test_the_outbox_is_for_nobody_far_away(dsn: str, settings: Settings) -> None:
    with TestClient(create_app(settings, dsn, with_worker=False), client=("192.0.2.7", 50_000)) as far:
        assert far.get("http://localhost/messages").status_code == 404


def test_no_number_and_no_verification_stands_in_an_address_or_a_log(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reader.enter()
        reader.send("/depuis", step="skip")
        reader.send("/quitter")
    assert reader.page is not None
    visited = [str(one.url) for one in reader.page.history] + [str(reader.page.url)]
    said = "\n".join([*visited, *(record.getMessage() for record in caplog.records if record.name != "httpx2")])
    assert "/reponse" in said or "answer" in said
    assert reader.own[3:] not in said.replace(" ", "")
    assert "fis_" not in said
