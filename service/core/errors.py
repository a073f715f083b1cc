"""Every error that a caller sees, as an RFC 9457 problem. The only home of their HTTP statuses.

A problem never repeats what the caller sent: it could be a phone number.
"""

import logging
import re
from typing import Any, ClassVar, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:filiation:problem:"

# RFC 9110's phrases, written out because Python changed its own from one version to the next.
TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class ConfigurationError(Exception):
    """The service cannot start as it is configured; the text says what to set."""


class Problem(Exception):
    """A refusal. `slug` names it for ever (`urn:filiation:problem:<slug>`); `detail` says what to do about it."""

    status: ClassVar[int] = 400

    def __init__(self, slug: str, detail: str, **extensions: Any) -> None:
        super().__init__(slug)
        self.slug, self.detail, self.extensions = slug, detail, extensions


class Unauthenticated(Problem):
    """No key, or one that does not count."""

    status = 401


class Forbidden(Problem):
    """The key is good, but not for this."""

    status = 403


class NotFound(Problem):
    """Nothing of that name, or nothing that this caller may see: the two are not told apart."""

    status = 404

    def __init__(self, noun: str) -> None:
        super().__init__(
            "not_found",
            f"There is no such {noun}, or it is not yours to see. Check the id and the key you call with.",
        )


class Conflict(Problem):
    """The request contradicts what is recorded."""

    status = 409


class TooLarge(Problem):
    """More bytes than this route takes."""

    status = 413


class UnsupportedMedia(Problem):
    """A media type or content encoding that this route does not read."""

    status = 415


class Unprocessable(Problem):
    """Well-formed, but it breaks a rule of the domain."""

    status = 422


class FieldProblem(BaseModel):
    """One field that was not as it should be."""

    location: str = Field(examples=["body.legal_name"])
    reason: str = Field(examples=["Field required"])


class ProblemDocument(BaseModel):
    """An RFC 9457 problem. `type` is stable: programs may decide on it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[TYPE_PREFIX + "not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such dataset, or it is not yours to see."])
    errors: list[FieldProblem] | None = None


_DIGIT_RUN = re.compile(r"\d(?:[\s.\-()]*\d){5,}")


def without_digits(text: str) -> str:
    """`text` with every run of six digits or more masked, so that no number that a caller sent comes back."""
    return _DIGIT_RUN.sub("…", text)


def _respond(
    status: int, slug: str, detail: str, extensions: dict[str, Any] | None = None, headers: Any = None
) -> JSONResponse:
    title = TITLES.get(status, "Refused")
    content = {"type": TYPE_PREFIX + slug, "title": title, "status": status, "detail": detail}
    return JSONResponse(content | (extensions or {}), status, headers=headers, media_type=MEDIA_TYPE)


def respond(problem: Problem) -> JSONResponse:
    """`problem` as an HTTP answer."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(problem, Unauthenticated) else None
    return _respond(problem.status, problem.slug, problem.detail, problem.extensions, headers)


async def _on_problem(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    return respond(problem)


async def _on_validation(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, RequestValidationError)
    errors = [
        {
            "location": without_digits(".".join(str(step) for step in error["loc"])),
            "reason": without_digits(error["msg"]),
        }
        for error in problem.errors()
    ]
    return _respond(
        422,
        "invalid_request",
        "The request is not of the documented form: mend the fields that `errors` names and send it again.",
        {"errors": errors},
    )


_FRAMEWORK_DETAILS = {
    400: ("malformed_request", "The request could not be read: check its body and headers."),
    404: ("not_found", "There is no such address. The list of all is at /openapi.json."),
    405: (
        "method_not_allowed",
        "This address does not take that method: the `Allow` header names those it takes.",
    ),
    413: ("content_too_large", "The body is larger than this address takes."),
    415: ("unsupported_media_type", "This address does not read that media type."),
}


async def _on_framework(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, HTTPException)
    slug, detail = _FRAMEWORK_DETAILS.get(
        problem.status_code, ("refused", "The request was refused: see the documentation of this address.")
    )
    return _respond(problem.status_code, slug, detail, headers=problem.headers)


def crashed(problem: Exception) -> JSONResponse:
    """The answer to an error that nobody foresaw, after logging where it happened.

    The exception's own text may quote a row or a parameter, so only its type and place are logged.
    """
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown place"
    log.error("unexpected %s at %s", type(problem).__name__, place)
    return _respond(
        500,
        "internal_error",
        "Something unexpected went wrong and nothing was written. Try again; if it stays, tell the operator.",
    )


def install(app: FastAPI) -> None:
    """Answer every error of `app` as a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_framework)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer with these problem statuses, besides the ones every route has."""
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status in statuses
    }
