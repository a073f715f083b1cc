"""The gateway that sends messages: one of the `providers`, chosen by the settings."""

import ipaddress
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends

from service.core.db import Database
from service.core.errors import ConfigurationError
from service.core.resources import resource
from service.core.setting_types import GatewayKind
from service.core.settings import Settings
from service.messaging.messages import OnInbound
from service.messaging.providers.kannel.sender import Kannel
from service.messaging.providers.outbox import Outbox
from service.number.keyring import KeyRing


class Gateway(Protocol):
    """Sends messages to telephones. Each provider is one."""

    async def send(self, message_id: uuid.UUID, number: int, text: str, *, until: datetime) -> None:
        """Send a message to `number` (E.164 digits as an integer), and record it under its id, without the number.

        The message is not sent after `until`, to the second, wherever it waits for its sending.

        Raises:
            Unreachable: the provider did not accept the message.
        """


@asynccontextmanager
async def open_gateway(settings: Settings, database: Database, ring: KeyRing) -> AsyncIterator[Gateway]:
    """Open the gateway that the settings name, for as long as the block lasts."""
    match settings.sms_gateway:
        case GatewayKind.OUTBOX:
            yield Outbox(database, ring)
        case GatewayKind.KANNEL:
            kannel = Kannel(settings, database)
            try:
                yield kannel
            finally:
                await kannel.close()


def require_private_outbox(settings: Settings, host: str) -> None:
    """Refuse to use the outbox if the service can be reached from other machines.

    Raises:
        ConfigurationError: others could read the codes in the outbox and claim any number.
    """
    if settings.sms_gateway is GatewayKind.OUTBOX and not _is_loopback(host):
        raise ConfigurationError(
            "The outbox shows all messages, including codes, to everybody who can reach the service. Listen on "
            "127.0.0.1, or set FILIATION_SMS_GATEWAY=kannel and FILIATION_KANNEL_ADDRESS."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(slots=True)
class Messaging:
    """The gateway that sends messages, and the handler of messages from telephones."""

    gateway: Gateway
    on_inbound: OnInbound


MessagingDep = Annotated[Messaging, Depends(resource(Messaging))]


async def _gateway(messaging: MessagingDep) -> Gateway:
    return messaging.gateway


GatewayDep = Annotated[Gateway, Depends(_gateway)]
