"""Every error that a caller sees, as an RFC 9457 problem. The only home of their HTTP statuses.

A problem never repeats what the caller sent: it could be a phone number.
"""

import logging
import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

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
    429: "Too Many Requests",
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

    def headers(self) -> dict[str, str]:
        """What stands in the head of the answer besides."""
        return {}


class Unauthenticated(Problem):
    """No key or session, or one that does not count."""

    status = 401
    challenge: ClassVar[str] = "Bearer"

    def headers(self) -> dict[str, str]:
        """How to say who calls (RFC 9110, 11.6.1)."""
        return {"WWW-Authenticate": self.challenge}


class UnknownGateway(Unauthenticated):
    """A request that only our SMS gateway may make, without its secret."""

    challenge = 'Basic realm="SMS gateway"'


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


class TooLarge(HTTPException):
    """More bytes than an address takes. Of the framework's kind, as all that it lets pass while it reads a body."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"This address takes at most {limit} bytes. Send less at once.")


class UnsupportedMedia(Problem):
    """A media type or content encoding that this route does not read."""

    status = 415


class Unprocessable(Problem):
    """Well-formed, but it breaks a rule of the domain."""

    status = 422


class TooMany(Problem):
    """A limit that keeps somebody from being pestered, or a secret from being guessed."""

    status = 429

    def __init__(self, slug: str, detail: str, retry_after: timedelta) -> None:
        super().__init__(slug, detail)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        """When to ask again, in seconds (RFC 9110, 10.2.3)."""
        return {"Retry-After": str(max(1, math.ceil(self.retry_after.total_seconds())))}


class FieldProblem(BaseModel):
    """One field that was not as it should be."""

    location: str = Field(examples=["body.legal_name"])
    reason: str = Field(examples=["Field required"])


class Overloaded(Problem):
    """More requests at once than there are connections to the database."""

    status = 503


class Unreachable(Problem):
    """Something that the request needs, and that is not ours, does not answer."""

    status = 503


class ProblemDocument(BaseModel):
    """An RFC 9457 problem. `type` is stable: programs may decide on it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[TYPE_PREFIX + "not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such dataset, or it is not yours to see."])
    errors: list[FieldProblem] | None = None


# The names of our own fields look like this. Another name in a request is the caller's text, and might be a number.
_FIELD = re.compile(r"[a-z][a-z_-]{0,60}")


def _step(step: int | str) -> str:
    return str(step) if isinstance(step, int) or _FIELD.fullmatch(step) else "(a field that is not known here)"


def _reason(error: dict[str, Any]) -> str:
    """Why a field was refused. The framework's words hold no values, but of an id they tell the first bad character."""
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
    """`problem` as an HTTP answer."""
    return _respond(problem.status, problem.slug, problem.detail, problem.extensions, problem.headers())


async def _on_problem(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    return respond(problem)


async def _on_validation(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, RequestValidationError)
    if isinstance(problem.body, bytes):
        # The framework hands on as bytes what was not announced as JSON.
        return _refuse(415)
    errors = problem.errors()
    if errors[0]["type"] == "json_invalid":
        return _refuse(400)
    return _respond(
        422,
        "invalid_request",
        "The request is not of the documented form: mend the fields that `errors` names and send it again.",
        {"errors": [{"location": ".".join(map(_step, one["loc"])), "reason": _reason(one)} for one in errors]},
    )


_FRAMEWORK_DETAILS: Final = {
    400: ("malformed_request", "The body could not be read as JSON in UTF-8. Mend it and send it again."),
    404: ("not_found", "There is no such address. The list of all is at /openapi.json."),
    405: (
        "method_not_allowed",
        "This address does not take that method: the `Allow` header names those it takes.",
    ),
    413: ("content_too_large", "The body is larger than this address takes."),
    415: ("unsupported_media_type", "This address reads JSON: send the body as `Content-Type: application/json`."),
}


def _refuse(status: int, *, detail: str | None = None, headers: Mapping[str, str] | None = None) -> JSONResponse:
    slug, usual = _FRAMEWORK_DETAILS.get(
        status, ("refused", "The request was refused: see the documentation of this address.")
    )
    return _respond(status, slug, detail or usual, headers=headers)


async def _on_framework(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, HTTPException)
    if problem.status_code == 405:
        return _refuse(405, headers={"Allow": ", ".join(_methods_of(request))})
    return _refuse(problem.status_code, detail=problem.detail if isinstance(problem, TooLarge) else None)


_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _methods_of(request: Request) -> list[str]:
    """What the request's address takes. The framework itself names only the methods of the first route that fits."""
    scope = {"type": "http", "path": request.scope["path"], "root_path": request.scope.get("root_path", "")}
    routes = request.app.router.routes
    return [one for one in _METHODS if any(r.matches(scope | {"method": one})[0] is Match.FULL for r in routes)]


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


_MEANINGS: Final = {
    400: "The body cannot be read.",
    401: "The API key, or a person's session, is missing, unknown, expired or ended.",
    403: "The API key does not allow this.",
    404: "There is no such thing, or the caller may not see it.",
    409: "It contradicts what is recorded, or another use of the same `Idempotency-Key`.",
    413: "The body is larger than this address takes.",
    415: "The body is of a media type or encoding that this address does not read.",
    422: "The request is not of the documented form, or it breaks a rule of the domain.",
    429: "Too often. `Retry-After` says in how many seconds to try again.",
    500: "Something unexpected went wrong here.",
    503: "Something that this needs does not answer at the moment.",
}

# What a body in JSON may be refused with before anybody looks at what it says.
JSON_BODY: Final = (400, 413, 415)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer with these problem statuses, besides the ones every route has."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status in statuses
    }
