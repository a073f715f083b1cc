"""Each page at its two addresses."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from fastapi import APIRouter, Response

from service.portal.address import Page, template_of
from service.wording.language import Language

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])


def at(router: APIRouter, page: Page, method: Literal["GET", "POST"] = "GET") -> Callable[[Handler], Handler]:
    """Let a function answer for a page in each language. Pages are no part of the API's description."""

    def register(handler: Handler) -> Handler:
        for language in Language:
            name: Any = f"{handler.__name__}_{language}"
            router.add_api_route(
                template_of(page, language), handler, methods=[method], name=name, include_in_schema=False
            )
        return handler

    return register
