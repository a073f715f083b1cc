"""What the browser carries from page to page, in two cookies that scripts cannot read and other sites cannot send.

`__Host-filiation` is the session's token, which only a confirmed code gives; no address and no field is ever taken for
one. `__Host-filiation-visit` is what a form hands to the page after it, sealed: a number that waits for its code, a
mistake to be shown, a choice to be confirmed. So neither stands in an address, and a page that is loaded again sends
nothing again. Browsers keep both only over TLS, or on the machine itself.
"""

import hmac
import secrets
import uuid
from datetime import datetime
from typing import Final

from fastapi import Response
from pydantic import BaseModel, Field, ValidationError

from service.core.vocabulary import ObjectionKind, ObjectionScope, Purpose
from service.number.keyring import KeyMismatchError, KeyRing
from service.portal.address import Page

SESSION_COOKIE: Final = "__Host-filiation"
VISIT_COOKIE: Final = "__Host-filiation-visit"

_VISIT_SECONDS: Final = 3600
_CONTEXT: Final = b"portal visit"


class Pending(BaseModel):
    """A number that a code was sent to."""

    verification_id: uuid.UUID
    number: int = Field(repr=False)
    sent_at: datetime


class Mistake(BaseModel):
    """What was wrong with a form: which field, why, and what was typed, so that nobody types it twice."""

    page: Page
    field: str
    reason: str
    values: dict[str, str] = {}
    kept: dict[str, str] = Field(default={}, repr=False)


class Choice(BaseModel):
    """An objection or an erasure that waits for its confirmation."""

    kind: ObjectionKind
    scope: ObjectionScope
    organisation_id: uuid.UUID | None = None
    purpose: Purpose | None = None


class Visit(BaseModel):
    """What is carried. `said` is a notice that the next page shows once."""

    nonce: str = Field(default_factory=lambda: secrets.token_urlsafe(16))
    pending: Pending | None = None
    mistake: Mistake | None = None
    choice: Choice | None = None
    said: str | None = None


def open_visit(ring: KeyRing, cookie: str | None) -> Visit | None:
    """The visit that a cookie carries; None if it carries none of ours."""
    try:
        return Visit.model_validate_json(ring.decrypt(bytes.fromhex(cookie or ""), _CONTEXT))
    except (KeyMismatchError, ValidationError, ValueError):
        return None


def keep_visit(response: Response, ring: KeyRing, visit: Visit) -> None:
    """Have the browser carry `visit`."""
    sealed = ring.encrypt(visit.model_dump_json(exclude_none=True).encode(), _CONTEXT).hex()
    _set(response, VISIT_COOKIE, sealed, _VISIT_SECONDS)


def keep_session(response: Response, token: str, seconds: int) -> None:
    """Have the browser carry a session for so long; 0 has it drop the one it has."""
    _set(response, SESSION_COOKIE, token, seconds)


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")


def form_token(ring: KeyRing, visit: Visit, session_token: str | None) -> str:
    """What a form of this visit and session carries to show that it came from a page of theirs."""
    return ring.fingerprint("portal form", f"{visit.nonce}/{session_token or ''}".encode()).hex()


def is_form_token(ring: KeyRing, visit: Visit, session_token: str | None, given: str) -> bool:
    """Whether `given` is that; compared in constant time."""
    return hmac.compare_digest(form_token(ring, visit, session_token).encode(), given.encode())
