"""What a person is sent has the same size, whether nobody holds their number or several organisations do."""

import base64
import html
import re
import uuid
from collections.abc import Iterator

from httpx2 import Response

from service.core.padding import LEAST_BYTES, LEAST_PDF_BYTES, padded_size
from service.demo.files import screenshot
from service.portal.address import ADDRESSES, Page
from service.portal.session import SESSION_COOKIE
from service.wording.language import Language
from tests.builders import filled, make_collection, make_notice, number
from tests.callers import Registry
from tests.objection.builders import create_objection, several_holders
from tests.persons import PersonCaller, prove

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
    yield "list of objections", person.request("GET", "/v1/objections")
    yield "no such objection", person.request("GET", f"/v1/objections/{uuid.UUID(int=1)}")


def _sizes(person: PersonCaller) -> dict[str, tuple[int, int, str]]:
    """The status of each, the size of its body, and what caches and proxies may do with it."""
    return {
        name: (response.status_code, len(response.content), response.headers["cache-control"])
        for name, response in _responses(person)
    }


def test_answer_page_loads_no_evidence_and_shows_it_on_a_page_of_a_padded_size(registry: Registry) -> None:
    collector = registry.collector()
    notice = make_notice(collector, collector.id)
    picture = screenshot()
    sent = {"content": picture, "headers": {"Content-Type": "image/png"}}
    kept = collector.request("POST", f"/v1/notices/{notice['id']}/evidence", **sent)
    assert kept.status_code == 201, kept.text
    filled(collector, [7], collection_id=make_collection(collector, collector.id, notice["id"])["id"])
    person = prove(registry.client, registry.dsn, number(7))
    cookie = {"Cookie": f"{SESSION_COOKIE}={person.token}", "Accept": "text/html"}
    answer = registry.client.get(ADDRESSES.path(Page.ANSWER, Language.FR), headers=cookie).text
    (address,) = re.findall(rf'href="({ADDRESSES.path(Page.EVIDENCE, Language.FR, evidence_id="")}[^"]+)"', answer)
    assert set(re.findall(r' src="([^"]+)"', answer)) == set(re.findall(r' src="(/static/[^"]+)"', answer))
    page = registry.client.get(address, headers=cookie)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store, no-transform")
    assert len(page.content) == padded_size(len(page.content))
    shown = set(re.findall(r'"data:image/png;base64,([^"]+)"', page.text))
    assert {html.unescape(each) for each in shown} == {base64.b64encode(picture).decode()}
    assert kept.json()["sha256"] in page.text
    assert "img-src 'self' data:;" in page.headers["content-security-policy"]
    assert "data:" not in registry.client.get("/", headers=cookie).headers["content-security-policy"]


def test_persons_pages_and_files_have_one_size_for_nobody_and_for_several_holders(registry: Registry) -> None:
    holders = several_holders(registry)
    held, objected, unknown = holders.person(7), holders.person(8), holders.person(4242)
    create_objection(objected)
    sizes = _sizes(unknown)
    assert {status for status, _, _ in sizes.values()} == {200, 201, 404}
    assert {cached for _, _, cached in sizes.values()} == {"no-store, no-transform"}
    assert {name: size for name, (_, size, _) in sizes.items() if size != LEAST_BYTES} == {"pdf": LEAST_PDF_BYTES}
    assert _sizes(held) == sizes
    assert _sizes(objected) == sizes
