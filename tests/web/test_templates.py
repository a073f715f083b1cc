"""Templates set the spaces of their language in text, not in code, and escape what is filled in."""

from fastapi.testclient import TestClient

from tests.web.reading import FROM_HERE, forms_of


def test_french_template_has_no_break_spaces_in_its_text_alone(site: TestClient) -> None:
    assert "Quoi\u202f? Un nombre\u00a0: 12,5, dans 30\u00a0minutes. Non ?" in site.get("/").text


def test_english_template_keeps_numbers_with_their_units(site: TestClient) -> None:
    assert "What? A number: 12.5, in 30\u00a0minutes. No ?" in site.get("/en/").text


def test_typed_text_is_escaped(site: TestClient) -> None:
    token = forms_of(site.get("/").text)[0].values["token"]
    hostile = "\"><script>alert('{{ 7 * 7 }}')</script>"
    page = site.post("/", data={"token": token, "name": hostile}, headers=FROM_HERE).text
    assert "<script>alert" not in page
    assert forms_of(page)[0].values["name"] == hostile
