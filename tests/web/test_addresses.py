"""Each page has an address in each language, and the address says the language."""

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute

from service.web.addresses import language_of, other_language
from service.wording.language import Language
from tests.web.small_site import ADDRESSES, Page


def test_path_fills_the_parameters_in() -> None:
    assert ADDRESSES.path(Page.DONE, Language.FR, number=7) == "/merci/7"
    assert ADDRESSES.path(Page.DONE, Language.EN, number=7) == "/en/done/7"


def test_language_of_every_path_of_a_page_is_that_of_the_page() -> None:
    wrong = [
        (page, language)
        for page in Page
        for language in Language
        if language_of(ADDRESSES.pattern(page, language)) is not language
    ]
    assert wrong == []


def test_language_of_other_paths_is_french_unless_they_are_below_en() -> None:
    found = {path: language_of(path) for path in ("/en", "/en/x", "/entree", "/", "")}
    assert [path for path, language in found.items() if language is Language.EN] == ["/en", "/en/x"]


def test_other_language_leads_there_and_back() -> None:
    assert all(other_language(other_language(language)) is language for language in Language)


def test_route_serves_both_paths_and_is_not_in_the_schema() -> None:
    router = APIRouter()

    @ADDRESSES.route(router, Page.DONE, "POST")
    async def submit() -> Response:
        return Response()

    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    assert {route.path for route in routes} == {"/merci/{number}", "/en/done/{number}"}
    assert [route for route in routes if route.include_in_schema or route.methods != {"POST"}] == []
