"""What the browser carries on the portal, in two cookies.

`__Host-filiation` is the session's token, which only a confirmed code gives. It is read from no address and no field.
`__Host-filiation-state` is what a form hands to the next page, encrypted: a number that waits for its code, an error
to show, a request to confirm.
"""

import uuid
from datetime import datetime
from typing import Final

from fastapi import Response
from pydantic import BaseModel, Field

from service.core.vocabulary import ObjectionKind, ObjectionScope, Purpose
from service.web.browser_state import BrowserState, StateCookie, set_cookie

SESSION_COOKIE: Final = "__Host-filiation"


class PendingCode(BaseModel):
    """A number to which a code was sent."""

    verification_id: uuid.UUID
    number: int = Field(repr=False)
    sent_at: datetime


class ObjectionDraft(BaseModel):
    """An objection or an erasure that waits for its confirmation."""

    kind: ObjectionKind
    scope: ObjectionScope
    organisation_id: uuid.UUID | None = None
    purpose: Purpose | None = None


class PortalState(BrowserState):
    """What is carried from page to page."""

    pending_code: PendingCode | None = None
    draft: ObjectionDraft | None = None


STATE_COOKIE: Final = StateCookie("__Host-filiation-state", PortalState)


def set_session(response: Response, token: str, seconds: int) -> None:
    """Have the browser carry a session for so many seconds; 0 have it drop the session that it carries."""
    set_cookie(response, SESSION_COOKIE, token, seconds)
