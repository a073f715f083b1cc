"""The messages of a demonstration, on a page that only the machine itself can see."""

import ipaddress

from fastapi import APIRouter, Request, Response

from service.core.bounded_route import BoundedRoute
from service.core.db import DatabaseDep
from service.core.errors import NotFound
from service.core.resources import resources_of
from service.core.security_headers import is_local
from service.messaging.gateway import Messaging
from service.messaging.providers.outbox import Outbox, list_shown
from service.number.app_keyring import RingDep
from service.portal.address import ADDRESSES, Page
from service.portal.context import PortalRequestDep
from service.wording.language import write_time

router = APIRouter(route_class=BoundedRoute)


def may_see_outbox(request: Request) -> bool:
    """Whether messages are shown instead of sent, and to this caller.

    The name in `Host` counts as well as the address: a page from elsewhere could reach this machine by a name of its
    own, and have the browser read for it.
    """
    if not isinstance(resources_of(request).get(Messaging).gateway, Outbox) or request.client is None:
        return False
    try:
        from_here = ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return from_here and is_local(request.headers.get("host", ""))


@ADDRESSES.route(router, Page.OUTBOX)
async def get_outbox_page(
    page_request: PortalRequestDep, request: Request, database: DatabaseDep, ring: RingDep
) -> Response:
    """What would have been sent in the last minutes."""
    if not may_see_outbox(request):
        raise NotFound("page")
    messages = [
        {
            "number": message.number,
            "text": message.text,
            "time": write_time(page_request.language, message.recorded_at),
        }
        for message in await list_shown(database, ring)
    ]
    return page_request.render(Page.OUTBOX, messages=messages)
