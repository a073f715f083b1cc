"""The page at `/docs`. It works without a network, and no script runs on it that did not come with this service.

Persons sign in on the same origin. A script from elsewhere could read their pages in their name, so the policy of this
page allows scripts and requests of this origin only.
"""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.core.bounded_route import BoundedRoute
from service.core.security_headers import is_local
from service.web.assets import Assets
from service.web.security_headers import security_headers

# Swagger UI (Apache-2.0) as npm has it in swagger-ui-dist. The lock file pins the hash of the package that brings it.
_SWAGGER_UI: Final = "fastapi_swagger.resources"
_SCRIPT, _STYLE, _ICON = "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"
_START: Final = "start.js"

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Filiation: API</title>
<link rel="icon" type="image/png" href="{icon}">
<link rel="stylesheet" href="{style}">
<script src="{script}" defer></script>
<script src="{start}" defer></script>
</head>
<body>
<div id="operations"></div>
<noscript><p>This page needs JavaScript. <a href="openapi.json">openapi.json</a> says the same.</p></noscript>
</body>
</html>
"""


def _list_files() -> Iterator[Traversable]:
    bundled = files(_SWAGGER_UI)
    yield from (bundled.joinpath(name) for name in (_SCRIPT, _STYLE, _ICON))
    yield files(__package__).joinpath("static").joinpath(_START)


ASSETS: Final = Assets("/docs/files", _list_files)

router = APIRouter(include_in_schema=False, route_class=BoundedRoute)
router.include_router(ASSETS.router())


@router.get("/docs")
async def show_documentation(request: Request) -> HTMLResponse:
    """Show every operation, and let the reader try it with their own key."""
    await ASSETS.load()
    names = {"icon": _ICON, "style": _STYLE, "script": _SCRIPT, "start": _START}
    # The addresses are relative, so that the page also works behind a path of a proxy.
    paths = {part: ASSETS.path(name).removeprefix("/") for part, name in names.items()}
    headers = security_headers(local=is_local(request.headers.get("host", "")))
    return HTMLResponse(_PAGE.format(**paths), headers=headers | {"Content-Security-Policy": _POLICY})
