"""While the database is away, every operation says so within seconds; afterwards it works without a restart."""

from concurrent.futures import ThreadPoolExecutor

from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response

from service.core.errors import MEDIA_TYPE, TYPE_PREFIX
from tests.builders import number
from tests.callers import Registry
from tests.inspection import refusal
from tests.outages import outage
from tests.routes import ROUTES, filled_path, method_of, openers

# Of routes that anybody may call, what their bodies need, and what they say of their own
# the database is away.
BODIES = {"begin_verification": {"number": "06 39 98 00 42"}, "confirm_verification": {"code": "123456"}}
OF_THEIR_OWN = {"get_alive": 200, "get_ready": 503, "get_disclosure_schema": 200}


def test_operations_while_the_database_is_away_are_refused_as_that(
    client: TestClient, registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    keys = {"ApiKey": broker.key, "PersonSession": "fis_something"}
    assert broker.lookup(number(42))["held"] is False

    def call(route: APIRoute) -> Response:
        schemes = openers(route)
        headers = {"Authorization": f"Bearer {keys[schemes[0]]}"} if schemes else {}
        return client.request(method_of(route), filled_path(route), headers=headers, json=BODIES.get(route.name))

    # Reports of deliveries carry a token in their address, which is looked at before anything is read.
    routes = [route for route in ROUTES if set(openers(route)) <= set(keys) and "{message_id}" not in route.path]
    with outage(dsn), ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(call, routes))
        page = client.get("/", headers={"Accept": "text/html"})
    wrong = [
        (route.name, answer.status_code, answer.text)
        for route, answer in zip(routes, answers, strict=True)
        if not _says_that_the_database_is_away(answer) and OF_THEIR_OWN.get(route.name) != answer.status_code
    ]
    assert wrong == []
    assert page.status_code in (200, 503)
    assert broker.lookup(number(42))["held"] is False
    assert refusal(broker.request("GET", "/v1/nothing")) == (404, "endpoint_not_found")


def _says_that_the_database_is_away(answer: Response) -> bool:
    return (
        (answer.status_code, answer.headers["content-type"]) == (503, MEDIA_TYPE)
        and answer.json()["type"] in (f"{TYPE_PREFIX}database_unavailable", f"{TYPE_PREFIX}overloaded")
        and 1 <= int(answer.headers["retry-after"]) <= 10
    )
