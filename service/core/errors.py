"""Every error that a caller sees, as an RFC 9457 problem. The only home of their HTTP statuses.

A problem never repeats what the caller sent: it could be a phone number.
"""

import math
from datetime import timedelta
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:filiation:problem:"

# RFC 9110's phrases, written out because Python changed its own from one version to the next.
TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}


class ConfigurationError(Exception):
    """The service cannot start as it is configured. The text says what to set."""


class Problem(Exception):
    """A refusal. Its `slug` never changes (`urn:filiation:problem:<slug>`); `detail` says what to do about it."""

    status: ClassVar[int] = 400

    def __init__(self, slug: str, detail: str, **extensions: Any) -> None:
        super().__init__(slug)
        self.slug, self.detail, self.extensions = slug, detail, extensions

    def as_text(self) -> str:
        """What a command prints: what to do, and the members that this refers to."""
        members = {name: value if isinstance(value, list) else [value] for name, value in self.extensions.items()}
        return "\n".join([self.detail, *(f"{name}: {', '.join(map(str, value))}" for name, value in members.items())])

    def headers(self) -> dict[str, str]:
        """The headers that the response has in addition."""
        return {}


class Malformed(Problem):
    """A request that HTTP itself does not allow."""

    status = 400


class Unauthenticated(Problem):
    """No API key or session, or an invalid one."""

    status = 401
    challenge: ClassVar[str] = "Bearer"

    def headers(self) -> dict[str, str]:
        """How to authenticate (RFC 9110, 11.6.1)."""
        return {"WWW-Authenticate": self.challenge}


class Forbidden(Problem):
    """A valid key that does not allow this."""

    status = 403


class NotFound(Problem):
    """Nothing has this id, or the caller may not see it. A problem does not say which of the two."""

    status = 404

    def __init__(self, noun: str) -> None:
        super().__init__(
            "not_found",
            f"No such {noun}, or you may not see it. Check the id, and the key or session that you call with.",
        )
        self._noun = noun

    def as_text(self) -> str:
        """The same for a command of the operator, who sees everything and calls with no key."""
        return f"There is no {self._noun} of this name or id. Check it."


class Conflict(Problem):
    """The request contradicts what is recorded."""

    status = 409


class StillRunning(Conflict):
    """The request that this one repeats has not ended."""

    def headers(self) -> dict[str, str]:
        """When to try again, in seconds (RFC 9110, 10.2.3)."""
        return {"Retry-After": "2"}


class TooLarge(HTTPException):
    """More bytes than an endpoint accepts.

    It is an exception of the framework, which catches every other exception while it reads a body.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"This endpoint accepts at most {limit} bytes. Send less at once.")


class TooSlow(HTTPException):
    """A body that does not arrive in time. It is an exception of the framework, for the same reason."""

    def __init__(self) -> None:
        super().__init__(408, "The body did not arrive in time. Send it again over a faster connection.")


class TooManyValues(HTTPException):
    """JSON with more values, or deeper nesting, than an endpoint reads. Also an exception of the framework."""

    def __init__(self, most: int, deepest: int) -> None:
        super().__init__(
            413, f"This endpoint reads at most {most} values of JSON, nested at most {deepest} deep. Send less at once."
        )


class UnsupportedMedia(Problem):
    """A media type or content encoding that this endpoint does not read."""

    status = 415


class Unprocessable(Problem):
    """A well-formed request that breaks a rule of the domain."""

    status = 422


class TooManyRequests(Problem):
    """A limit is reached that protects a person, a secret, or the others who use the registry."""

    status = 429

    def __init__(self, slug: str, detail: str, retry_after: timedelta) -> None:
        super().__init__(slug, detail)
        self.retry_after = retry_after

    def headers(self) -> dict[str, str]:
        """When to try again, in seconds (RFC 9110, 10.2.3)."""
        return {"Retry-After": str(max(1, math.ceil(self.retry_after.total_seconds())))}


class FieldProblem(BaseModel):
    """An invalid field."""

    location: str = Field(examples=["body.legal_name"])
    reason: str = Field(examples=["Field required"])


class Overloaded(Problem):
    """More requests at once, or more work, than the service does."""

    status = 503
    retry_after: ClassVar[int] = 2

    def headers(self) -> dict[str, str]:
        """When to try again, in seconds (RFC 9110, 10.2.3)."""
        return {"Retry-After": str(self.retry_after)}


class Unavailable(Overloaded):
    """The database does not respond, so that nothing can be read or recorded."""

    retry_after = 5


class Unreachable(Problem):
    """An external service that the request needs does not respond."""

    status = 503


class NoRoom(Problem):
    """The disk of the database is nearly full (RFC 4918, 11.5)."""

    status = 507

    def __init__(self) -> None:
        super().__init__(
            "disk_nearly_full",
            "The registry's disk is nearly full, so it takes no new files and facts. Try again later. Lookups, "
            "objections and erasures go on.",
        )


class ProblemDocument(BaseModel):
    """An RFC 9457 problem. Its `type` is stable, so that programs can branch on it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=[TYPE_PREFIX + "not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(
        examples=["No such dataset, or you may not see it. Check the id, and the key or session that you call with."]
    )
    errors: list[FieldProblem] | None = None


_MEANINGS: Final = {
    400: "The body cannot be read.",
    401: "The API key, or the person's session, is missing, unknown, expired or revoked.",
    403: "The API key does not allow this.",
    404: "Nothing has this id, or the caller may not see it.",
    408: "The body did not arrive in time.",
    409: "The request contradicts what is recorded, or another use of the same `Idempotency-Key`.",
    413: "The body is larger than this endpoint accepts.",
    415: "This endpoint does not read the body's media type or encoding.",
    422: "The request does not match the documented schema, or it breaks a rule of the domain.",
    429: "Too many requests. `Retry-After` says in how many seconds to try again.",
    500: "An unexpected error occurred.",
    503: "The database or another service does not respond, or too much is asked at once. Try again a little later.",
    507: "The disk of the registry is nearly full. Try again later.",
}

# The statuses with which a JSON body may be refused before its content is looked at.
JSON_BODY: Final = (400, 408, 413, 415)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may respond with these problems, in addition to those of every route."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
        for status in statuses
    }
