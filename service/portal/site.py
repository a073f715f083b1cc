"""The portal as a site: its addresses, templates, assets, cookie and phrases."""

from typing import Final

from service.portal.address import ADDRESSES, Page
from service.portal.phrasebook import phrases_in
from service.portal.session import STATE_COOKIE, PortalState
from service.web.assets import Assets
from service.web.site import Site
from service.web.templates import Templates

ASSETS: Final = Assets.of_site("service.portal", "/static")
SITE: Final[Site[Page, PortalState]] = Site(
    pages=Page,
    home=Page.HOME,
    addresses=ADDRESSES,
    templates=Templates("service.portal", ASSETS),
    cookie=STATE_COOKIE,
    phrases=phrases_in,
    defaults={"person": None},
)
