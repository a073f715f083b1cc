"""What holds for every route, found by walking them."""

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from service.access.actor import Scope
from service.access.idempotency import IdempotentRoute
from service.core.settings import Settings
from service.core.vocabulary import Role
from service.main import create_app
from tests.callers import Registry
from tests.routes import PUBLIC, ROUTES, openers, rules

# A lookup creates nothing, and what it answers must not be kept. A person and our gateway have no keys of the API:
# what they send again is told from the first by its own means.
NOT_CREATING = {
    "look_up_number",
    "begin_verification",
    "confirm_verification",
    "make_disclosure",
    "create_objection",
    "receive_message",
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_says_who_may_call_it(route: APIRoute) -> None:
    assert len(openers(route)) == (0 if route.name in PUBLIC else 1)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_creating_post_takes_an_idempotency_key(route: APIRoute) -> None:
    creates = _method(route) == "POST" and route.name not in NOT_CREATING
    assert isinstance(route, IdempotentRoute) or not creates


def test_operation_ids_are_function_names_and_unique() -> None:
    names = [route.name for route in ROUTES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("authorization", [None, "Bearer fil_000000000000_nothing", "Bearer x", "Basic eDp5"])
def test_without_a_key_every_route_refuses(client: TestClient, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for route in ROUTES:
        if openers(route) == ["ApiKey"]:
            answer = client.request(_method(route), _filled(route), headers=headers)
            assert answer.status_code == 401, route.name
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"] == "urn:filiation:problem:key_refused"


@pytest.mark.parametrize("authorization", [None, "Bearer fis_nothing", "Bearer fil_000000000000_x", "Basic eDp5"])
def test_without_a_session_every_route_of_a_person_refuses(client: TestClient, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for route in ROUTES:
        if openers(route) == ["PersonSession"]:
            answer = client.request(_method(route), _filled(route), headers=headers)
            assert answer.status_code == 401, route.name
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["type"] == "urn:filiation:problem:session_refused"


def test_the_walk_finds_the_routes() -> None:
    described = create_app(Settings.model_construct(), "postgresql://").openapi()["paths"]
    assert {(route.path_format, _method(route).lower()) for route in ROUTES} == {
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


def test_a_key_without_the_scope_is_refused_everywhere(registry: Registry) -> None:
    for route in ROUTES:
        if not rules(route):
            continue
        (rule,) = rules(route)
        others = [scope for scope in Scope if scope is not rule.scope and scope.value != "accounts"] or [Scope.ACCOUNTS]
        role = Role.OPERATOR if rule.roles == {Role.OPERATOR} else Role.BROKER
        if role is Role.OPERATOR:
            others = [Scope.FACTS_READ]
        caller = registry.organisation(role, scopes=others)
        answer = caller.request(_method(route), _filled(route), json={})
        assert answer.status_code == 403, route.name
        assert answer.json()["type"] == "urn:filiation:problem:scope_missing"
