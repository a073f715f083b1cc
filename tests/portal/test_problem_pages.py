"""Whoever asks for a page is answered with a page, in the language of its address; programs get their problem."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.core.errors import MEDIA_TYPE, Overloaded, TooMany, install
from service.core.middleware import Bounds, Surround
from service.portal.problem_pages import ProblemPages
from tests.portal.reading import HOST, Reader, text_of

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def troubled() -> Iterator[TestClient]:
    """An application in which things go wrong."""
    app = FastAPI()
    install(app)

    @app.get("/en/crash")
    @app.get("/crash")
    @app.get("/v1/crash")
    async def crash() -> None:
        raise RuntimeError("a secret")

    @app.get("/too-many")
    async def too_many() -> None:
        raise TooMany("number_limit", "Later.", timedelta(minutes=20))

    @app.get("/busy")
    async def busy() -> None:
        raise Overloaded("overloaded", "Later.")

    app.add_middleware(Surround, bounds=Bounds(1024, 1024))
    app.add_middleware(ProblemPages)
    with TestClient(app, base_url=HOST, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/crash", 500, "Une panne, de notre côté"),
        ("/en/crash", 500, "Something broke, on our side"),
        ("/too-many", 429, "Réessayez dans 20 minutes"),
        ("/busy", 503, "Beaucoup de monde"),
        ("/rien", 404, "Cette page n’existe pas"),
        ("/en/nothing", 404, "There is no such page"),
    ],
)
def test_a_problem_is_a_page_for_whoever_asks_for_pages(
    troubled: TestClient, path: str, status: int, says: str
) -> None:
    answer = troubled.get(path, headers=HTML)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert says in text_of(answer.text)
    assert "secret" not in answer.text


def test_how_long_to_wait_is_told_to_programs_as_well(troubled: TestClient) -> None:
    assert troubled.get("/too-many", headers=HTML).headers["retry-after"] == "1200"


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/crash", {"Accept": "*/*"}), ("/crash", {"Accept": "application/json"}), ("/v1/crash", HTML), ("/v1/no", HTML)],
)
def test_programs_and_the_api_keep_their_problems(troubled: TestClient, path: str, headers: dict[str, Any]) -> None:
    assert troubled.get(path, headers=headers).headers["content-type"] == MEDIA_TYPE


def test_the_pages_themselves_refuse_with_pages(reader: Reader) -> None:
    reader.open("/")
    wrong_method = reader.client.put("/", headers=HTML)
    assert wrong_method.status_code == 405
    assert wrong_method.headers["allow"] == "GET, POST"
    assert "Cette page ne s’ouvre pas ainsi" in wrong_method.text
    too_large = reader.post("/", reader.form("/").values | {"number": "0" * 2_000_000})
    assert too_large.status_code == 413
    assert "Trop de texte à la fois" in too_large.text


def test_an_address_may_hold_anything_and_is_not_repeated(reader: Reader) -> None:
    for path in ("/%00", "/%3Cscript%3E", "/en/%F0%9F%A4%B7", "/x" * 2000):
        answer = reader.client.get(path, headers=HTML)
        assert answer.status_code == 404
        assert "<script>" not in answer.text
