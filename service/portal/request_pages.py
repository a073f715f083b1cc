"""What was asked for, and how far each holder is with it; letters to those that cannot be told from here."""

import uuid
from datetime import datetime

from fastapi import APIRouter, Response

from service.core.db import DatabaseDep, SessionDep
from service.disclosure.operations import make_holder_letter
from service.objection.deadlines import list_deadlines
from service.objection.schemas import ObjectionOut
from service.objection.views import objections_on_number
from service.portal.address import Page
from service.portal.context import PersonOfPageDep, VisitorDep
from service.portal.downloads import download
from service.portal.objection_pages import write_scope
from service.portal.routing import at
from service.wording.language import write_day_of

router = APIRouter()


@at(router, Page.REQUESTS)
async def show_requests(visitor: VisitorDep, person: PersonOfPageDep, session: SessionDep) -> Response:
    """Every objection and erasure since the number is theirs, hop by hop. Of earlier ones, only that there are."""
    found = await objections_on_number(session, visitor.ring, person.key)
    own = [one for one in found if person.owned_at(one.occurred_at)]

    def day(moment: datetime) -> str:
        return write_day_of(visitor.language, moment)

    def scope(objection: ObjectionOut) -> str:
        named = objection.organisation.legal_name if objection.organisation else None
        return write_scope(visitor.words, objection, named)

    return visitor.show(Page.REQUESTS, objections=own, has_earlier=len(own) < len(found), day=day, scope=scope)


@at(router, Page.LETTER)
async def get_letter(
    visitor: VisitorDep, person: PersonOfPageDep, database: DatabaseDep, relay_id: uuid.UUID
) -> Response:
    """The letter to a holder without an account, to be printed and signed."""
    return download(await make_holder_letter(database, visitor.ring, person, relay_id, visitor.language))


@at(router, Page.DEADLINES)
async def show_deadlines(visitor: VisitorDep, session: SessionDep) -> Response:
    """How organisations keep their time, for everybody."""
    table = await list_deadlines(session)
    return visitor.show(
        Page.DEADLINES, organisations=table.organisations, as_of=write_day_of(visitor.language, table.as_of)
    )
