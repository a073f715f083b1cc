"""What the browser carries from page to page: a form's error, a message to show once, and what a site adds.

It travels encrypted in a cookie that scripts cannot read and other sites cannot send. So neither a number nor an error
stands in an address, and a page that is loaded again sends nothing again.
"""

import secrets
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from fastapi import Response
from pydantic import BaseModel, Field, ValidationError

from service.number.keyring import KeyMismatchError, KeyRing

_SECONDS: Final = 3600


class FormError(BaseModel):
    """What is wrong with a field of a form, in words, and what was typed, so that nobody types it twice."""

    page: str
    field: str
    text: str
    typed: dict[str, str] = Field(default={}, repr=False)


class BrowserState(BaseModel):
    """What is carried on any site. `flash` is a message that the next page shows once."""

    nonce: str = Field(default_factory=lambda: secrets.token_urlsafe(16))
    error: FormError | None = None
    flash: str | None = None


StateT = TypeVar("StateT", bound=BrowserState)


@dataclass(frozen=True, slots=True)
class StateCookie(Generic[StateT]):
    """The cookie of a site's state."""

    name: str
    model: type[StateT]

    @property
    def _context(self) -> bytes:
        return f"cookie {self.name}".encode()

    def read(self, ring: KeyRing, value: str | None) -> StateT | None:
        """The state in a cookie; None if it has none of ours."""
        try:
            return self.model.model_validate_json(ring.decrypt(bytes.fromhex(value or ""), self._context))
        except (KeyMismatchError, ValidationError, ValueError):
            return None

    def set(self, response: Response, ring: KeyRing, state: StateT) -> None:
        """Have the browser carry `state` for an hour."""
        text = state.model_dump_json(exclude_none=True).encode()
        set_cookie(response, self.name, ring.encrypt(text, self._context).hex(), _SECONDS)


def set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    """Have the browser keep a cookie of this host alone; 0 seconds have it drop the one that it has.

    Browsers keep a `Secure` cookie over TLS only, or on the machine itself.
    """
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")
