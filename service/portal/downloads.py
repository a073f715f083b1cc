"""Files that a person takes along."""

from fastapi import APIRouter, Response

from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.disclosure.operations import File, make_disclosure
from service.disclosure.schemas import DisclosureIn, Form
from service.portal.address import Page
from service.portal.context import FormDep, PersonOfPageDep, VisitorDep
from service.portal.routing import at
from service.provenance.routes import SnapshotsDep

router = APIRouter()


@at(router, Page.DOWNLOAD, "POST")
async def take_answer_along(
    visitor: VisitorDep, person: PersonOfPageDep, form: FormDep, database: DatabaseDep, snapshots: SnapshotsDep
) -> Response:
    """The answer as a letter or as data, with a reference."""
    if form.get("form") not in set(Form):
        raise NotFound("form of an answer")
    wanted = DisclosureIn(form=Form(form["form"]), language=visitor.language)
    return download(await make_disclosure(database, snapshots, visitor.ring, person, wanted))


def download(file: File) -> Response:
    """A file to keep, which no page shows."""
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return Response(file.content, headers=headers, media_type=file.media_type)
