"""Takes from Kannel what telephones send, and the reports on messages. A worker does this, one at a time.

Kannel keeps each message in a folder until it is acknowledged here, which is after the transaction that records it. A
message whose acknowledgement was lost comes again with the same id.
"""

import asyncio
import logging
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from service.core.clock import now
from service.core.db import Connection, Database
from service.core.locks import INBOUND, alone, is_held
from service.core.outages import is_outage
from service.core.readiness import Condition, Finding, look_at
from service.core.resources import Resources
from service.core.setting_types import GatewayKind
from service.core.settings import Settings
from service.core.worker import beside_tasks
from service.messaging.gateway import Messaging
from service.messaging.messages import Inbound, record_state
from service.messaging.providers.kannel.box import Box, opened_box
from service.messaging.providers.kannel.packets import Ack, Coding, Packet, Sms, Way
from service.messaging.providers.kannel.sender import state_of_code
from service.number.normalisation import normalise_number
from service.number.rejection import NumberRejected

log = logging.getLogger(__name__)

# Kannel gives what it kept in no order, for instance after a restart. What comes without such a pause is put in order
# by its time. Kannel hands out less than this before it waits (`smsbox-max-pending`).
_QUIET_SECONDS: Final = 0.05
_MOST_AT_ONCE: Final = 10_000


@beside_tasks
async def receive_messages(resources: Resources) -> None:
    """Take messages for as long as this runs. It ends, and begins again, when Kannel or the database is away."""
    settings = resources.get(Settings)
    if settings.sms_gateway is not GatewayKind.KANNEL or settings.kannel_address is None:
        await asyncio.Event().wait()
        return
    async with alone(resources.get(Database), INBOUND), opened_box(settings.kannel_address, None) as box:
        while True:
            await _take_all(resources, box, await box.read_all(_QUIET_SECONDS, _MOST_AT_ONCE))


@look_at("messages")
async def _look_at_messages(connection: Connection, settings: Settings) -> Finding:
    if settings.sms_gateway is not GatewayKind.KANNEL:
        return Finding(Condition.OK, "Messages are shown here instead of sent.")
    # A worker holds this lock as long as it is connected to Kannel, and between its attempts it does not.
    if await is_held(connection, INBOUND):
        return Finding(Condition.OK, "A worker takes messages from Kannel.")
    return Finding(
        Condition.WARNING,
        "No worker takes messages from Kannel, so what telephones send waits there; nothing is lost. "
        "Check that Kannel runs, and look at the worker's log.",
    )


async def _take_all(resources: Resources, box: Box, packets: Iterable[Packet]) -> None:
    """Record messages, the oldest first, and acknowledge each.

    A message that cannot be recorded stays with Kannel, and so do the later ones of its sender. All others are taken.

    Raises:
        Exception: the first that kept a message from being recorded.
    """
    messages = sorted((packet for packet in packets if isinstance(packet, Sms)), key=lambda message: message.time)
    failures: dict[bytes, Exception] = {}
    for message in messages:
        if message.sender in failures:
            continue
        try:
            await _take(resources, message)
        except Exception as problem:
            if is_outage(problem):
                raise
            failures[message.sender] = problem
            continue
        await box.write(Ack(message.id, time=message.time))
    for first in failures.values():
        raise first


async def _take(resources: Resources, message: Sms) -> None:
    if message.way == Way.REPORT:
        await _record_report(resources.get(Database), message)
        return
    try:
        inbound = read_inbound(message)
    except NumberRejected:
        log.warning("A message was dropped, because its sender is not a phone number in international form.")
        return
    await resources.get(Messaging).on_inbound(inbound)


async def _record_report(database: Database, report: Sms) -> None:
    """Record what became of a message. Reports on messages of another program, which Kannel may have, are ignored."""
    state = state_of_code(report.report_mask)
    try:
        message_id = uuid.UUID((report.report_name or b"").decode("ascii", "replace"))
    except ValueError:
        return
    if state is not None:
        await record_state(database, message_id, state)


def read_inbound(message: Sms) -> Inbound:
    """A message from a telephone.

    Raises:
        NumberRejected: its sender is not a phone number.
    """
    return Inbound(
        id=message.id,
        number=_read_sender(message.sender.decode(errors="replace")),
        originator=message.receiver.decode(errors="replace").strip(),
        text=_read_text(message),
        received_at=datetime.fromtimestamp(message.time, UTC) if message.time > 0 else now(),
    )


def _read_sender(sender: str) -> int:
    """A sender's number (E.164 digits) as message centres write it: international, often without its plus."""
    try:
        return normalise_number(sender, "FR")
    except NumberRejected:
        return normalise_number(f"+{sender}", "FR")


def _read_text(message: Sms) -> str:
    """The text of a message; characters that cannot be read are replaced, as telephones do."""
    encoding = "utf-16-be" if message.coding == Coding.UTF_16 else "utf-8"
    return message.text.decode(encoding, errors="replace").replace("\x00", "")
