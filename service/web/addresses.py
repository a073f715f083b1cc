"""The address of each page in each language. No address says anything about a person."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from fastapi import APIRouter, Response

from service.core.body_limits import Body, reads
from service.wording.language import Language

PageT = TypeVar("PageT", bound=StrEnum)
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])


class Paths(NamedTuple):
    """The path of one page in each language, with its parameters in braces."""

    fr: str
    en: str

    def in_language(self, language: Language) -> str:
        """The path in one language."""
        match language:
            case Language.FR:
                return self.fr
            case Language.EN:
                return self.en


class Addresses(Generic[PageT]):
    """Where the pages of a site are."""

    def __init__(self, paths: Mapping[PageT, Paths]) -> None:
        self._paths = paths

    def pattern(self, page: PageT, language: Language) -> str:
        """The path of a page as routes have it, with its parameters in braces."""
        return self._paths[page].in_language(language)

    def path(self, page: PageT, language: Language, **parameters: Any) -> str:
        """The path of a page with its parameters filled in."""
        return self.pattern(page, language).format(**parameters)

    def route(
        self, router: APIRouter, page: PageT, method: Literal["GET", "POST"] = "GET"
    ) -> Callable[[Handler], Handler]:
        """Let a function answer for a page in each language. Pages are not part of the described API."""

        def register(handler: Handler) -> Handler:
            declared = reads(Body.FORM)(handler) if method == "POST" else handler
            for language in Language:
                router.add_api_route(
                    self.pattern(page, language),
                    declared,
                    methods=[method],
                    name=f"{handler.__name__}_{language}",
                    include_in_schema=False,
                )
            return handler

        return register


def language_of(path: str) -> Language:
    """The language of what is at a path: English below `/en`, French everywhere else."""
    return Language.EN if path == "/en" or path.startswith("/en/") else Language.FR


def other_language(language: Language) -> Language:
    """The language that a page offers to switch to."""
    match language:
        case Language.FR:
            return Language.EN
        case Language.EN:
            return Language.FR
