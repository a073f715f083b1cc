"""Forms: only those that a page of ours sent count, and only as our pages have browsers send them."""

import hmac
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers

from service.core.errors import Forbidden, UnsupportedMedia
from service.number.keyring import KeyRing

# More fields than a form of ours has.
_MOST_FIELDS: Final = 20
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


def form_token(ring: KeyRing, nonce: str, session_token: str | None) -> str:
    """What a form carries to show that it came from a page of this browser and session."""
    return ring.fingerprint("form", f"{nonce}/{session_token or ''}".encode()).hex()


def is_form_token(ring: KeyRing, nonce: str, session_token: str | None, given: str) -> bool:
    """Whether `given` is that token; compared in constant time."""
    return hmac.compare_digest(form_token(ring, nonce, session_token).encode(), given.encode())


def require_same_origin(headers: Headers) -> None:
    """Refuse a form that does not come from a page of ours, as the browser says in one of two headers.

    Raises:
        Forbidden: the form comes from elsewhere, or the browser does not say from where.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin", "").partition("://")[2]
    same = site == "same-origin" if site is not None else origin != "" and origin == headers.get("host")
    if not same:
        raise Forbidden("form_cross_site", "This form comes from another site. Send it from its own page.")


async def read_fields(request: Request) -> dict[str, str]:
    """The fields of a form, by name.

    Of `multipart/form-data`, the other encoding of forms, the sender chooses the character set of each field, and some
    of these take minutes to decode.

    Raises:
        UnsupportedMedia: the body is not URL-encoded.
        TooLarge: the body is longer than any form of ours (`Body.FORM`).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise UnsupportedMedia("form_encoding", f"This form is encoded in another way. Send it as {_MEDIA_TYPE}.")
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}
