"""The messages of a demonstration, on a page for the machine itself."""

import ipaddress

from fastapi import APIRouter, Request, Response

from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.core.resources import resources_of
from service.messaging.gateway import Messaging
from service.messaging.providers.outbox import Outbox, list_shown
from service.number.app_keyring import RingDep
from service.portal.address import Page
from service.portal.context import VisitorDep
from service.portal.rendering import is_this_machine
from service.portal.routing import at
from service.wording.language import write_time

router = APIRouter()


def may_see_outbox(request: Request) -> bool:
    """Whether messages are shown instead of sent, and to this caller.

    The name is looked at besides the address: by a name of its own that leads to this machine, a page from elsewhere
    could have the browser read for it.
    """
    if not isinstance(resources_of(request).get(Messaging).gateway, Outbox) or request.client is None:
        return False
    try:
        near = ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return near and is_this_machine(request.headers.get("host", ""))


@at(router, Page.OUTBOX)
async def show_outbox(visitor: VisitorDep, request: Request, database: DatabaseDep, ring: RingDep) -> Response:
    """What would have been sent in the last minutes."""
    if not may_see_outbox(request):
        raise NotFound("page")
    messages = [
        {"number": one.number, "text": one.text, "time": write_time(visitor.language, one.recorded_at)}
        for one in await list_shown(database, ring)
    ]
    return visitor.show(Page.OUTBOX, messages=messages)
