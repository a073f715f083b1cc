"""Every route, and who may call it."""

from collections.abc import Iterator
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from service.access.permit import Rule
from service.main import ROUTERS
from service.messaging.providers.kannel_routes import authenticate_kannel
from service.verification.sessions import person

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]

# Anybody may call these. The address of a delivery report contains a token of its own, which Kannel was given.
PUBLIC = {
    "get_alive",
    "get_health",
    "get_ready",
    "get_disclosure_schema",
    "list_publications",
    "get_publication",
    "download_publication",
    "begin_verification",
    "confirm_verification",
    "report_message",
}


def method_of(route: APIRoute) -> str:
    """The method of a route. Each has only one."""
    return next(iter(route.methods or ()))


def filled_path(route: APIRoute) -> str:
    """The path of a route with ids that nothing has."""
    path = route.path_format
    for parameter in route.param_convertors:
        value = {"number": "1", "quarter": "2020-Q1"}.get(parameter, "01890000-0000-7000-8000-000000000000")
        path = path.replace("{" + parameter + "}", value)
    return path


def rules(route: APIRoute) -> list[Rule]:
    """The rules about API keys that a route names."""
    return [call for call in _calls(route.dependant) if isinstance(call, Rule)]


def openers(route: APIRoute) -> list[str]:
    """The security schemes of a route, by their names in the OpenAPI document."""
    calls = list(_calls(route.dependant))
    others = {"PersonSession": person, "SmsGateway": authenticate_kannel}
    return ["ApiKey"] * len(rules(route)) + [scheme for scheme, call in others.items() if call in calls]


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from _calls(dependency)
