"""What a person asked for and how far each holder has got, and letters to holders without an account."""

import uuid
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, Response

from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep, SessionDep
from service.disclosure.operations import make_holder_letter
from service.objection.schemas import ObjectionOut
from service.objection.views import objections_on_number
from service.portal.address import ADDRESSES, Page
from service.portal.context import PersonOfPageDep, PortalRequestDep
from service.portal.downloads import file_response
from service.portal.objection_pages import write_scope
from service.web.site import PAGES
from service.wording.language import write_day, write_day_of
from service.wording.terms import Terms
from service.wording.typography import capitalised

router = APIRouter(route_class=BoundedRoute)


@ADDRESSES.route(router, Page.REQUESTS)
async def get_requests_page(page_request: PortalRequestDep, person: PersonOfPageDep, session: SessionDep) -> Response:
    """Every objection and erasure since the number is the person's, relay by relay. Earlier ones are only mentioned."""
    found = await objections_on_number(session, page_request.ring, person.key)
    own = [objection for objection in found if person.owned_at(objection.occurred_at)]

    def day_of(moment: datetime) -> str:
        return write_day_of(page_request.language, moment)

    def heading(objection: ObjectionOut) -> str:
        organisation = objection.organisation.legal_name if objection.organisation else None
        kind = capitalised(Terms(page_request.language).objection_kind(objection.kind))
        scope = write_scope(page_request, objection, organisation)
        return page_request.phrases.requests.heading.format(kind=kind, scope=scope)

    context: dict[str, Any] = {"objections": own, "has_earlier": len(own) < len(found), "day_of": day_of}
    context |= {"day": partial(write_day, page_request.language), "heading": heading}
    return await PAGES.run(partial(page_request.render, Page.REQUESTS, **context))


@ADDRESSES.route(router, Page.LETTER)
async def download_letter(
    page_request: PortalRequestDep, person: PersonOfPageDep, database: DatabaseDep, relay_id: uuid.UUID
) -> Response:
    """The letter to a holder without an account, ready to print and sign."""
    letter = await make_holder_letter(database, page_request.ring, person, relay_id, page_request.language)
    return file_response(letter)
