"""Every route, and who may call it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from service.access.permit import Rule
from service.main import ROUTERS
from service.verification.sessions import person

DOCUMENT: Final = Path(__file__).parents[1] / "openapi" / "openapi.json"
"""The OpenAPI document, which a test compares with the code. Reading it is much quicker than generating it."""

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]

# Anybody may call these.
PUBLIC = {
    "get_alive",
    "get_health",
    "get_ready",
    "get_disclosure_schema",
    "list_publications",
    "get_publication",
    "download_publication",
    "begin_verification",
    "get_verification",
    "confirm_verification",
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
    others = {"PersonSession": person}
    return ["ApiKey"] * len(rules(route)) + [scheme for scheme, call in others.items() if call in calls]


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from _calls(dependency)
