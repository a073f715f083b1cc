"""The one way out for messages: a gateway, chosen by the settings."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends

from service.core.db import Database
from service.core.errors import ConfigurationError
from service.core.resources import resource
from service.core.settings import GatewayKind, Settings
from service.messaging.kannel import Kannel, client_of
from service.messaging.operations import OnInbound
from service.messaging.outbox import Outbox
from service.number.keyring import KeyRing


class Gateway(Protocol):
    """Takes messages to telephones."""

    async def send(self, number: int, text: str) -> None:
        """Hand over a message for `number` (E.164 digits as an integer). That it was, is recorded without the number.

        Raises Unreachable if the message was not taken.
        """


@asynccontextmanager
async def open_gateway(settings: Settings, database: Database, ring: KeyRing) -> AsyncIterator[Gateway]:
    """The gateway that the settings name, as long as the block lasts."""
    if settings.sms_gateway is GatewayKind.OUTBOX:
        yield Outbox(database, ring)
        return
    async with client_of(settings) as client:
        yield Kannel(client, settings, database, ring)


def require_private_outbox(settings: Settings, host: str) -> None:
    """Refuse to show messages instead of sending them where others than this machine's users could see them.

    Raises ConfigurationError: whoever reads the codes could take every number for theirs.
    """
    if settings.sms_gateway is GatewayKind.OUTBOX and not _is_loopback(host):
        raise ConfigurationError(
            "The outbox shows messages, codes among them, to whoever reaches the service, so it works on this machine "
            "only. Listen on 127.0.0.1, or set FILIATION_SMS_GATEWAY=kannel and describe your Kannel."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(slots=True)
class Messaging:
    """How messages leave, and what is done with those that telephones send."""

    gateway: Gateway
    on_inbound: OnInbound


MessagingDep = Annotated[Messaging, Depends(resource(Messaging))]


async def _gateway(messaging: MessagingDep) -> Gateway:
    return messaging.gateway


GatewayDep = Annotated[Gateway, Depends(_gateway)]
