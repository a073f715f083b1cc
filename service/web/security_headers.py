"""What a page tells the browser about itself, so that nothing of it leaves and nothing foreign comes in."""

from typing import Final

from fastapi.responses import HTMLResponse

from service.core.padding import NO_TRANSFORM, pad_html
from service.core.security_headers import STRICT_TRANSPORT_SECURITY

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# Elsewhere than on this machine a form goes over TLS or not at all. A browser that got the page without TLS upgrades
# the form's address before it sends a number, and it would not keep the cookies anyway.
_UPGRADE: Final = "; upgrade-insecure-requests"


def security_headers(*, local: bool) -> dict[str, str]:
    """The headers of a page. No cache keeps a page: it may be personal, or carry a form's token.

    Only this site learns the origin of a form. Without it, the check of where a form comes from had nothing to read.
    """
    headers = {
        "Content-Security-Policy": _POLICY if local else _POLICY + _UPGRADE,
        "Referrer-Policy": "same-origin",
        "Cache-Control": NO_TRANSFORM,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if not local:
        headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
    return headers


def page_response(text: str, status: int, *, local: bool, padded: bool = False) -> HTMLResponse:
    """A page with its headers. The size of a `padded` one says nothing of what it contains."""
    content = text.encode()
    return HTMLResponse(pad_html(content) if padded else content, status, headers=security_headers(local=local))
