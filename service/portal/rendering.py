"""Templates into answers, with the headers that keep a page to itself."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from service.number.normalisation import international_format
from service.portal.typography import FrenchSpacing
from service.wording.language import Language

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# Away from the machine itself a form goes over TLS or not at all: a browser that got the page without it upgrades
# the address before it sends a number, and the cookies would not be kept anyway.
_UPGRADE: Final = "; upgrade-insecure-requests"
_THIS_MACHINE: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]*)?", re.IGNORECASE)
_SECONDS_OF_A_YEAR: Final = 31_536_000

_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """A file that pages refer to."""

    content: bytes
    media_type: str
    version: str


@cache
def assets() -> dict[str, Asset]:
    """The files of `static/`, by name."""
    found = {}
    for file in files("service.portal").joinpath("static").iterdir():
        content = file.read_bytes()
        media_type = _MEDIA_TYPES["." + file.name.rpartition(".")[2]]
        found[file.name] = Asset(content, media_type, hashlib.sha256(content).hexdigest()[:12])
    return found


def asset_path(name: str) -> str:
    """The address of an asset, which changes with its content."""
    return f"/static/{assets()[name].version}/{name}"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("service.portal"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[FrenchSpacing],
    )
    environment.globals["asset"] = asset_path
    environment.filters |= {"telephone": international_format, "decimal": _write_decimal}
    return environment


def _write_decimal(value: float, language: Language) -> str:
    text = f"{value:g}"
    return text.replace(".", ",") if language == Language.FR else text


def render(template: str, context: Mapping[str, Any]) -> str:
    """The text of a page."""
    return _templates().get_template(template).render(context)


def headers_of_page(*, on_this_machine: bool) -> dict[str, str]:
    """What a page tells the browser about itself. Nobody keeps a page: the one may be personal, the other has a form.

    The origin is told to ourselves alone; without it the check of where a form comes from would have nothing to read.
    """
    headers = {
        "Content-Security-Policy": _POLICY if on_this_machine else _POLICY + _UPGRADE,
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if not on_this_machine:
        headers["Strict-Transport-Security"] = f"max-age={_SECONDS_OF_A_YEAR}"
    return headers


def html(text: str, status: int, *, on_this_machine: bool) -> HTMLResponse:
    """A page as an answer."""
    return HTMLResponse(text, status, headers=headers_of_page(on_this_machine=on_this_machine))


def is_this_machine(host: str) -> bool:
    """Whether a page was asked for, in the header `Host`, by a name of the machine itself."""
    return _THIS_MACHINE.fullmatch(host) is not None
