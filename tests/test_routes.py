"""What holds for every route. Each test walks all of them and prints every route that breaks its rule."""

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from service.access.actor import Scope
from service.access.idempotency import IdempotentRoute
from service.core.errors import MEDIA_TYPE, TYPE_PREFIX
from service.core.settings import Settings
from service.core.vocabulary import Role
from service.main import create_app
from tests.callers import Registry
from tests.routes import PUBLIC, ROUTES, method_of, openers, rules

pytestmark = pytest.mark.one_registry

# A lookup and a preview create nothing, and the answer to a lookup must not be stored. Persons and the SMS gateway have
# no API keys, and these routes recognise a repeated request by other means.
NOT_CREATING = {
    "look_up_number",
    "preview_part",
    "begin_verification",
    "confirm_verification",
    "make_disclosure",
    "create_objection",
    "contest_origin",
    "withdraw_contest",
    "receive_message",
}


def test_every_route_names_who_may_call_it() -> None:
    expected = {route.name: 0 if route.name in PUBLIC else 1 for route in ROUTES}
    wrong = [(route.name, openers(route)) for route in ROUTES if len(openers(route)) != expected[route.name]]
    assert wrong == []


def test_every_post_that_creates_something_is_idempotent() -> None:
    creating = [route for route in ROUTES if method_of(route) == "POST" and route.name not in NOT_CREATING]
    assert [route.name for route in creating if not isinstance(route, IdempotentRoute)] == []


def test_operation_ids_are_unique() -> None:
    names = [route.name for route in ROUTES]
    assert len(set(names)) == len(names)


def test_every_route_of_organisations_without_a_valid_key_is_refused(client: TestClient) -> None:
    keys = (None, "Bearer fil_000000000000_nothing", "Bearer x", "Basic eDp5")
    assert _not_refused(client, "ApiKey", keys, "key_refused") == []


def test_every_route_of_persons_without_a_valid_session_is_refused(client: TestClient) -> None:
    tokens = (None, "Bearer fis_nothing", "Bearer fil_000000000000_x", "Basic eDp5")
    assert _not_refused(client, "PersonSession", tokens, "session_refused") == []


def _not_refused(client: TestClient, scheme: str, authorizations: Iterable[str | None], slug: str) -> list[Any]:
    """Each request for a route of a security scheme that is not answered with that 401 problem."""
    wrong: list[Any] = []
    routes = [route for route in ROUTES if openers(route) == [scheme]]
    assert routes
    for route, authorization in itertools.product(routes, authorizations):
        headers = {"Authorization": authorization} if authorization else {}
        response = client.request(method_of(route), _filled(route), headers=headers)
        challenge, media_type = (response.headers.get(name) for name in ("www-authenticate", "content-type"))
        found = (response.status_code, challenge, media_type)
        problem = response.json().get("type") if media_type == MEDIA_TYPE else None
        if found != (401, "Bearer", MEDIA_TYPE) or problem != TYPE_PREFIX + slug:
            wrong.append((route.name, authorization, *found, problem))
    return wrong


def test_routes_of_the_walk_are_those_of_the_application() -> None:
    described = create_app(Settings.model_construct(), "postgresql://").openapi()["paths"]
    assert {(route.path_format, method_of(route).lower()) for route in ROUTES} == {
        (path, method) for path, methods in described.items() for method in methods
    }


def _method(route: APIRoute) -> str:
    return next(iter(route.methods or ()))


def _filled(route: APIRoute) -> str:
    path = route.path_format
    for parameter in route.param_convertors:
        value = "1" if parameter == "number" else "01890000-0000-7000-8000-000000000000"
        path = path.replace("{" + parameter + "}", value)
    return path


def test_every_route_with_a_key_that_lacks_its_scope_is_refused(registry: Registry) -> None:
    wrong = []
    for route in ROUTES:
        if not rules(route):
            continue
        (rule,) = rules(route)
        others = [scope for scope in Scope if scope is not rule.scope and scope.value != "accounts"] or [Scope.ACCOUNTS]
        role = Role.OPERATOR if rule.roles == {Role.OPERATOR} else Role.BROKER
        if role is Role.OPERATOR:
            others = [Scope.FACTS_READ]
        caller = registry.organisation(role, scopes=others)
        response = caller.request(method_of(route), _filled(route), json={})
        if response.status_code != 403 or response.json()["type"] != TYPE_PREFIX + "scope_missing":
            wrong.append((route.name, response.status_code, response.text))
    assert wrong == []
