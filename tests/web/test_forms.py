"""A form counts only if a page of this site sent it to this browser, in this session, as our pages have it sent."""

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from tests.web.reading import FROM_HERE, HOST, forms_of
from tests.web.small_site import SESSION_COOKIE


def _token(site: TestClient) -> str:
    return forms_of(site.get("/").text)[0].values["token"]


def _part(content: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n' + content + b"\r\n--x--\r\n"


def test_submit_form_from_elsewhere_is_refused(site: TestClient) -> None:
    values = {"token": _token(site), "name": "Anne"}
    headers: dict[str, dict[str, str]] = {
        "another origin": {"Origin": "https://elsewhere.example"},
        "the origin null": {"Origin": "null"},
        "an origin that is not an address": {"Origin": "https://["},
        "neither origin nor host": {"Origin": "", "Host": ""},
        "another site": {"Origin": HOST, "Sec-Fetch-Site": "cross-site"},
        "another host of the same site": {"Origin": HOST, "Sec-Fetch-Site": "same-site"},
        "no header": {},
    }
    accepted = []
    for name, sent in headers.items():
        response = site.post("/", data=values, headers={"Accept": "text/html"} | sent)
        if response.status_code != 403 or "Ce formulaire ne vient pas d’ici" not in response.text:
            accepted.append(name)
    assert accepted == []
    assert site.post("/", data=values, headers=FROM_HERE, follow_redirects=False).status_code == 303


def test_submit_form_by_a_browser_without_fetch_metadata_is_accepted(site: TestClient) -> None:
    values = {"token": _token(site), "name": "Anne"}
    assert site.post("/", data=values, headers={"Origin": HOST}, follow_redirects=False).status_code == 303


def test_submit_form_without_its_token_is_refused(site: TestClient) -> None:
    site.get("/")
    fields: list[dict[str, str]] = [{}, {"token": ""}, {"token": "0" * 64}, {"token": "é"}]
    responses = [site.post("/", data={"name": "Anne"} | field, headers=FROM_HERE) for field in fields]
    assert [response.status_code for response in responses] == [403] * len(fields)
    assert all("Ce formulaire n’est plus valable" in response.text for response in responses)


def test_submit_form_with_the_token_of_another_browser_or_session_is_refused(site: TestClient) -> None:
    values = {"token": _token(site), "name": "Anne"}
    site.cookies.set(SESSION_COOKIE, "another", domain="localhost.local")
    assert site.post("/", data=values, headers=FROM_HERE).status_code == 403
    site.cookies.clear()
    site.get("/")
    assert site.post("/", data=values, headers=FROM_HERE).status_code == 403


def test_submit_form_without_the_cookie_says_what_to_allow(site: TestClient) -> None:
    values = {"token": _token(site), "name": "Anne"}
    site.cookies.clear()
    refused = site.post("/", data=values, headers=FROM_HERE)
    assert refused.status_code == 403
    assert "cookie" in refused.text
    assert "https" in refused.text


def test_submit_form_in_another_encoding_is_refused_before_it_is_decoded(
    site: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object, **__: object) -> None:
        raise AssertionError("The body was decoded.")

    site.get("/")
    monkeypatch.setattr(Request, "form", decode)
    bodies = [
        # An encoding that takes a minute to decode, and one that gives half a character.
        ("multipart/form-data; boundary=x; charset=punycode", _part(b"x-" + b"b" * 3_000)),
        ("multipart/form-data; boundary=x; charset=unicode_escape", _part(rb"\ud800")),
        ("application/json", b"{}"),
        ("", b"token=1"),
    ]
    statuses = [
        site.post("/", content=body, headers=FROM_HERE | {"Content-Type": media_type}).status_code
        for media_type, body in bodies
    ]
    assert statuses == [415] * len(bodies)


def test_submit_form_longer_than_ours_is_refused(site: TestClient) -> None:
    values = {"token": _token(site), "name": "a" * 10_000}
    assert site.post("/", data=values, headers=FROM_HERE).status_code == 413
