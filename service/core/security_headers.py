"""The headers that every response has, whatever it is: a page may set stricter ones of its own."""

import re
from typing import Final

from starlette.datastructures import MutableHeaders

_LOCAL: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]*)?", re.IGNORECASE)
_SECONDS_OF_A_YEAR: Final = 31_536_000

STRICT_TRANSPORT_SECURITY: Final = f"max-age={_SECONDS_OF_A_YEAR}"
EVERY_RESPONSE: Final = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": STRICT_TRANSPORT_SECURITY,
}


def add_security_headers(headers: MutableHeaders, *, local: bool) -> None:
    """Add those that a response lacks. On the machine itself, where there is no TLS, nothing insists on it."""
    for name, value in EVERY_RESPONSE.items():
        if not (local and name == "strict-transport-security"):
            headers.setdefault(name, value)


def is_local(host: str) -> bool:
    """Whether the header `Host` names the machine on which the service runs."""
    return _LOCAL.fullmatch(host) is not None
