"""What a person is sent has the same size, whether nobody holds their number or several organisations do."""

from collections.abc import Iterator

from httpx2 import Response

from service.core.padding import LEAST_BYTES, LEAST_PDF_BYTES
from service.portal.address import ADDRESSES, Page
from service.portal.session import SESSION_COOKIE
from service.wording.language import Language
from tests.callers import Registry
from tests.objection.builders import create_objection, several_holders
from tests.persons import PersonCaller

PAGES = (Page.SINCE, Page.ANSWER, Page.OBJECTION, Page.ERASURE, Page.REQUESTS)


def _responses(person: PersonCaller) -> Iterator[tuple[str, Response]]:
    """Each page and file of a person."""
    cookie = {"Cookie": f"{SESSION_COOKIE}={person.token}", "Accept": "text/html"}
    for page in PAGES:
        for language in Language:
            path = ADDRESSES.path(page, language)
            person.client.cookies.clear()
            yield path, person.client.get(path, headers=cookie, follow_redirects=False)
    for form in ("json", "pdf"):
        yield form, person.request("POST", "/v1/disclosures", json={"form": form})


def _sizes(person: PersonCaller) -> dict[str, tuple[int, int, str]]:
    """The status of each, the size of its body, and what caches and proxies may do with it."""
    return {
        name: (response.status_code, len(response.content), response.headers["cache-control"])
        for name, response in _responses(person)
    }


def test_persons_pages_and_files_have_one_size_for_nobody_and_for_several_holders(registry: Registry) -> None:
    holders = several_holders(registry)
    held, objected, unknown = holders.person(7), holders.person(8), holders.person(4242)
    create_objection(objected)
    sizes = _sizes(unknown)
    assert {status for status, _, _ in sizes.values()} == {200, 201}
    assert {cached for _, _, cached in sizes.values()} == {"no-store, no-transform"}
    assert {name: size for name, (_, size, _) in sizes.items() if size != LEAST_BYTES} == {"pdf": LEAST_PDF_BYTES}
    assert _sizes(held) == sizes
    assert _sizes(objected) == sizes
