"""The class of every route: it looks at who calls before it reads a body, and reads no more than its route declares."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from functools import cached_property
from typing import Any, Final

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from service.core.body_limits import Body, body_of, declared_body
from service.core.errors import TooManyValues, Unprocessable
from service.core.turns import is_served_first, step_by_step

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

# A body of so many values is parsed and validated in some ten milliseconds. An objection reported for a thousand
# numbers has four thousand.
MOST_VALUES: Final = 20_000
# A partner list has up to 10,000 names, each with the id of an organisation.
MOST_VALUES_OF_LIST: Final = 60_000
DEEPEST: Final = 32
# Each value after the first stands behind one of these. In texts they count too, which are few there.
_SEPARATORS: Final = (b",", b":", b"[", b"{")
_STRING_OR_BRACKET: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


class Gate(ABC):
    """A dependency that says who may call a route. The route asks it before it reads the body, too."""

    @abstractmethod
    async def admit_before_body(self, request: Request) -> None:
        """Raise the problem of a caller that may not call the route."""


class BoundedRequest(Request):
    """A request whose JSON has a bounded number of values and depth."""

    most_values = MOST_VALUES

    async def json(self) -> Any:
        """The body as JSON."""
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body(), self.most_values)
        return self._json


def read_json(body: bytes, most: int) -> Any:
    """Parse a body, after counting what it contains.

    Raises:
        TooManyValues: parsing would take too long.
        ValueError: it is not JSON in UTF-8.
    """
    if sum(map(body.count, _SEPARATORS)) > most or _is_too_deep(body):
        raise TooManyValues(most, DEEPEST)
    return json.loads(body)


def _is_too_deep(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(body):
        step = found[0]
        depth += (step in b"[{") - (step in b"]}")
        if depth > DEEPEST:
            return True
    return False


class BoundedRoute(APIRoute):
    """A route of the API or a page."""

    @cached_property
    def body(self) -> Body:
        """The kind of body that it reads."""
        return declared_body(self.endpoint, has_model=self.body_field is not None)

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """Those of its dependencies that say who may call it."""
        calls: Iterator[object] = (part.call for part in _dependants(self.dependant))
        return tuple(call for call in calls if isinstance(call, Gate))

    @cached_property
    def _parameters(self) -> frozenset[str]:
        parts = _dependants(self.dependant)
        return frozenset(parameter.alias for part in parts for parameter in part.query_params)

    def handler(self) -> Handler:
        """The framework's handler, for a class of routes to put something around."""
        return super().get_route_handler()

    def get_route_handler(self) -> Handler:
        """The handler, behind the gates and the bound."""
        handle = self.handler()
        first = is_served_first(self.endpoint)

        async def handle_in_turn(request: Request) -> Response:
            return await (handle_within_bounds(request) if first else step_by_step(handle_within_bounds(request)))

        async def handle_within_bounds(request: Request) -> Response:
            # Pages ignore what other sites append to their addresses.
            if request.scope["query_string"] and self.include_in_schema:
                self._require_known_parameters(request)
            if request.method != "GET":
                for gate in self.gates:
                    await gate.admit_before_body(request)
                body_of(request.scope).open(self.body)
            bounded = BoundedRequest(request.scope, request.receive)
            if self.body is Body.LONG_LIST:
                bounded.most_values = MOST_VALUES_OF_LIST
            # What is raised while the framework reads a body becomes its own error. And while a slow client sends it,
            # no connection to the database is held.
            if request.method != "GET" and self.body not in (Body.UPLOAD, Body.FORM):
                await bounded.body()
            return await handle(bounded)

        return handle_in_turn

    def _require_known_parameters(self, request: Request) -> None:
        if not self._parameters.issuperset(request.query_params):
            known = ", ".join(sorted(self._parameters)) or "none"
            raise Unprocessable(
                "unknown_parameter", f"The URL has a query parameter that this endpoint does not have. It has: {known}."
            )


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for dependency in dependant.dependencies:
        yield from _dependants(dependency)
