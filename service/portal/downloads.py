"""Files for a person to keep."""

from fastapi import APIRouter, Response

from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.disclosure.operations import File, make_disclosure
from service.disclosure.schemas import DisclosureIn, Form
from service.portal.address import ADDRESSES, Page
from service.portal.context import FormDep, PersonOfPageDep, PortalRequestDep
from service.provenance.routes import SnapshotsDep

router = APIRouter(route_class=BoundedRoute)


@ADDRESSES.route(router, Page.DOWNLOAD, "POST")
async def download_answer(
    page_request: PortalRequestDep,
    person: PersonOfPageDep,
    form: FormDep,
    database: DatabaseDep,
    snapshots: SnapshotsDep,
) -> Response:
    """The answer as a letter or as data, with a reference."""
    if form.get("form") not in set(Form):
        raise NotFound("form of an answer")
    wanted = DisclosureIn(form=Form(form["form"]), language=page_request.language)
    return file_response(await make_disclosure(database, snapshots, page_request.ring, person, wanted))


def file_response(file: File) -> Response:
    """A file that the browser saves instead of showing it."""
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, headers=headers, media_type=file.media_type)
