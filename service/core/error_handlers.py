"""Turns exceptions into RFC 9457 responses: the problems of the domain, the framework's refusals, and crashes."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from service.core.errors import (
    MEDIA_TYPE,
    TITLES,
    TYPE_PREFIX,
    Problem,
    TooLarge,
    TooManyValues,
    TooSlow,
)
from service.core.outages import refusal_of
from service.core.outline import outline

log = logging.getLogger(__name__)


# Of more, nobody reads all before they correct the first.
_MOST_ERRORS: Final = 100
# Documented fields have names like this. Any other name in a request is the caller's text, which may be a number.
_FIELD_NAME: Final = re.compile(r"[a-z][a-z_-]{0,60}")


def _location(path: Sequence[int | str]) -> str:
    """Where a field is in the request, such as `body.periods.0.began_on`."""
    return ".".join(
        str(step) if isinstance(step, int) or _FIELD_NAME.fullmatch(step) else "(unknown field)" for step in path
    )


def _reason(error: dict[str, Any]) -> str:
    """Why a field was refused. The framework's texts hold no values, except the first invalid character of an id."""
    if error["type"] == "uuid_parsing":
        return "Input should be a valid UUID"
    return str(error["msg"]).removeprefix("Value error, ")


def _respond(
    status: int,
    slug: str,
    detail: str,
    extensions: dict[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    title = TITLES.get(status, "Refused")
    content = {"type": TYPE_PREFIX + slug, "title": title, "status": status, "detail": detail}
    return JSONResponse(content | (extensions or {}), status, headers=headers, media_type=MEDIA_TYPE)


def respond(problem: Problem) -> JSONResponse:
    """`problem` as an HTTP response."""
    return _respond(problem.status, problem.slug, problem.detail, problem.extensions, problem.headers())


async def _on_problem(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    return respond(problem)


async def _on_validation(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, RequestValidationError)
    if isinstance(problem.body, bytes):
        # The framework passes on a body as bytes if its content type is not JSON.
        return _refuse(415)
    errors = problem.errors()
    if errors[0]["type"] == "json_invalid":
        return _refuse(400)
    fields = [{"location": _location(error["loc"]), "reason": _reason(error)} for error in errors[:_MOST_ERRORS]]
    return _respond(
        422,
        "invalid_request",
        "The request does not match the documented schema. Correct the fields in `errors` and send it again.",
        {"errors": fields},
    )


_FRAMEWORK_DETAILS: Final = {
    400: ("malformed_request", "The body is not valid JSON in UTF-8. Correct it and send it again."),
    404: ("endpoint_not_found", "No endpoint has this path. /openapi.json lists all of them."),
    405: (
        "method_not_allowed",
        "This endpoint does not support the method. The `Allow` header lists those that it supports.",
    ),
    408: ("body_too_slow", "The body did not arrive in time. Send it again over a faster connection."),
    413: ("content_too_large", "The body is larger than this endpoint accepts. Send less at once."),
    415: ("unsupported_media_type", "This endpoint reads JSON. Send the body with `Content-Type: application/json`."),
}


def _refuse(status: int, *, detail: str | None = None, headers: Mapping[str, str] | None = None) -> JSONResponse:
    slug, usual = _FRAMEWORK_DETAILS.get(
        status, ("refused", "The request was refused. See the documentation of this endpoint.")
    )
    return _respond(status, slug, detail or usual, headers=headers)


async def _on_framework(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, HTTPException)
    if problem.status_code == 405:
        return _refuse(405, headers={"Allow": ", ".join(_methods_of(request))})
    detail = problem.detail if isinstance(problem, TooLarge | TooSlow | TooManyValues) else None
    return _refuse(problem.status_code, detail=detail)


_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _methods_of(request: Request) -> list[str]:
    """The methods that the request's path supports. The framework names those of the first matching route only."""
    scope = {"type": "http", "path": request.scope["path"], "root_path": request.scope.get("root_path", "")}
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        # HEAD is answered wherever GET is.
        if any(route.matches(scope | {"method": method.replace("HEAD", "GET")})[0] is Match.FULL for route in routes)
    ]


def failure_response(problem: Exception) -> JSONResponse:
    """The response to an exception that is no refusal: what a lost database means, or an unexpected one.

    Its text may quote a row or a parameter, so only its kind and places are logged.
    """
    known = problem if isinstance(problem, Problem) else refusal_of(problem)
    if known is not None:
        if known is not problem:
            log.warning("%s: %s", known.slug, type(problem).__name__)
        return respond(known)
    log.error("An unexpected error ended a request.\n%s", outline(problem))
    return _respond(
        500,
        "internal_error",
        "An unexpected error occurred, and nothing was written. Try again. If it persists, tell the operator.",
    )


def install(app: FastAPI) -> None:
    """Let `app` respond to every error with a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_framework)
