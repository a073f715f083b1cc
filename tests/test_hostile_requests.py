"""No request hurts: every route refuses a hostile body, and a head without end, before it has read much of it."""

import itertools
from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from fastapi.routing import APIRoute

from service.core.body_limits import Body
from service.core.bounded_route import BoundedRoute
from service.core.security_headers import EVERY_RESPONSE
from service.main import create_app
from service.portal.routes import ROUTERS as PAGES
from service.web.api_docs import page as api_docs
from tests.callers import Registry
from tests.conftest import settings_of_tests, temporary_database
from tests.hostile import SHAPES, Answer, address_of, hostile_request, request_head, send_until_answered
from tests.routes import ROUTES, filled_path, method_of, openers
from tests.sockets import on_a_socket

# What the loopback's buffers take while the service decides.
MOST_SENT = 32 << 20
PAGE_ROUTES = [route for router in (*PAGES, api_docs.router) for route in router.routes if isinstance(route, APIRoute)]
NOT_ROUTES = [("POST", "/"), ("PUT", "/v1/session/more"), ("POST", "/v1/nothing"), ("POST", "/v1/health")]
NOT_ROUTES += [("PATCH", "/v1/session"), ("POST", "/docs"), ("PUT", "/openapi.json"), ("BREW", "/v1/lookups")]


class Service:
    """The running application, and what a caller needs."""

    def __init__(self, address: tuple[str, int], key: str) -> None:
        self.address, self.key = address, key


@pytest.fixture(scope="module")
def service(cluster: str) -> Iterator[Service]:
    with temporary_database(cluster) as dsn, on_a_socket(create_app(settings_of_tests(), dsn)) as client:
        yield Service(address_of(client), Registry(client, dsn).broker().key)


def test_every_route_is_bounded() -> None:
    assert [route.path for route in (*ROUTES, *PAGE_ROUTES) if not isinstance(route, BoundedRoute)] == []
    unbounded = [route.name for route in ROUTES if isinstance(route, BoundedRoute) and route.body is Body.UPLOAD]
    assert unbounded == ["upload_part", "preview_part"]
    reading = {
        route.path for route in PAGE_ROUTES if isinstance(route, BoundedRoute) and route.body is not Body.NOTHING
    }
    posted = {route.path for route in PAGE_ROUTES if "POST" in (route.methods or ())}
    assert reading == posted


def test_every_route_without_a_key_refuses_a_hostile_body_unread(service: Service) -> None:
    wrong = []
    for route, shape in zip(ROUTES, itertools.cycle(SHAPES), strict=False):
        answer = hostile_request(service.address, method_of(route), filled_path(route), SHAPES[shape])
        schemes = openers(route)
        expected = {401} if schemes else {200, 400, 404, 413, 415, 422}
        if answer.status not in expected or answer.sent > MOST_SENT or lacking(answer):
            wrong.append((route.name, shape, answer.status, answer.sent, lacking(answer)))
    assert wrong == []


def test_every_route_with_a_key_refuses_a_hostile_body(service: Service) -> None:
    wrong = []
    for route, shape in zip(ROUTES, itertools.cycle(reversed(SHAPES)), strict=False):
        key = f"Authorization: Bearer {service.key}"
        answer = hostile_request(service.address, method_of(route), filled_path(route), SHAPES[shape], key)
        if not 200 <= answer.status < 500 or answer.sent > MOST_SENT or lacking(answer):
            wrong.append((route.name, shape, answer.status, answer.sent, lacking(answer)))
        if answer.status < 300 and method_of(route) != "GET":
            wrong.append((route.name, shape, answer.status, answer.sent, {"it was taken"}))
    assert wrong == []


def test_pages_and_what_is_no_route_refuse_a_hostile_body(service: Service) -> None:
    wrong = []
    pages = [(method, route.path_format) for route in PAGE_ROUTES for method in route.methods or ()]
    for (method, path), shape in zip([*pages, *NOT_ROUTES], itertools.cycle(SHAPES), strict=False):
        filled = path.replace("{quarter}", "2020-Q1").replace("{", "").replace("}", "")
        answer = hostile_request(service.address, method, filled, SHAPES[shape])
        if not 200 <= answer.status < 500 or answer.sent > MOST_SENT or lacking(answer):
            wrong.append((method, path, shape, answer.status, answer.sent, lacking(answer)))
    assert wrong == []


def lacking(answer: Answer) -> set[str]:
    """The security headers that an answer lacks. On the machine itself nothing insists on TLS."""
    return EVERY_RESPONSE.keys() - answer.headers.keys() - {"strict-transport-security"}


def test_body_that_its_head_announces_as_too_large_is_not_asked_for(service: Service) -> None:
    head = request_head("PUT", "/v1/session", "Content-Length: 10", "Expect: 100-continue")
    assert send_until_answered(service.address, [head]).status == 401
    lines = ("Content-Type: application/json", "Content-Length: 20000", "Expect: 100-continue")
    answer = send_until_answered(service.address, [request_head("POST", "/v1/verifications", *lines)])
    assert (answer.status, answer.slug) == (413, "content_too_large")
    lines = ("Content-Type: application/json", "Content-Length: 2", "Expect: 100-continue")
    assert send_until_answered(service.address, [request_head("POST", "/v1/verifications", *lines)]).status == 100


def test_body_that_differs_from_its_head_is_refused(service: Service) -> None:
    json_type = "Content-Type: application/json"
    cases = {
        "two lengths": ("Content-Length: 2", "Content-Length: 3"),
        "length and chunks": ("Content-Length: 2", "Transfer-Encoding: chunked"),
        "negative length": ("Content-Length: -1",),
        "no chunk": ("Transfer-Encoding: chunked",),
        "unknown coding": ("Transfer-Encoding: gzip",),
    }
    wrong = []
    for name, lines in cases.items():
        pieces = [request_head("POST", "/v1/verifications", json_type, *lines), b"{}\r\nzz\r\n"]
        answer = send_until_answered(service.address, pieces)
        if (answer.status, answer.slug) != (400, "malformed_http") or lacking(answer):
            wrong.append((name, answer))
    assert wrong == []


def test_head_without_end_is_refused(service: Service) -> None:
    begin = request_head("GET", "/v1/health")[:-2]
    cases = {
        "long header": chain([begin, b"X: "], repeat(b"x" * 65536)),
        "many headers": chain([begin], repeat(b"x: y\r\n" * 10_000)),
        "long name": chain([begin], repeat(b"x" * 65536)),
        "long address": chain([b"GET /"], repeat(b"x" * 65536)),
        "empty lines": repeat(b"\r\n" * 30_000),
        "long last line": chain(
            [begin + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: "], repeat(b"x" * 65536, 800)
        ),
    }
    answers = {name: send_until_answered(service.address, pieces) for name, pieces in cases.items()}
    # A response that is already on its way is not followed by another one.
    assert answers.pop("long last line").status in (0, 200, 431)
    assert {name: (answer.status, answer.slug, lacking(answer)) for name, answer in answers.items()} == dict.fromkeys(
        answers, (431, "head_too_large", set())
    )


@pytest.mark.parametrize(
    "head",
    [
        b"GET /v1/health HTTP/1.1\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.0\r\nAccept: text/html\r\n\r\n",
    ],
)
def test_request_without_exactly_one_host_is_refused(service: Service, head: bytes) -> None:
    answer = send_until_answered(service.address, [head])
    assert answer.status == 400
    assert lacking(answer) == set()


def test_every_response_elsewhere_insists_on_tls(service: Service) -> None:
    paths = ("/", "/v1/health", "/docs", "/openapi.json", "/v1/nothing", "/en", "/reponse", "/v1/datasets")
    heads = {path: request_head("GET", path, "Connection: close", host="r.example") for path in paths}
    answers = {path: send_until_answered(service.address, [head]) for path, head in heads.items()}
    assert [path for path, answer in answers.items() if EVERY_RESPONSE.keys() - answer.headers.keys()] == []
    assert {answer.status for answer in answers.values()} == {200, 303, 308, 401, 404}


def test_every_get_is_answered_to_head_as_well(service: Service) -> None:
    wrong = []
    for route in ROUTES:
        if method_of(route) != "GET":
            continue
        path, key = filled_path(route), f"Authorization: Bearer {service.key}"
        asked = send_until_answered(service.address, [request_head("HEAD", path, key, "Connection: close")])
        got = send_until_answered(service.address, [request_head("GET", path, key, "Connection: close")])
        same = asked.status == got.status and asked.headers["content-type"] == got.headers["content-type"]
        if not same or asked.body:
            wrong.append((route.name, asked, got))
    assert wrong == []


def test_request_with_an_unknown_parameter_is_refused(service: Service) -> None:
    wrong = []
    for route in ROUTES:
        path = f"{filled_path(route)}?cursor=1&colum=hidden"
        schemes = openers(route)
        key = f"Authorization: Bearer {service.key}" if schemes == ["ApiKey"] else "X: y"
        answer = send_until_answered(service.address, [request_head(method_of(route), path, key, "Content-Length: 0")])
        if (answer.status, answer.slug) != (422, "unknown_parameter") or b"hidden" in answer.body:
            wrong.append((route.name, answer))
    assert wrong == []
