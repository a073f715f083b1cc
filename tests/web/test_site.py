"""A page says its language, keeps itself to itself, and shows an error or a message once."""

from fastapi.testclient import TestClient

from service.wording.language import Language
from tests.web.reading import FROM_HERE, forms_of, text_of
from tests.web.small_site import ADDRESSES, PHRASES, Page


def _send(site: TestClient, language: Language, name: str) -> str:
    path = ADDRESSES.path(Page.ASK, language)
    token = forms_of(site.get(path).text)[0].values["token"]
    return site.post(path, data={"token": token, "name": name}, headers=FROM_HERE).text


def test_page_has_its_language_and_the_security_headers(site: TestClient) -> None:
    for language in Language:
        response = site.get(ADDRESSES.path(Page.ASK, language))
        assert f'<html lang="{language}">' in response.text
        assert response.text.count("<h1") == 1
        assert " style=" not in response.text
        assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store, no-transform"
        assert response.headers["referrer-policy"] == "same-origin"
        assert response.headers["x-content-type-options"] == "nosniff"


def test_page_on_another_machine_demands_tls(site: TestClient) -> None:
    here, elsewhere = site.get("/"), site.get("/", headers={"Host": "registre.example"})
    assert "upgrade-insecure-requests" in elsewhere.headers["content-security-policy"]
    assert elsewhere.headers["strict-transport-security"] == "max-age=31536000"
    assert "upgrade-insecure-requests" not in here.headers["content-security-policy"]
    assert "strict-transport-security" not in here.headers


def test_language_switch_keeps_the_page_and_its_parameters(site: TestClient) -> None:
    assert 'href="/en/done/7" lang="en"' in site.get("/merci/7").text
    assert 'href="/merci/7" lang="fr"' in site.get("/en/done/7").text


def test_link_to_the_current_page_is_marked(site: TestClient) -> None:
    assert '<a href="/" aria-current="page">' in site.get("/").text
    assert "aria-current" not in site.get("/merci/7").text


def test_form_with_an_error_is_shown_with_it_once(site: TestClient) -> None:
    for language in Language:
        page = _send(site, language, "7")
        assert PHRASES[language].missing in page
        assert 'aria-describedby="name-error" aria-invalid="true" autofocus' in page
        assert forms_of(page)[0].values["name"] == "7"
        assert PHRASES[language].missing not in site.get(ADDRESSES.path(Page.ASK, language)).text
    assert "<title>Erreur" in _send(site, Language.FR, "7")


def test_flash_message_is_shown_once(site: TestClient) -> None:
    assert "Merci, Anne" in text_of(_send(site, Language.FR, "Anne"))
    assert "Merci, Anne" not in text_of(site.get("/").text)


def test_form_is_answered_with_a_redirect_so_that_loading_again_sends_nothing(site: TestClient) -> None:
    token = forms_of(site.get("/").text)[0].values["token"]
    for name in ("7", "Anne"):
        response = site.post("/", data={"token": token, "name": name}, headers=FROM_HERE, follow_redirects=False)
        assert (response.status_code, response.headers["location"]) == (303, "/")
