"""What a page tells the browser about itself, so that nothing of it leaves and nothing foreign comes in."""

from typing import Final

from fastapi.responses import HTMLResponse

from service.core.padding import NO_TRANSFORM
from service.core.security_headers import STRICT_TRANSPORT_SECURITY

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src {images}; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# Elsewhere than on this machine a form goes over TLS or not at all. A browser that got the page without TLS upgrades
# the form's address before it sends a number, and it would not keep the cookies anyway.
_UPGRADE: Final = "; upgrade-insecure-requests"


def security_headers(*, local: bool, with_pictures: bool = False) -> dict[str, str]:
    """The headers of a page. No cache keeps a page: it may be personal, or carry a form's token.

    A page `with_pictures` brings these in itself, as `data:` addresses.

    Only this site learns the origin of a form. Without it, the check of where a form comes from had nothing to read.
    """
    policy = _POLICY.format(images="'self' data:" if with_pictures else "'self'")
    headers = {
        "Content-Security-Policy": policy if local else policy + _UPGRADE,
        "Referrer-Policy": "same-origin",
        "Cache-Control": NO_TRANSFORM,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if not local:
        headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
    return headers


def page_response(text: str, status: int, *, local: bool, with_pictures: bool = False) -> HTMLResponse:
    """A page with its headers."""
    return HTMLResponse(text, status, headers=security_headers(local=local, with_pictures=with_pictures))
