"""What lives as long as a process does: the database, the key ring, the queue … Each is found by its type.

Routes receive them as dependencies, and tasks as their first argument. Each layer asks for the types that it knows, so
a lower layer need not know the types of the upper ones.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request

Resource = TypeVar("Resource")


class Resources:
    """At most one object of each type."""

    def __init__(self, *resources: object) -> None:
        self._by_type: dict[type, Any] = {}
        self.add(*resources)

    def add(self, *resources: object) -> None:
        """Add objects, each under its own type.

        Raises:
            ValueError: there is already an object of this type.
        """
        for resource in resources:
            kind = type(resource)
            if kind in self._by_type:
                raise ValueError(f"This process already has a {kind.__name__}.")
            self._by_type[kind] = resource

    def instead(self, *resources: object) -> "Resources":
        """The same objects, with these in the place of those of their types."""
        changed = Resources(*resources)
        changed._by_type = self._by_type | changed._by_type
        return changed

    def get(self, kind: type[Resource]) -> Resource:
        """The object of this type.

        Raises:
            LookupError: this process was started without one.
        """
        try:
            found: Resource = self._by_type[kind]
        except KeyError:
            raise LookupError(f"This process has no {kind.__name__}.") from None
        return found


def resources_of(request: Request) -> Resources:
    """The resources of the application that serves `request`."""
    resources: Resources = request.app.state.resources
    return resources


def resource(kind: type[Resource]) -> Callable[[Request], Awaitable[Resource]]:
    """The dependency of a route that needs the object of this type."""

    # A coroutine, although it waits for nothing. Any other dependency runs in a thread, and switching to it costs more
    # than an empty route.
    async def from_application(request: Request) -> Resource:
        return resources_of(request).get(kind)

    return from_application
