"""Pages for everybody, and the files that all pages refer to."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from service.core.db import SessionDep
from service.core.errors import NotFound
from service.portal.address import Page, path_of
from service.portal.context import VisitorDep
from service.portal.controller import name_operators
from service.portal.rendering import assets
from service.portal.routing import at
from service.wording.language import Language

router = APIRouter()


@at(router, Page.HOW)
async def show_how(visitor: VisitorDep) -> Response:
    """How it works."""
    return visitor.show(Page.HOW)


@at(router, Page.PRIVACY)
async def show_privacy(visitor: VisitorDep, session: SessionDep) -> Response:
    """What is kept of whom and for how long, the risks that were weighed, and who is to be written to."""
    return visitor.show(Page.PRIVACY, operators=await name_operators(session))


@router.get("/en", include_in_schema=False)
async def go_to_english() -> Response:
    """The English home page has a stroke at its end, and people leave it out."""
    return RedirectResponse(path_of(Page.HOME, Language.EN), 308)


@router.get("/static/{version}/{name}", include_in_schema=False)
async def get_asset(version: str, name: str) -> Response:
    """A style sheet, a script or a drawing. Its address names its content, so that it may be kept for ever."""
    asset = assets().get(name)
    if asset is None or asset.version != version:
        raise NotFound("file")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(asset.content, media_type=asset.media_type, headers=headers)
