"""A problem is a page for a reader of pages, in the language of its address. Programs get the problem itself."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.core.body_limits import BodyLimits
from service.core.error_handlers import install
from service.core.errors import MEDIA_TYPE, Overloaded, TooManyRequests
from service.core.middleware import OutermostMiddleware
from service.web.problem_pages import ProblemPages
from tests.direct_client import DirectClient
from tests.web.reading import FROM_HERE, HOST, forms_of, text_of
from tests.web.small_site import SITE

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def failing() -> Iterator[TestClient]:
    """An application whose routes fail."""
    app = FastAPI()
    install(app)

    @app.get("/en/crash")
    @app.get("/crash")
    @app.get("/v1/crash")
    async def crash() -> None:
        raise RuntimeError("a secret")

    @app.get("/too-many")
    async def too_many() -> None:
        raise TooManyRequests("number_limit", "Later.", timedelta(minutes=20))

    @app.get("/busy")
    async def busy() -> None:
        raise Overloaded("overloaded", "Later.")

    app.add_middleware(OutermostMiddleware, limits=BodyLimits(1024, 1024))
    app.add_middleware(ProblemPages, site=SITE)
    with DirectClient(app, base_url=HOST, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/crash", 500, "Une panne, de notre côté"),
        ("/en/crash", 500, "Something broke on our side"),
        ("/too-many", 429, "Réessayez dans 20 minutes"),
        ("/busy", 503, "Beaucoup de monde"),
        ("/rien", 404, "Cette page n’existe pas"),
        ("/en/nothing", 404, "Page not found"),
    ],
)
def test_problem_for_a_reader_of_pages_is_a_page(failing: TestClient, path: str, status: int, text: str) -> None:
    response = failing.get(path, headers=HTML)
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert text in text_of(response.text)
    assert "secret" not in response.text


def test_problem_page_keeps_the_time_to_wait(failing: TestClient) -> None:
    assert failing.get("/too-many", headers=HTML).headers["retry-after"] == "1200"


def test_problem_for_a_program_or_below_v1_stays_a_problem(failing: TestClient) -> None:
    calls = [
        ("/crash", {"Accept": "*/*"}),
        ("/crash", {"Accept": "application/json"}),
        ("/v1/crash", HTML),
        ("/v1/no", HTML),
    ]
    types = [failing.get(path, headers=headers).headers["content-type"] for path, headers in calls]
    assert types == [MEDIA_TYPE] * len(calls)


def test_page_called_with_a_wrong_method_or_too_much_is_a_page(site: TestClient) -> None:
    wrong_method = site.put("/", headers=HTML)
    assert wrong_method.status_code == 405
    assert wrong_method.headers["allow"] == "GET, HEAD, POST"
    assert "Cette page ne s’ouvre pas ainsi" in wrong_method.text
    values = forms_of(site.get("/").text)[0].values
    too_large = site.post("/", data=values | {"name": "a" * 2_000_000}, headers=FROM_HERE)
    assert too_large.status_code == 413
    assert "Trop de texte à la fois" in too_large.text


def test_unknown_address_is_not_repeated_on_its_page(site: TestClient) -> None:
    paths = ("/%00", "/%3Cscript%3E", "/en/%F0%9F%A4%B7", "/x" * 2000)
    responses = [site.get(path, headers=HTML) for path in paths]
    assert [response.status_code for response in responses] == [404] * len(paths)
    assert not any("<script>" in response.text for response in responses)
